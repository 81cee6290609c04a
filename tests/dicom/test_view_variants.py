"""How headers of many kinds say the views: each is right, refused, or called a guess.

The true view of a frame is known by its pixels: a result that names another is silently wrong, and
no row of the table may have one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.errors import ScanError
from tests.factories import BOTH, SPACING_MM, make_item, make_scan_file

A, P = View.ANTERIOR, View.POSTERIOR
READ, GUESS = "read", "guess"
UNKNOWN, AGAINST = "cannot tell anterior", "contradicts itself"
ANT, POST = ("G-5215", "SRT", "Anterior projection"), ("G-5216", "SRT", "Posterior projection")


@dataclass(frozen=True)
class Variant:
    """A header, and what becomes of it.

    Attributes:
        name: of the variant.
        views: the true view of each frame.
        expected: READ, GUESS, or words of the refusal.
        codes: (value, scheme, meaning) per detector item.
        angles: StartAngle per detector item.
        elements: values of the dataset by keyword.
        files: elements per file where there is a file for each view.
        modifier: code of the patient's orientation.
    """

    name: str
    views: Sequence[View]
    expected: str
    codes: Sequence[tuple[str, str, str] | None] = ()
    angles: Sequence[float | None] = ()
    elements: dict[str, Any] | None = None
    files: Sequence[dict[str, Any]] = ()
    modifier: str = ""


def both(name: str, expected: str, **facts: Any) -> Variant:
    """Make a variant of one file with both views, anterior first."""
    return Variant(name, (A, P), expected, **facts)


def lone(name: str, view: View, expected: str, **elements: Any) -> Variant:
    """Make a variant of a file with one view; NumberOfDetectors is 2, as in most exports."""
    angle = elements.pop("angle", None)
    code = elements.pop("code", None)
    elements = {"NumberOfDetectors": 2, **elements}
    return Variant(name, (view,), expected, (code,), (angle,), elements)


def pair(name: str, views: Sequence[View], expected: str, *files: dict[str, Any]) -> Variant:
    """Make a variant of two files with one view each."""
    return Variant(name, views, expected, files=files)


GE = {"Manufacturer": "GE MEDICAL SYSTEMS"}
TWO_DETECTORS = ({"NumberOfDetectors": 2}, {"NumberOfDetectors": 2, "DetectorVector": [2]})


def each(**values: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Return the elements of each of two files."""
    return tuple(
        {**base, **{keyword: pair[number] for keyword, pair in values.items()}}
        for number, base in enumerate(TWO_DETECTORS)
    )


