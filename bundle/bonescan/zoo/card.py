"""The model card of a packed bundle, in the model zoo's order of sections."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bonescan.files import write_text
from bonescan.notice import RESEARCH_USE
from bonescan.zoo.figures import Figure, count_cases, find_figures

DATA_LICENSE = """\
The weights in this bundle were trained on simulated bone scans, which `bonescan simulate` of the
bone-scan-bundle makes. They are of no patient. The simulator and what it makes are under the
Apache License 2.0.
"""

_INFERENCE = """\
Mark new scans (a file, a folder or a datalist):
```
python -m monai.bundle run --config_file configs/inference.json --input SCANS --output_dir OUT
```
"""

_CARD = """\
# Model overview
{first}

{description}

## Data
Input: a planar whole-body bone scan as DICOM (NM) or NIfTI, one view or both; the network
sees images of {inputs}. Licence of the training data: `docs/data_license.txt`.

## Performance
{performance}

## Commands
Run from the folder of the bundle, with the packages of `configs/metadata.json`.

{inference}Evaluate on a datalist with reference labels:
```
python -m monai.bundle run --config_file configs/evaluate.json --dataset_dir DATA
```
Train, on one process or on several:
```
python -m monai.bundle run --config_file configs/train.json --dataset_dir DATA
torchrun --standalone --nproc_per_node=2 -m monai.bundle run --dataset_dir DATA \\
  --config_file "['configs/train.json','configs/multi_gpu_train.json']"
```

# Limits
A configuration of a bundle is code: run a bundle only if you trust its maker.

# References
{references}

# License
Apache License 2.0, see `LICENSE`.
"""


def write_card(
    path: Path,
    metadata: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
    *,
    simulated: bool,
    infers: bool,
) -> None:
    """Write the model card of what the metadata describe.

    Args:
        path: of the page.
        metadata: of the bundle.
        evaluation: summary of an evaluation; None where there is none.
        simulated: whether all that the system was trained on is simulated; the card says so first.
        infers: whether the system marks new scans, and does not only serve as a part of another.
    """
    image = metadata["network_data_format"]["inputs"]["image"]
    first = [RESEARCH_USE]
    if simulated:
        first.insert(0, "Trained on simulated scans")
    if evaluation is not None and evaluation["simulated"]:
        first.append("Evaluated on simulated scans, which say nothing of patients")
    page = _CARD.format(
        first="".join(f"{sentence}. " for sentence in first).rstrip(),
        description=metadata["description"],
        inputs=" x ".join(map(str, (image["num_channels"], *image["spatial_shape"]))),
        performance=_describe(evaluation),
        inference=_INFERENCE if infers else "",
        references="\n".join(f"- {reference}" for reference in metadata["references"])
        or "None: the system is of no paper.",
    )
    write_text(path, page)


def _describe(evaluation: Mapping[str, Any] | None) -> str:
    """Return a table of an evaluation's figures with their intervals, and what they are of."""
    if evaluation is None:
        return "The bundle holds no evaluation."
    kind = "simulated" if evaluation["simulated"] else "acquired"
    lines = [
        f"On {kind} scans: {count_cases(evaluation)}.",
        "",
        "| measure | value | 95 % interval |",
        "|---|---|---|",
        *map(_row, find_figures(evaluation)),
    ]
    return "\n".join(lines)


def _row(figure: Figure) -> str:
    value, lower, upper = map(_number, (figure.value, figure.lower, figure.upper))
    return f"| {figure.name} | {value} | {lower} to {upper} |"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
