import csv
import gzip
import hashlib
import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from monai.data import MetaTensor
from pydicom.data import get_testdata_file

from bonescan.data.nifti import read_view_stack
from bonescan.dicom.read import read_scan
from bonescan.dicom.scan import View
from bonescan.keys import META_VIEWS
from bonescan.labels import Label
from bonescan.report.scan_result import ScanResult
from bonescan.transforms import MirrorPosterior, ThoraxCrop
from tests.factories import IDENTIFIERS, PRIVATE_NAME, make_scan_file
from tests.handlers.fakes import NETWORK, save_weights
from tests.workflows import FEW_OUTPUTS, ROOT, TINY, locate_datalist, make_workflow, run

HOT_SPOTS = {View.ANTERIOR: (200, 150), View.POSTERIOR: (250, 160)}
"""Place of a hot spot in each view as acquired: beside the spine, on different sides."""
LEVEL = 0.9

WHOLE = "first scan/whole body.dcm"
PAIR = ("two files/back.dcm", "two files/front.dcm")
FAILING = ("CT small.dcm", "cut short.dcm", "small.dcm")


@dataclass(frozen=True)
class Archive:
    """An archive and what inference made of it."""

    source: Path
    output: Path
    exit_code: int | str | None
    log: str

    def table(self, name: str) -> list[dict[str, str]]:
        """Return the rows; not when they were made."""
        with (self.output / name).open(newline="") as file:
            rows = csv.DictReader(file)
            return [{key: row[key] for key in row if key != "date"} for row in rows]

    def folder_of(self, *names: str) -> Path:
        scan = read_scan([self.source / name for name in names])
        return self.output / scan.scan_id


def spoil(image: pydicom.Dataset) -> None:
    """Give a simulated scan hot spots of its own and the header of a person."""
    frames = image.pixel_array.copy()
    hot = 3 * int(frames.max())
    views = frames[: len(HOT_SPOTS)]  # the scatter window, if stored, follows
    for frame, (row, column) in zip(views, HOT_SPOTS.values(), strict=True):
        frame[row - 2 : row + 3, column - 2 : column + 3] = hot
    image.PixelData = frames.tobytes()
    for keyword, value in IDENTIFIERS.items():
        setattr(image, keyword, value)