VARIANTS = [
    # One file, both views
    both("codes", READ, codes=(ANT, POST)),
    both("one code", READ, codes=(ANT, None)),
    both("private codes", READ, codes=(("1", "99", "FACE ANT"), ("2", "99", "FACE POST"))),
    both("angles", READ, angles=(180, 0)),
    both("angles 180 and 360", READ, angles=(180, 360)),
    both("negative angles", READ, angles=(-180, -360)),
    both("one angle", READ, angles=(180, None)),
    both("codes and angles", READ, codes=(ANT, POST), angles=(180, 0)),
    both("codes and equal angles", READ, codes=(ANT, POST), angles=(180, 180)),
    both("nothing", GUESS),
    both("equal angles", GUESS, angles=(180, 180)),
    both("label of the whole file", GUESS, elements={"ImageID": "WB POST"}),
    both("codes against angles", AGAINST, codes=(ANT, POST), angles=(0, 180)),
    both("a code against its angle", AGAINST, codes=(ANT, None), angles=(360, None)),
    both("code against its meaning", AGAINST, codes=(("G-5216", "SRT", "Anterior"), None)),
    both("equal codes", UNKNOWN, codes=(ANT, ANT)),
    both("equal codes, two angles", AGAINST, codes=(ANT, ANT), angles=(180, 0)),
    both("oblique angles", UNKNOWN, angles=(140, 320)),
    both("lateral angles", UNKNOWN, angles=(90, 270)),
    both("one oblique", UNKNOWN, codes=(ANT, ("R-10228", "SRT", "Left posterior oblique"))),
    both("codes of rays", GUESS, codes=(("R-10206", "SRT", ""), ("R-10214", "SRT", ""))),
    both("prone, by angle", READ, angles=(0, 180), elements={"PatientPosition": "HFP"}),
    both("prone against supine", AGAINST, angles=(0, 180), modifier="F-10340",
         elements={"PatientPosition": "HFP"}),
    both("DetectorVector from 0", "DetectorVector", codes=(ANT, POST), angles=(180, 0),
         elements={"DetectorVector": [0, 1]}),
    both("DetectorVector 3, 1", "DetectorVector", codes=(ANT, POST),
         elements={"DetectorVector": [3, 1]}),
    both("DetectorVector 2, 3", "DetectorVector", codes=(ANT, POST),
         elements={"DetectorVector": [2, 3]}),
    both("DetectorVector 65535, 1", "DetectorVector", codes=(ANT, POST),
         elements={"DetectorVector": [65535, 1]}),
    both("DetectorVector too long", "DetectorVector", codes=(ANT, POST),
         elements={"DetectorVector": [1, 2, 1, 2]}),
    both("DetectorVector 1, 1", UNKNOWN, codes=(ANT, POST), elements={"DetectorVector": [1, 1]}),
    both("EnergyWindowVector beyond", "EnergyWindowVector", codes=(ANT, POST),
         elements={"EnergyWindowVector": [1, 2]}),
    both("upside down", "PatientOrientation", codes=(ANT, POST),
         elements={"PatientOrientation": ["L", "H"]}),
    # One file, one view
    lone("code", P, READ, code=POST),
    lone("code, anterior", A, READ, code=ANT),
    lone("angle 180", A, READ, angle=180),
    lone("angle 360", P, READ, angle=360),
    lone("angle 0 alone", P, GUESS, angle=0),
    lone("angle 0 and ANT", A, READ, angle=0, SeriesDescription="WB ANT"),
    lone("angle 0 and _E", A, READ, angle=0, ImageID="WHOLE BODY_E", **GE),
    lone("angle 0 and a code", A, READ, angle=0, code=ANT),
    lone("angle 360 against ANT", A, AGAINST, angle=360, SeriesDescription="WB ANT"),
    lone("code against ANT", A, AGAINST, code=POST, ImageID="WB ANT"),
    lone("two texts against each other", A, AGAINST, ImageID="WB ANT",
         SeriesDescription="WB POST"),
    lone("ImageID _F of GE", P, READ, ImageID="WHOLE BODY_F", **GE),
    lone("ImageID _F of another", A, UNKNOWN, ImageID="WB_BONE_F"),
    lone("description _F of GE", A, UNKNOWN, SeriesDescription="WB_BONE_F", **GE),
    lone("description _E", P, UNKNOWN, SeriesDescription="WB_SPAET_E"),
    lone("WB POST", P, READ, ImageID="WB POST"),
    lone("Posterior view", P, READ, ImageID="Posterior view"),
    lone("face antérieure", A, READ, ImageID="Face antérieure",
         SpecificCharacterSet="ISO_IR 100"),
    *(
        lone(f"{text}, after", A, UNKNOWN, SeriesDescription=text)
        for text in ("WB POST THERAPY", "POST RADIATION", "WB 3H POST", "POST RAI",
                     "BONE 3HR POST", "WB POST OP", "POST 2")
    ),
    lone("after, and ANT", A, READ, SeriesDescription="WB ANT POST THERAPY"),
    *(
        lone(f"{text}, no view", view, UNKNOWN, SeriesDescription=text)
        for text, view in (
            ("Antero-posterior", A), ("Postero-anterior", P), ("WB AP", A), ("WB PA", P),
            ("GK hinten", P), ("TOTAL BODY POSTERIORE", P), ("WBPOST", P),
            ("WB DORSAL DECUBITUS", A), ("WB ANT/POST", P), ("IMPLANT", P),
        )
    ),
    *(
        lone(f"{text}, another projection", view, UNKNOWN, SeriesDescription=text)
        for text, view in (("Right anterior oblique", A), ("LPO POST", P), ("ANT OBLIQUE", A))
    ),
    lone("code of rays", A, UNKNOWN, code=("R-10214", "SRT", "postero-anterior")),
    lone("code against rays in its meaning", A, UNKNOWN, code=("G-5216", "SRT", "PA")),
    lone("angle 140", A, UNKNOWN, angle=140),
    lone("detector 1 of 2", P, UNKNOWN),
    lone("detector 2 of 2", P, UNKNOWN, DetectorVector=[2]),
    lone("detector 2 of 1", P, "DetectorVector", NumberOfDetectors=1, DetectorVector=[2]),
    lone("mirrored anterior", A, AGAINST, code=ANT, PatientOrientation=["R", "F"]),
    lone("flipped posterior", P, AGAINST, code=POST, PatientOrientation=["L", "F"]),
    lone("anterior and L\\F", A, READ, code=ANT, PatientOrientation=["L", "F"]),
    lone("posterior and R\\F", P, READ, code=POST, PatientOrientation=["R", "F"]),
    lone("posterior and R\\H", P, "upside down", code=POST, PatientOrientation=["R", "H"]),
    # Two files, one view each
    pair("ANT and POST", (A, P), READ, *each(ImageID=("WB ANT", "WB POST"))),
    pair("POST and ANT", (P, A), READ, *each(ImageID=("WB POST", "WB ANT"))),
    pair("_F and _E", (P, A), READ, *each(ImageID=("WB_F", "WB_E"), Manufacturer=("GE", "GE"))),
    pair("3H ANT and 3H POST", (A, P), READ,
         *each(SeriesDescription=("WB 3H ANT", "WB 3H POST"))),
    pair("both 3HR POST", (A, P), GUESS,
         *each(SeriesDescription=("BONE 3HR POST", "BONE 3HR POST"))),
    pair("nothing, two detectors", (A, P), GUESS, *TWO_DETECTORS),
    pair("nothing, one detector", (A, P), UNKNOWN, {}, {}),
    pair("nothing, two times", (A, P), UNKNOWN, *each(AcquisitionTime=("080000", "113000"))),
    pair("one named, one time", (A, P), READ,
         *each(ImageID=("WB ANT", "WB"), AcquisitionTime=("080000", "080000"))),
    pair("two anterior files, one named", (A, A), UNKNOWN,
         *each(ImageID=("WB ANT EARLY", "WB EARLY"), AcquisitionTime=("080000", "110000"))),
    pair("two anterior files, two series", (A, A), UNKNOWN,
         *each(ImageID=("WB ANT EARLY", "WB EARLY"), SeriesInstanceUID=("1.5", "1.6"))),
    pair("both named anterior", (A, A), UNKNOWN, *each(ImageID=("WB ANT", "WB ANT"))),
    pair("two people", (A, P), "sex or age",
         *each(ImageID=("WB ANT", "WB POST"), PatientSex=("F", "M"))),
]  # fmt: skip


