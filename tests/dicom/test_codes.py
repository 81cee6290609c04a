import re

import pytest
from pydicom.sr.codedict import codes as standard

from bonescan.dicom import codes
from bonescan.dicom.codes import Code
from bonescan.labels import REGION_GROUPS, SIDES


def known_meanings() -> dict[tuple[str, str], set[str]]:
    """Return the Standard's meanings by scheme and value."""
    found: dict[tuple[str, str], set[str]] = {}
    for scheme in (standard.DCM, standard.LN, standard.SCT, standard.UCUM):
        for name in scheme.dir():
            code = getattr(scheme, name)
            found.setdefault((code.scheme_designator, code.value), set()).add(code.meaning)
    return found


KNOWN = known_meanings()


def all_codes() -> list[Code]:
    """Every code of the table."""
    found = []
    for thing in vars(codes).values():
        values = thing.values() if isinstance(thing, dict) else (thing,)
        found += [value for value in values if isinstance(value, Code)]
    return found


@pytest.mark.parametrize(
    "code",
    [code for code in all_codes() if code.scheme != codes.OWN_SCHEME],
    ids=lambda code: code.meaning,
)
def test_codes_are_those_of_the_standard(code):
    meanings = KNOWN[code.scheme, code.value]
    names = {re.sub(r" \((observable entity|body structure)\)$", "", name) for name in meanings}
    assert code.meaning.lower() in {name.lower() for name in names}


def test_own_codes_fit_their_elements_and_differ():
    own = [code for code in all_codes() if code.scheme == codes.OWN_SCHEME]
    assert own
    assert all(len(code.value) <= 16 and len(code.meaning) <= 64 for code in own)
    assert len({code.value for code in own}) == len({code.meaning for code in own}) == len(own)


def test_every_region_of_a_finding_has_a_code():
    bones = {name.removesuffix("_right").removesuffix("_left") for name in REGION_GROUPS}
    assert set(codes.REGIONS) == bones
    assert set(codes.LATERALITY) == set(SIDES)
    assert len({code.value for code in codes.REGIONS.values()}) == len(codes.REGIONS)