def fill(folder: Path, cohort: Path) -> Path:
    """Make an archive: two good scans, three bad files and a text."""
    (folder / WHOLE).parent.mkdir(parents=True)
    image = pydicom.dcmread(cohort / "sim-0001" / "scan.dcm")
    spoil(image)
    image.save_as(folder / WHOLE)
    (folder / PAIR[0]).parent.mkdir()
    for name, view in zip(PAIR, ("posterior", "anterior"), strict=True):
        shutil.copy(cohort / "sim-0005" / f"{view}.dcm", folder / name)
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / "CT small.dcm")
    content = (cohort / "sim-0002" / "scan.dcm").read_bytes()
    (folder / "cut short.dcm").write_bytes(content[: len(content) // 2])
    make_scan_file(folder / "small.dcm", study_uid="1.2.9")
    (folder / "notes.txt").write_text("no scan")
    return folder


class AreaWriter:
    """A writer of somebody else: lesion pixels of each scan; refuses scans of two files."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        if len(result.files) > 1:
            raise ValueError("scan must be one file, got two")
        area = int(result.mask(Label.METASTASIS).sum())
        (output_dir / result.scan_id / "area.txt").write_text(f"{area} {self.unit}")


def infer(
    source: Path, output: Path, weights: Path, run_id: str = "run", *overlays: str, **overrides
) -> object:
    """Run inference with the fake network; return the exit code."""
    workflow = make_workflow(
        "inference",
        *overlays,
        workflow_type="infer",
        run_id=run_id,
        input=str(source),
        output_dir=str(output),
        weights=str(weights),
        network_def=NETWORK,
        **overrides,
    )
    workflow.initialize()
    workflow.run()
    try:
        workflow.finalize()
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return save_weights(tmp_path_factory.mktemp("weights") / "model.pt", LEVEL)


@pytest.fixture(scope="module")
def archive(cohort, weights, tmp_path_factory) -> Archive:
    folder = tmp_path_factory.mktemp("inference")
    source = fill(folder / "an archive", cohort)
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    try:
        code = infer(source, folder / "the output", weights)
    finally:
        logging.getLogger().removeHandler(handler)
    log = "\n".join(record.getMessage() for record in records)
    return Archive(source, folder / "the output", code, log)


def acquired_boxes(scan) -> dict[View, tuple[slice, slice]]:
    """The thorax in each view as acquired; the posterior's columns counted from the other side."""
    stack = MetaTensor(
        torch.from_numpy(scan.stack()),
        affine=torch.diag(torch.tensor([*scan.spacing_mm, 1.0, 1.0])),
        meta={META_VIEWS: "+".join(scan.views)},
    )
    landmarks, _ = ThoraxCrop(TINY["size"]).find(MirrorPosterior()(stack))
    width = stack.shape[-1]
    rows = slice(landmarks.row_start, landmarks.row_stop)
    first, stop = landmarks.column_start, landmarks.column_stop
    return {
        View.ANTERIOR: (rows, slice(first, stop)),
        View.POSTERIOR: (rows, slice(width - stop, width - first)),
    }


def test_exit_code_says_that_inputs_failed(archive):
    assert archive.exit_code == 1


def test_good_scans_are_done_in_spite_of_bad_ones(archive):
    rows = archive.table("summary.csv")
    expected = {
        str(archive.source / WHOLE),
        ", ".join(str(archive.source / name) for name in PAIR),
    }
    assert {row["input"] for row in rows} == expected
    assert all(row["simulated"] == "True" and row["assessed"] == "thorax" for row in rows)


@pytest.mark.parametrize(
    ("name", "reason"),
    list(zip(FAILING, ("CT", "cut short|truncated|short", "small.dcm|whole body"), strict=True)),
)
def test_every_failure_has_its_reason(archive, name, reason):
    failures = {row["input"]: row["reason"] for row in archive.table("failures.csv")}
    assert set(failures) == {str(archive.source / failing) for failing in FAILING}
    text = failures[str(archive.source / name)]
    assert "\n" not in text
    assert any(word in text for word in reason.split("|")), text
    assert "Traceback" not in text


@pytest.mark.parametrize("names", [(WHOLE,), PAIR], ids=["one file", "two files"])
def test_label_map_has_the_geometry_of_the_acquisition(archive, names):
    folder = archive.folder_of(*names)
    scan = read_scan([archive.source / name for name in names])
    (file,) = folder.glob("*.nii.gz")
    stack = read_view_stack(file)
    assert stack.array.shape == scan.stack().shape
    assert stack.array.dtype == np.uint8
    assert stack.spacing_mm == pytest.approx(scan.spacing_mm)
    assert stack.views == scan.views


@pytest.mark.parametrize("names", [(WHOLE,), PAIR], ids=["one file", "two files"])
def test_label_map_is_what_the_network_marked(archive, names):
    scan = read_scan([archive.source / name for name in names])
    (file,) = archive.folder_of(*names).glob("*.nii.gz")
    mask = read_view_stack(file).array == Label.METASTASIS
    boxes = acquired_boxes(scan)
    for view, counts, marked in zip(scan.views, scan.stack(), mask, strict=True):
        inside = np.zeros_like(marked)
        inside[boxes[view]] = True
        assert marked.any()
        assert not (marked & ~inside).any(), f"{view}: marked outside the thorax"
        # The network marks what exceeds a level of uptake: what is left out is colder.
        assert counts[marked].min() > counts[inside & ~marked].max()
        flipped = marked[:, ::-1]
        assert counts[flipped].min() < counts[inside & ~flipped].max(), "the law sees a flip"


def test_hot_spots_lie_where_they_were_put(archive):
    (file,) = archive.folder_of(WHOLE).glob("*.nii.gz")
    stack = read_view_stack(file)
    for (row, column), marked in zip(HOT_SPOTS.values(), stack.array, strict=True):
        assert marked[row - 2 : row + 3, column - 2 : column + 3].all()
        assert not marked[row, marked.shape[1] - 1 - column]


def test_findings(archive):
    folder = archive.folder_of(WHOLE)
    scan = read_scan([archive.source / WHOLE])
    document = json.loads((folder / "findings.json").read_text())
    assert document["scan_id"] == scan.scan_id == folder.name
    assert document["views"] == ["anterior", "posterior"]
    assert document["assessed"] == "thorax"
    assert document["simulated"] is True
    assert "not for diagnosis" in document["notice"]
    spacing_mm = document["spacing_mm"]["row"], document["spacing_mm"]["column"]
    assert spacing_mm == pytest.approx(scan.spacing_mm, abs=1e-3)
    for view, counts in zip(scan.views, scan.stack(), strict=True):
        row, column = HOT_SPOTS[view]
        near = [
            finding
            for finding in document["findings"]
            if finding["view"] == view
            and finding["box_px"]["first_row"] <= row <= finding["box_px"]["last_row"]
            and finding["box_px"]["first_column"] <= column <= finding["box_px"]["last_column"]
        ]
        assert near, f"no finding at the hot spot of the {view} view"
        finding = max(near, key=lambda each: each["max_counts"])
        assert finding["max_counts"] == counts[row, column]
        centroid = finding["centroid_px"]
        assert finding["centroid_mm"]["row"] == pytest.approx(
            centroid["row"] * spacing_mm[0], abs=0.01
        )
        assert finding["centroid_mm"]["column"] == pytest.approx(
            centroid["column"] * spacing_mm[1], abs=0.01
        )
        assert finding["area_mm2"] == pytest.approx(
            finding["area_px"] * spacing_mm[0] * spacing_mm[1], abs=0.01 * finding["area_px"]
        )


def test_summary_counts_the_findings(archive):
    for row in archive.table("summary.csv"):
        document = json.loads((archive.output / row["scan_id"] / "findings.json").read_text())
        for view in View:
            of_view = [each for each in document["findings"] if each["view"] == view]
            assert int(row[f"lesions_{view}"]) == len(of_view) > 0


def test_every_file_says_what_made_it(archive, weights):
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    files = [file for file in archive.output.glob("*/*") if file.is_file()]
    assert len(files) == 2 * 9
    for file in files:
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix == ".gz" else content
        assert digest.encode() in content, file
    assert {row["weights_sha256"] for row in archive.table("summary.csv")} == {digest}


def test_overlay_is_a_picture(archive):
    for names in ((WHOLE,), PAIR):
        content = (archive.folder_of(*names) / "overlay.png").read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) > 20_000


def test_nothing_names_the_patient(archive):
    secrets = [*IDENTIFIERS.values(), PRIVATE_NAME, "Zwickelmann", "Ottokar"]
    files = [file for file in archive.output.rglob("*") if file.is_file()]
    assert len(files) == 21
    for file in files:
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], file
        assert not [secret for secret in secrets if secret in str(file)], file
    assert "left out" in archive.log
    assert not [secret for secret in secrets if secret in archive.log]


