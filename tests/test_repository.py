"""The repository itself: what is committed, and what is not."""

import ast
import json
import re
import shlex
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from bonescan import __version__

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
MAX_FILE_BYTES = 16 * 1024**2
FOLDERS = {"bundle", "configs", "docs", "models", "scripts", "tests"}
"""The top level that users of MONAI bundles and of this project know."""
MACHINE_PATH = re.compile(r"(?<![\w.])/(tmp|work|root|home)/")
WHOLES = {
    "dicom/results/test_conformance.py": "all kinds of results, of all kinds of scans",
    "dicom/test_files_of_a_scan.py": "reading, of several files and of who was scanned when",
    "dicom/test_fuzz.py": "reading, of damaged files",
    "dicom/test_privacy.py": "reading, of a person's files",
    "dicom/test_reference_scans.py": "reading, of real files",
    "dicom/test_view_variants.py": "reading, of many kinds of headers",
    "handlers/test_adversarial_training.py": "handlers of a training with two networks",
    "node/test_killed.py": "the node, killed at any moment",
    "node/test_orthanc.py": "the node, beside a real archive",
    "phantom/realism/test_targets.py": "the simulator, beside what is known of real scans",
    "report/test_odd_results.py": "all results of scans that are odd",
    "report/test_results_agree.py": "all results of one scan",
    "studies/experiments/test_image_sets.py": "an experiment on two image sets",
    "test_models.py": "the weights in models/",
    "test_notebook.py": "docs/tutorials/first_scan.ipynb",
    "workflow/test_aggregated.py": "configs/aggregated.yaml",
    "workflow/test_chen2023.py": "the systems of a paper",
    "workflow/test_endless.py": "configs/endless.yaml",
    "workflow/test_ensemble.py": "configs/ensemble.yaml",
    "workflow/test_inference.py": "configs/inference.yaml",
    "workflow/test_dcgan.py": "configs/dcgan.yaml",
    "workflow/test_fine_matrix.py": "a matrix of 512 x 2048, in every chain",
    "workflow/test_label_grid.py": "labels on their images, in every workflow",
    "workflow/test_multi_gpu.py": "training and evaluation in two processes",
    "workflow/test_own_system.py": "what a system may bring",
    "workflow/test_nnunet_style.py": "a system that plans for its training set",
    "workflow/test_partly_labelled.py": "training on labelled and unlabelled scans",
    "workflow/test_regions.py": "configs/skeleton_regions.yaml",
    "workflow/test_stepwise.py": "configs/systems/liu2021.yaml",
    "workflow/test_tracking.py": "configs/tracking_mlflow.json",
    "workflow/test_training.py": "configs/train.yaml",
    "workflow/test_unlabelled.py": "scans without label",
    "zoo/test_monailabel.py": "packed bundles in MONAI Label",
    "zoo/test_systems.py": "what the model zoo asks of each system",
    "test_bundle.py": "what MONAI's tools ask of a bundle",
    "test_configs.py": "configs",
    "test_document_blocks.py": "what tutorials and how-tos tell to type",
    "test_documents.py": "docs",
    "test_repository.py": "the repository",
    "test_systems.py": "configs/systems",
}
"""Test files of no single module, and what they test."""
PARSERS = {
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
    ".cff": yaml.safe_load,
    ".json": json.loads,
    ".toml": tomllib.loads,
}


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Return the committed files that are still there."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def recipe(target: str) -> str:
    """Return what a target of the Makefile runs."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", text, flags=re.MULTILINE)
    return found


def nodes(kind: type[ast.AST]) -> list[tuple[str, ast.AST]]:
    """Return the nodes of a kind in all tests and their helpers, each with its place."""
    return [
        (f"{place}:{node.lineno}", node)
        for place, module in parse_tests().items()
        for node in ast.walk(module)
        if isinstance(node, kind)
    ]


@cache
def parse_tests() -> dict[Path, ast.Module]:
    """Return all tests and their helpers as trees, by place."""
    paths = sorted(TESTS.rglob("*.py"))
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_file_is_large(files):
    assert [str(path) for path in files if path.stat().st_size > MAX_FILE_BYTES] == []


def test_no_file_names_a_place_of_one_machine(files):
    found = [
        str(path)
        for path in files
        if TESTS not in path.parents and MACHINE_PATH.search(text_of(path))
    ]
    assert found == []


def test_the_top_level_has_no_other_folders(files):
    tops = {path.relative_to(ROOT).parts[0] for path in files if path.parent != ROOT}
    assert {top for top in tops if not top.startswith(".")} == FOLDERS


def test_files_of_data_can_be_parsed(files):
    paths = [path for path in files if path.suffix in PARSERS]
    assert {path.suffix for path in paths} == set(PARSERS)
    for path in paths:
        assert PARSERS[path.suffix](path.read_text(encoding="utf-8")), path


def test_every_version_is_pinned():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 50
    assert [pin for pin in pins if not re.fullmatch(r"[\w.\-\[\]]+==[\w.+!]+", pin)] == []


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200


def test_citation_names_this_version_and_the_papers_of_the_systems():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["cff-version"], citation["version"]) == ("1.2.0", __version__)
    metadata = json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))
    assert [author["name"] for author in citation["authors"]] == [metadata["authors"]]
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (citation["title"], citation["license"]) == (package["name"], package["license"])
    dois = {
        doi.rstrip(").,:")
        for path in (ROOT / "configs" / "systems").glob("*.yaml")
        for doi in re.findall(r"doi (\S+)", path.read_text(encoding="utf-8"))
    }
    assert len(citation["references"]) == 9
    assert dois < {paper["doi"] for paper in citation["references"]}


def test_continuous_integration_runs_what_a_person_runs():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML reads the key `on` as true
    (job,) = workflow["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == ["bash .ci/run"]
    called = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line[:5] == "make "]
    assert called == ["make lint", "make test"]


def test_all_tests_run_and_the_coverage_of_the_fast_ones_is_measured():
    commands = [shlex.split(line) for line in recipe("test").splitlines()]
    selections = [words[words.index("-q") :] for words in commands]
    assert selections == [["-q", "-m", "not slow", "--cov"], ["-q", "-m", "slow"]]
    assert shlex.split(recipe("test-fast"))[-3:] == ["-q", "-m", "not slow"]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert settings["coverage"]["report"]["fail_under"] > 80


def test_hooks_are_the_linters():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = [hook["entry"].split() for repo in hooks["repos"] for hook in repo["hooks"]]
    tools = {Path(words[0]).name for words in entries} - {"python"}
    assert tools == set(re.findall(r"\$\(BIN\)/([\w-]+)", recipe("lint")))


def test_every_test_file_has_its_module():
    places = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    assert set(WHOLES) <= places
    missing = []
    for place in places - set(WHOLES):
        module = Path(place).with_name(Path(place).name.removeprefix("test_"))
        if not any((root / module).is_file() for root in (ROOT / "bundle/bonescan", ROOT)):
            missing.append(place)
    assert sorted(missing) == [], "tests mirror the package"


def test_no_test_imports_from_a_test():
    modules = [(place, node.module or "") for place, node in nodes(ast.ImportFrom)]
    found = [
        (place, module)
        for place, module in modules
        if module.startswith("tests.") and re.search(r"\.(test_\w+|conftest)$", module)
    ]
    assert found == [], "what tests share stands in plain modules beside them"


def test_no_test_reaches_into_private_members():
    found = [
        (place, alias.name)
        for place, node in nodes(ast.ImportFrom)
        for alias in node.names
        if is_private(alias.name)
    ]
    for place, node in nodes(ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else None
        if is_private(node.attr) and owner not in {"self", "cls"}:
            found.append((place, node.attr))
    assert found == []
