"""Clavicles of the reference man."""

from tests.phantom.anatomy.reference import reference_body, volume_ml


def test_volume_of_the_clavicles() -> None:
    """By section and length 30 to 35 ml each; the reference's label, 99 ml, holds other bone."""
    assert 60 <= volume_ml(reference_body(), "clavicle") <= 80