def test_resume_passes_over_what_is_done(archive, weights, tmp_path):
    output = tmp_path / "output"
    shutil.copytree(archive.output, output)
    before = {file: file.stat().st_mtime_ns for file in output.glob("*/*")}
    assert infer(archive.source, output, weights, "inference", resume=True) == 1
    assert {file: file.stat().st_mtime_ns for file in output.glob("*/*")} == before
    resumed = Archive(archive.source, output, 1, "")
    assert resumed.table("summary.csv") == archive.table("summary.csv")
    assert resumed.table("failures.csv") == archive.table("failures.csv")


def test_resume_does_what_is_left(archive, weights, tmp_path):
    output = tmp_path / "output"
    shutil.copytree(archive.output, output)
    lines = (output / "summary.csv").read_text().splitlines(keepends=True)
    (output / "summary.csv").write_text("".join(lines[:-1]))
    infer(archive.source, output, weights, resume=True)
    resumed = Archive(archive.source, output, 1, "")
    assert resumed.table("summary.csv") == archive.table("summary.csv")


def test_without_failures_the_exit_code_is_zero(archive, weights, tmp_path):
    source, output = archive.source / "two files", tmp_path / "output"
    assert infer(source, output, weights, "inference", outputs=FEW_OUTPUTS) == 0
    assert not (output / "failures.csv").exists()
    (output / "failures.csv").write_text("input,reason\nsince removed,broken\n")
    assert infer(source, output, weights, resume=True) == 0, "nothing is left to do"
    assert not (output / "failures.csv").exists()


