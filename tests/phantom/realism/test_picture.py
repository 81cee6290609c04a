import numpy as np
import pytest

from bonescan.phantom.realism.picture import (
    PARTS,
    Frame,
    background,
    body_mask,
    brightness_quantiles,
    find_frame,
    measure_picture,
    part_shares,
    rows_cut,
    width,
)

PIXEL_MM = 2.5
FIELD = (slice(0, 900), slice(10, 240))


def drawn(columns=(60, 181), rows=(50, 851), level=20.0):
    """A rectangle of a body in a field with next to nothing beside it."""
    counts = np.zeros((1000, 256))
    counts[FIELD] = 0.2
    counts[slice(*rows), slice(*columns)] = level
    return counts


def test_a_body_is_where_it_was_drawn():
    body = body_mask(drawn(), PIXEL_MM)
    frame = find_frame(body)
    assert frame.head_row == pytest.approx(50, abs=4)
    assert frame.height == pytest.approx(801, abs=8)
    assert frame.midline_column == 120
    assert body.sum() == pytest.approx(801 * 121, rel=0.08)


def test_a_body_forgets_how_many_counts_there_are():
    np.testing.assert_array_equal(body_mask(drawn(), PIXEL_MM), body_mask(7 * drawn(), PIXEL_MM))


def test_brightness_is_relative_to_the_median():
    counts = np.ones((100, 100))
    counts[:, 80:] = 3.0
    found = brightness_quantiles(counts, np.ones(counts.shape, bool))
    assert found["p75 over median"] == pytest.approx(1, abs=0.01)
    assert found["p90 over median"] == pytest.approx(3, abs=0.01)
    assert found == pytest.approx(brightness_quantiles(5 * counts, np.ones(counts.shape, bool)))


def test_parts_of_an_even_body_hold_their_lengths():
    shares = part_shares(drawn(rows=(100, 900)), Frame(100, 800, 120))
    assert list(shares) == [f"counts of the {name}, %" for name in PARTS]
    assert shares["counts of the head, %"] == pytest.approx(13, abs=0.3)
    assert shares["counts of the thorax, %"] == pytest.approx(20, abs=0.3)
    assert shares["counts of the shanks, %"] == pytest.approx(25.5, abs=0.5)


def test_the_background_is_that_of_the_field_beside_the_body():
    counts = drawn()
    assert background(counts, body_mask(counts, PIXEL_MM), PIXEL_MM) == pytest.approx(0.2)
    full = np.ones((50, 40))
    assert np.isnan(background(full, np.ones(full.shape, bool), PIXEL_MM))


def test_a_width_is_counted_in_its_row():
    body = np.zeros((200, 100), bool)
    body[20:180, 30:70] = True
    body[100:, 40:60] = False
    frame = Frame(20, 160, 50)
    assert (width(body, frame, 0.2), width(body, frame, 0.8)) == (40, 20)


def test_a_row_is_cut_where_the_body_reaches_the_edge_of_the_field():
    inside, at_the_left = drawn(), drawn(columns=(10, 181))
    assert rows_cut(inside, body_mask(inside, PIXEL_MM), PIXEL_MM) == 0
    assert rows_cut(at_the_left, body_mask(at_the_left, PIXEL_MM), PIXEL_MM) == 1
    across = drawn(columns=(10, 240))
    across[300:, 200:240] = 0.2
    cut = rows_cut(across, body_mask(across, PIXEL_MM), PIXEL_MM)
    assert cut == pytest.approx(1 + 250 / 801, abs=0.02)


def test_all_measures_of_a_picture_have_lengths_in_mm():
    measured = measure_picture(drawn(), PIXEL_MM)
    assert measured["length of the body, mm"] == pytest.approx(801 * PIXEL_MM, rel=0.01)
    assert measured["width at 0.35 of the length, mm"] == pytest.approx(121 * PIXEL_MM, rel=0.06)
    assert measured["area of the body, cm2"] == pytest.approx(801 * 121 * 0.0625, rel=0.08)
