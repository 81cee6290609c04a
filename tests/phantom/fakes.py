"""A small made-up patient, for tests of what is written about patients."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bonescan.dicom.scan import View
from bonescan.labels import Label, region_bit
from bonescan.phantom.anatomy.person import draw_person
from bonescan.phantom.cameras import CAMERAS, CameraPreset
from bonescan.phantom.patient import BenignTruth, LesionTruth, SimulatedPatient, SimulatedView

SHAPE = (90, 70)
LESIONS = ((30, 22, 5.0), (60, 45, 7.0))
"""Row, column (anterior geometry) and radius in pixels."""
BENIGN = (45, 50)
BLADDER = (78, 34, 5.0)


def disk(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    return np.hypot(rows - row, columns - column) <= radius


def fake_view(view: View, seed: int = 0) -> SimulatedView:
    """Two lesions and the bladder in a bone that fills the picture, and a benign hot spot."""
    expected = np.full(SHAPE, 4.0)
    label, instances = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint16)
    for number, place in enumerate(LESIONS, start=1):
        label[disk(*place)], instances[disk(*place)] = Label.METASTASIS, number
        expected[disk(*place)] = 24
    label[disk(*BLADDER)] = Label.BLADDER
    expected[disk(*BLADDER)] = 40
    expected[disk(*BENIGN, 2.5)] = 20
    regions = np.full(SHAPE, region_bit("t5") | region_bit("ribs_left"), np.int64)
    counts = np.random.default_rng([seed, len(view)]).poisson(expected).astype(np.uint16)
    benign = disk(*BENIGN, 2.5).astype(np.uint16)
    images = (counts, label, instances, benign, regions)
    if view is View.POSTERIOR:
        images = tuple(np.ascontiguousarray(image[:, ::-1]) for image in images)
    return SimulatedView(*images)


def fake_patient(
    camera: CameraPreset = CAMERAS[1],
    views: Sequence[View] = tuple(View),
    *,
    seed: int = 0,
    tumour_burden: float = 0.03,
    scatter_window: bool = False,
) -> SimulatedPatient:
    images = {view: fake_view(view, seed) for view in views}
    if scatter_window:
        images = {view: replace(image, scatter=image.counts // 3) for view, image in images.items()}
    return SimulatedPatient(
        person=draw_person(np.random.default_rng(seed), "F"),
        views=images,
        lesions=tuple(
            LesionTruth(
                number=number,
                bone="t5",
                region="t5",
                diameter_mm=20.0,
                contrast=np.float64(5.0),
                shape="focal",
                centre=(float(row), float(column)),
                area_px={
                    view: int((image.instances == number).sum()) for view, image in images.items()
                },
            )
            for number, (row, column, _) in enumerate(LESIONS, start=1)
        ),
        benign_findings=("osteophyte",),
        benign_foci=(
            BenignTruth(
                number=1,
                finding="osteophyte",
                centre=(float(BENIGN[0]), float(BENIGN[1])),
                area_px={view: int((image.benign == 1).sum()) for view, image in images.items()},
            ),
        ),
        camera=camera,
        primary="breast",
        tumour_burden=tumour_burden,
        scan_velocity_mm_s=2.5,
        duration_s=600.0,
    )
