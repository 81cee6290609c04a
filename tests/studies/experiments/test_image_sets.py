"""Two rows on two image sets with a test share of their own, from the cohort to the page; tiny."""

import json

import pytest

from bonescan.data.datalist import read_datalist
from bonescan.prepare.image_set import make_image_set
from bonescan.studies.experiments.data import prepare
from bonescan.studies.experiments.execute import execute
from bonescan.studies.experiments.experiment import Experiment, ImageSet, Profile, Row
from bonescan.studies.experiments.grid import RunGrid
from bonescan.studies.experiments.results import write_results

PROFILE = Profile(
    patients=10,
    protocol="next to nothing",
    image_sets={"plain": ImageSet(selected=8), "augmented": ImageSet(selected=8, total=17)},
    overlays=["fast"],
    settings={"width": 2, "epochs": 1, "batch_size": 2},
    test_share=0.3,
    cohort_seed=5,
    validated=False,
)
EXPERIMENT = Experiment(
    name="tiny", title="A table", source="A paper", preset="lin2020",
    metrics=["dsc"], profiles={"fast": PROFILE},
    rows=[
        Row(id="plain", name="Few images", system="lin2020_unet"),
        Row(id="augmented", name="More images", system="lin2020_unet", data="augmented"),
    ],
)  # fmt: skip


@pytest.mark.slow
def test_rows_are_trained_and_evaluated_on_their_own_images(tmp_path):
    data = prepare(EXPERIMENT, PROFILE, tmp_path / "data")
    grid = RunGrid(EXPERIMENT, "fast", data, tmp_path / "work")
    outcome = execute(grid.runs(), workers=1, announce=lambda _: None)
    assert outcome.failed == []
    page = write_results(grid, tmp_path / "results", command="tiny", split="patient")
    document = json.loads(page.with_suffix(".json").read_text())
    contents = [read_datalist(data.find(name).datalist) for name in PROFILE.image_sets]
    tested = [{entry["patient"] for entry in content["test"]} for content in contents]
    trained = [{entry["patient"] for entry in content["training"]} for content in contents]
    assert tested[0] == tested[1]
    assert not tested[0] & trained[0]
    assert [sum(map(len, content.values())) for content in contents] == [8, 17]
    assert [row["images"] for row in document["rows"]] == [
        len(content["test"]) for content in contents
    ]
    assert document["data"]["test_share"] == 0.3
    history = grid.runs()[0].folder / "history.csv"
    assert history.read_text().splitlines()[1].split(",")[3] == "", "nothing was validated"
    assert set(document["data"]["sha256"]) == {"plain", "augmented"}
    assert "30 % of the patients held out for testing" in page.read_text()
    cohort = tmp_path / "data" / "lin2020-10-seed5"
    held_out = read_datalist(cohort / "datalist-test-0.3.json")["test"]
    assert len(held_out) == 3
    assert tested[0] <= {entry["patient"] for entry in held_out}
    folder = data.find("plain").datalist.parent
    with pytest.raises(ValueError, match="must hold a set of the same data"):
        make_image_set(cohort / "datalist.json", folder, selected=8, seed=5)
