import json

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from bonescan.handlers.region_evaluation import (
    POOLED,
    RegionReport,
    count_overlap,
    summarise_regions,
)
from bonescan.labels import REGION_GROUPS
from bonescan.run_folder import SUMMARY_JSON, SUMMARY_PAGE
from bonescan.transforms.regions import to_bits

GROUPS = list(REGION_GROUPS)
SHAPE = (len(GROUPS), 2, 3, 4)


def masks(**pixels):
    """Masks in which each group has so many pixels, from the first on."""
    array = np.zeros(SHAPE, bool)
    for name, count in pixels.items():
        array[GROUPS.index(name)].reshape(-1)[:count] = True
    return array


def test_overlap_worked_out_by_hand():
    overlap = count_overlap(masks(skull=3, sacrum=4), masks(skull=5, femur_left=2))
    by_group = {name: overlap[:, number].tolist() for number, name in enumerate(GROUPS)}
    assert by_group["skull"] == [6, 8]
    assert by_group["sacrum"] == [0, 4]
    assert by_group["femur_left"] == [0, 2]
    assert by_group["femur_right"] == [0, 0]
    with pytest.raises(ValueError, match="prediction must have the truth's shape"):
        count_overlap(masks()[:, :1], masks())


def test_dice_is_pooled_over_scans_and_bones():
    overlaps = np.stack([
        count_overlap(masks(skull=3), masks(skull=5)),
        count_overlap(masks(skull=1, sacrum=2), masks(sacrum=2)),
    ])  # fmt: skip
    summary = summarise_regions(["a", "b"], overlaps)
    assert summary["skull"]["value"] == pytest.approx(6 / 9, abs=1e-4)
    assert summary["sacrum"]["value"] == 1
    assert summary[POOLED]["value"] == pytest.approx(10 / 13, abs=1e-4)
    assert summary["femur_left"] == {"value": None, "interval": [None, None]}
    low, high = summary["skull"]["interval"]
    assert low <= summary["skull"]["value"] <= high
    assert summarise_regions(["a", "a"], overlaps)["skull"]["interval"] == [None, None]


def test_report_is_written(tmp_path):
    meta = {"scan_id": "one", "simulated": True}
    sample = {
        "image": MetaTensor(torch.zeros(2, 3, 4), meta=meta),
        "pred": torch.from_numpy(masks(skull=3)).float(),
        "label": torch.from_numpy(masks(skull=5)),
    }
    engine = Engine(lambda _engine, _batch: [sample])
    engine.state.rank = 0
    RegionReport(output_dir=tmp_path, name="Bones").attach(engine)
    engine.run([[{"patient": "a"}], [{"patient": "b"}]])
    document = json.loads((tmp_path / SUMMARY_JSON).read_text())["Bones"]
    assert (document["patients"], document["scans"], document["simulated"]) == (2, 2, True)
    assert document["dice"]["skull"]["value"] == 0.75
    page = (tmp_path / SUMMARY_PAGE).read_text()
    assert "2 simulated scans of 2 patients" in page
    assert "| skull | 0.750 |" in page
    assert "| femur left | n/a |" in page


def test_a_scan_without_regions_is_named(tmp_path):
    image = MetaTensor(torch.zeros(2, 3, 4), meta={"scan_id": "one", "simulated": False})
    engine = Engine(lambda _engine, _batch: [{"image": image, "pred": torch.zeros(SHAPE)}])
    RegionReport(output_dir=tmp_path, name="Bones").attach(engine)
    with pytest.raises(ValueError, match=r"must name its map of regions .* scan one has none"):
        engine.run([[{"patient": "a"}]])


def test_maps_of_bits_under_other_keys_are_compared_where_the_truth_is_known(tmp_path):
    pred, truth = (to_bits(torch.from_numpy(masks(skull=n, sacrum=n + 2))) for n in (1, 3))
    meta = {"scan_id": "one", "simulated": True}
    image = MetaTensor(torch.zeros(2, 3, 4), meta=meta)
    engine = Engine(lambda _engine, _batch: [{"image": image, "pred": pred}])
    engine.state.rank = 0
    RegionReport(
        output_dir=tmp_path, name="Bones", keys=("pred", "truth"), optional=True, file_stem="bones"
    ).attach(engine)
    engine.run([[{"patient": "a", "truth": truth}], [{"patient": "b"}]])  # as loaded
    dice = json.loads((tmp_path / "bones.json").read_text())["Bones"]["dice"]
    assert dice["skull"]["value"] == 0.5
    assert dice["sacrum"]["value"] == 0.75
    assert "1 simulated scans of 1 patients" in (tmp_path / "bones.md").read_text()


def test_nothing_is_written_where_no_truth_is_known(tmp_path):
    image = MetaTensor(torch.zeros(2, 3, 4), meta={"scan_id": "one", "simulated": False})
    engine = Engine(lambda _engine, _batch: [{"image": image, "pred": torch.zeros(SHAPE)}])
    engine.state.rank = 0
    RegionReport(output_dir=tmp_path, name="Bones", optional=True).attach(engine)
    engine.run([[{"patient": "a"}]])
    assert not list(tmp_path.iterdir())
