"""The model card of a packed bundle, in the model zoo's order of sections."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bonescan.files import write_text
from bonescan.notice import RESEARCH_USE

DATA_LICENSE = """\
The weights in this bundle were trained on simulated bone scans, which `bonescan simulate` of the
bone-scan-bundle makes. They are of no patient. The simulator and what it makes are under the
Apache License 2.0.
"""

_CARD = """\
# Model overview
{notice}. {warning}

{description}

## Data
{task}. Input: a planar whole-body bone scan as DICOM (NM) or NIfTI, one view or both; the network
sees {inputs}. Licence of the training data: `docs/data_license.txt`.

## Performance
{performance}

## Commands
Run from the folder of the bundle, with the packages of `configs/metadata.json`.

Mark new scans (a file, a folder or a datalist):
```
python -m monai.bundle run --config_file configs/inference.json --input SCANS --output_dir OUT
```
Evaluate on a datalist with reference labels:
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
    path: Path, metadata: Mapping[str, Any], evaluation: Mapping[str, Any] | None
) -> None:
    """Write the model card of what the metadata describe.

    Args:
        path: of the page.
        metadata: of the bundle.
        evaluation: summary of an evaluation; None where there is none.
    """
    image = metadata["network_data_format"]["inputs"]["image"]
    rows, columns = image["spatial_shape"]
    simulated = evaluation is not None and evaluation["simulated"]
    warning = "Evaluated on simulated scans only, which say nothing of patients."
    page = _CARD.format(
        notice=RESEARCH_USE,
        warning=warning if simulated else "",
        description=metadata["description"],
        task=metadata["task"],
        inputs=f"{image['num_channels']} x {rows} x {columns} values",
        performance=_describe(evaluation),
        references="\n".join(f"- {reference}" for reference in metadata["references"]),
    )
    write_text(path, page)


def _describe(evaluation: Mapping[str, Any] | None) -> str:
    """Return a table of an evaluation's figures with their intervals, and what they are of."""
    if evaluation is None:
        return "The bundle holds no evaluation."
    kind = "simulated scans" if evaluation["simulated"] else "scans"
    rows = {
        "DSC, pooled": evaluation["pooled"]["dsc"],
        "precision, pooled": evaluation["pooled"]["precision"],
        "recall, pooled": evaluation["pooled"]["recall"],
        "sensitivity for lesions": evaluation["detection"]["sensitivity"],
    }
    lines = [
        f"On {evaluation['images']} images of {evaluation['patients']} patients ({kind}, "
        f"{evaluation['lesions']} lesions; intervals: {evaluation['interval']}):",
        "",
        "| measure | value | 95 % interval |",
        "|---|---|---|",
        *(_row(name, part) for name, part in rows.items()),
    ]
    return "\n".join(lines)


def _row(name: str, part: Mapping[str, Any]) -> str:
    value, lower, upper = (_number(part[key]) for key in ("value", "lower", "upper"))
    return f"| {name} | {value} | {lower} to {upper} |"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