def test_lossy_file_of_pydicom(weights, tmp_path):
    assert infer(Path(get_testdata_file("JPGExtended.dcm")), tmp_path, weights) == 0
    (file,) = tmp_path.glob("*/*.nii.gz")
    assert read_view_stack(file).array.any()


def test_datalist_as_input(cohort, weights, tmp_path):
    entries = [{"image": entry["image"]} for entry in locate_datalist(cohort)["test"]]
    datalist = tmp_path / "scans.json"
    datalist.write_text(json.dumps({"test": entries}))
    assert infer(datalist, tmp_path / "output", weights, outputs=FEW_OUTPUTS) == 0
    with (tmp_path / "output" / "summary.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(entries) == 2


def test_worker_processes_change_nothing(archive, weights, tmp_path):
    assert infer(archive.source, tmp_path, weights, num_workers=1, outputs=FEW_OUTPUTS) == 1
    parallel = Archive(archive.source, tmp_path, 1, "")
    for name in ("summary.csv", "failures.csv"):
        assert parallel.table(name) == archive.table(name)
    names = [file.relative_to(archive.output) for file in archive.output.rglob("*.nii.gz")]
    assert len(names) == 2
    for name in names:
        assert (tmp_path / name).read_bytes() == (archive.output / name).read_bytes()


def test_another_writer_is_a_line_and_its_failure_that_of_one_scan(archive, weights, tmp_path):
    source, output = tmp_path / "archive", tmp_path / "output"
    for name in (WHOLE, *PAIR):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(archive.source / name, source / name)
    target = f"{AreaWriter.__module__}.AreaWriter"
    overlay = tmp_path / "area.yaml"
    overlay.write_text(f"+outputs:\n- {{_target_: {target}, unit: px}}\n")
    assert infer(source, output, weights, "run", str(overlay.with_suffix(""))) == 1
    done = Archive(source, output, 1, "")
    names = ", ".join(str(source / name) for name in PAIR)
    assert done.table("failures.csv") == [
        {"input": names, "reason": "AreaWriter: scan must be one file, got two"}
    ]
    for names in ((WHOLE,), PAIR):
        files = {file.name.split("_")[-1] for file in done.folder_of(*names).iterdir()}
        assert files == {
            *("label.nii.gz", "findings.json", "overlay.png", "report.html", "report.pdf"),
            *("segmentation.dcm", "measurements.dcm", "overlay.dcm", "report.dcm"),
            *(["area.txt"] if names == (WHOLE,) else []),
        }
    assert len(done.table("summary.csv")) == 2
    (label,) = done.folder_of(WHOLE).glob("*.nii.gz")
    area = (read_view_stack(label).array == Label.METASTASIS).sum()
    assert (done.folder_of(WHOLE) / "area.txt").read_text() == f"{area} px"


@pytest.mark.slow
def test_command_ends_with_exit_code_one(archive, trained, tmp_path):
    done = run(
        "-m", "monai.bundle", "run", "--config_file",
        "['configs/inference.yaml','configs/each_view.yaml']", "--input", str(archive.source),
        "--output_dir", str(tmp_path / "an output"), "--run_dir", str(trained), "--width", "2",
        "--size", str(TINY["size"]), cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "3 of 5 inputs failed; see" in done.stdout
    assert "Traceback" not in done.stdout
    assert not [secret for secret in IDENTIFIERS.values() if secret in done.stdout]
    with (tmp_path / "an output" / "summary.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