def dress(variant: Variant, elements: dict[str, Any]) -> Callable[[Dataset], None]:
    """Return what gives a file the header of a variant."""

    def edit(image: Dataset) -> None:
        for number, item in enumerate(image.DetectorInformationSequence):
            code = variant.codes[number] if number < len(variant.codes) else None
            item.ViewCodeSequence = [make_item(code)] if code else []
            if number < len(variant.angles) and variant.angles[number] is not None:
                item.StartAngle = variant.angles[number]
        if variant.modifier:
            lying = make_item(("F-10450", "99SDM", "recumbent"))
            lying.PatientOrientationModifierCodeSequence = [make_item((variant.modifier, "S", ""))]
            image.PatientOrientationCodeSequence = [lying]
        for keyword, value in elements.items():
            setattr(image, keyword, value)

    return edit


def write(variant: Variant, folder, counts=BOTH, spacing_mm=SPACING_MM) -> list:
    """Write the files of a variant; the second frame of a view differs from the first."""
    planes = [counts[view] + number for number, view in enumerate(variant.views)]
    if not variant.files:
        edit = dress(variant, variant.elements or {})
        by_view = dict(zip(variant.views, planes, strict=True))
        return [make_scan_file(folder / "scan.dcm", by_view, spacing_mm=spacing_mm, edit=edit)]
    return [
        make_scan_file(
            folder / f"{number}.dcm",
            {view: plane},
            spacing_mm=spacing_mm,
            edit=dress(variant, elements),
        )
        for number, (view, plane, elements) in enumerate(
            zip(variant.views, planes, variant.files, strict=True)
        )
    ]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_no_view_is_silently_wrong(tmp_path, variant, caplog):
    paths = write(variant, tmp_path)
    if variant.expected not in {READ, GUESS}:
        with pytest.raises(ScanError, match=re.escape(variant.expected)):
            read_scan(paths)
        return
    scan = read_scan(paths)
    assert set(scan.views) == set(variant.views)
    for number, view in enumerate(variant.views):
        np.testing.assert_array_equal(scan.counts[view], BOTH[view] + number)
    assert (scan.view_source == "guess") == (variant.expected == GUESS)
    warned = "the views are a guess" in caplog.text
    assert warned == (variant.expected == GUESS and len(variant.views) == 2)


