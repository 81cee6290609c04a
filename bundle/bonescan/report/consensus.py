"""The label maps that several annotators agree on, as a data set, with a report of how well."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bonescan.data.annotation.annotators import ConsensusMethod, combine, load_annotated_scans
from bonescan.data.annotation.consensus import MAX_DIFFERENCE
from bonescan.data.label_set import LabelMapSet
from bonescan.files import write_json, write_text
from bonescan.report.agreement import Agreement, summarise, to_markdown, write_disagreements

DISPUTES = "disputes.json"
REPORT = "agreement.json"
REPORT_PAGE = "agreement.md"
REPORT_PICTURE = "agreement.png"


@dataclass(frozen=True)
class ConsensusRule:
    """How the label maps of several annotators become one.

    Attributes:
        method: how.
        votes: number of annotators that a majority needs.
        max_difference: greatest 1 - IoU of two annotators that agree on a lesion.
    """

    method: ConsensusMethod = ConsensusMethod.MAJORITY
    votes: int = 2
    max_difference: float = MAX_DIFFERENCE


@dataclass(frozen=True)
class ConsensusOutcome:
    """What became of a consensus.

    Attributes:
        labelled: number of scans with a label map.
        disputed: number of scans without one because lesions are disputed (`disputes.json`).
        failures: one line per scan that could not be used, which says why.
    """

    labelled: int
    disputed: int
    failures: tuple[str, ...]


def write_consensus(
    datalists: Mapping[str, Path], folder: Path, rule: ConsensusRule, *, folds: int, seed: int
) -> ConsensusOutcome:
    """Write label maps, their datalist, disputes and the report of agreement.

    Args:
        datalists: the datalist of each annotator, with the same scans.
        folder: where to write.
        rule: how the label maps are combined.
        folds: number of folds that patients are dealt to, where the scans come without.
        seed: of the choice among annotators that agree, and of the folds.

    Returns:
        How many scans have a label map, and why others have none.

    Raises:
        ValueError: if there are fewer than two annotators, or the rule does not suit their number.
        OSError: if the folder cannot be written.
    """
    failures: list[str] = []
    consensus, agreement = LabelMapSet(folder), Agreement(tuple(datalists))
    disputes = []
    for scan in load_annotated_scans(datalists):
        if isinstance(scan, ValueError):
            failures.append(str(scan))
            continue
        agreement.add(scan)
        label, disputed = combine(
            scan, rule.method, votes=rule.votes, max_difference=rule.max_difference, seed=seed
        )
        disputes += [{"scan": scan.key, **asdict(dispute)} for dispute in disputed]
        if not disputed:
            consensus.add(scan.key, scan.section, scan.entry, label)
    folder.mkdir(parents=True, exist_ok=True)
    if len(consensus):
        description = f"Consensus of {', '.join(datalists)}: {rule.method}"
        consensus.write_datalist(description, folds=folds, seed=seed)
    if rule.method is ConsensusMethod.AGREEMENT:
        write_json(folder / DISPUTES, disputes, indent=1)
    _write_report(agreement, folder)
    disputed_scans = {dispute["scan"] for dispute in disputes}
    return ConsensusOutcome(len(consensus), len(disputed_scans), tuple(failures))


def _write_report(agreement: Agreement, folder: Path) -> None:
    document = summarise(agreement)
    write_json(folder / REPORT, document)
    write_text(folder / REPORT_PAGE, to_markdown(document))
    if agreement.worst:
        write_disagreements(folder / REPORT_PICTURE, agreement)