def test_the_table_is_long_and_names_each_variant_once():
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS) >= 60


@pytest.fixture(scope="session")
def body(bodies):
    """Return a simulated body of both views, as counts by view on few pixels, and their spacing."""
    scan = bodies[0]
    rows, columns = scan.size
    small = {
        view: counts.reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3)).astype(np.uint16)
        for view, counts in scan.counts.items()
    }
    return small, (2 * scan.spacing_mm[0], 2 * scan.spacing_mm[1])


HEADER_SPEAKS = frozenset({
    "equal codes", "oblique angles", "lateral angles", "one oblique", "DetectorVector 1, 1",
    "Right anterior oblique, another projection", "LPO POST, another projection",
    "ANT OBLIQUE, another projection", "angle 140", "two anterior files, one named",
    "two anterior files, two series", "both named anterior",
})  # fmt: skip
"""Variants that are not told although the header speaks: then the image does not decide."""


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_with_a_body_no_view_is_silently_wrong(tmp_path, variant, body):
    counts, spacing_mm = body
    paths = write(variant, tmp_path, counts, spacing_mm)
    if variant.expected not in {READ, GUESS, UNKNOWN} or variant.name in HEADER_SPEAKS:
        with pytest.raises(ScanError, match=re.escape(variant.expected)):
            read_scan(paths)
        return
    scan = read_scan(paths)
    assert (scan.view_source == "image") == (variant.expected != READ)
    assert set(scan.views) == set(variant.views)
    for number, view in enumerate(variant.views):
        np.testing.assert_array_equal(scan.counts[view], counts[view] + number)


@pytest.mark.parametrize(
    "variant",
    [variant for variant in VARIANTS if variant.expected == READ],
    ids=lambda variant: variant.name,
)
def test_a_header_that_is_wrong_is_refused_by_the_image(tmp_path, variant, body):
    counts, spacing_mm = body
    swapped = {view: counts[view.other] for view in View}
    with pytest.raises(ScanError, match="the image contradicts what is said of it"):
        read_scan(write(variant, tmp_path, swapped, spacing_mm))
