"""The page of a comparison with nnU-Net, from its document alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from bonescan.metrics.lesion import THRESHOLDS
from bonescan.notice import RESEARCH_USE
from bonescan.report.tables import UNDEFINED, format_interval, markdown_table
from bonescan.studies.peers.figures import PER_IMAGE, POOLED, SENSITIVITY

EQUAL_IMAGES, EQUAL_TIME, ITS_OWN = "images", "time", "default"
BUDGET_TITLES = {
    EQUAL_IMAGES: "equal images seen",
    EQUAL_TIME: "equal time",
    ITS_OWN: "its own length",
}
"""What bounds a training of nnU-Net."""
NO_VALUE = "-"
DIFFERENCE = "difference to ours"
RATES = ("1.0", "2.0", "4.0")
"""False positives a scan at which the page has the lesion sensitivity, where the document does."""


def to_markdown(document: Mapping[str, Any]) -> str:
    """Lay out the results of a comparison as Markdown.

    Args:
        document: as bonescan.studies.peers.compare writes it.
    """
    own = document["rows"][0]
    origin = "simulated" if document["simulated"] else "acquired"
    parts = [
        f"# {document['peer']} beside {own['name']}, on {origin} scans",
        _describe(document, origin),
        _figures_table(document),
        _sensitivity_table(document),
        _figures_note(document),
        _costs_table(document),
        _costs_note(document),
        f"![Best, median and worst image of {own['name']}]({document['picture']})",
        _origin(document),
        f"{RESEARCH_USE}.",
    ]
    return "\n\n".join(parts) + "\n"


def row_title(row: Mapping[str, Any]) -> str:
    """Name a row of the table; nnU-Net's with the bound of its training."""
    if row["budget"] is None:
        return f"{row['name']}, {row['effort']['epochs']} epochs"
    share = 100 * row["share_of_default"]
    mirrored = "with" if row["mirrored"] else "without"
    bound = "at its own length" if row["budget"] == ITS_OWN else (
        f"bounded to {row['steps']} steps ({share:.2g} % of its default), "
        f"{BUDGET_TITLES[row['budget']]}"
    )  # fmt: skip
    return f"{row['name']}, {bound}, {mirrored} test-time mirroring"


def _describe(document: Mapping[str, Any], origin: str) -> str:
    images, effort = document["exported"]["images"], document["rows"][0]["effort"]
    return (
        f"{_describe_training(document)} Figures are of {images['test']} test images of "
        f"{document['test_patients']} **{origin}** patients with {document['test_lesions']} "
        f"lesions in all. {_describe_images(document)}, in counts. It learns "
        f"{' and '.join(document['exported']['labels'])}, and is unchanged but for its length: "
        "planning, augmentation, deep supervision, sampling and test-time mirroring are its own. "
        f"Ours saw {effort['images']} images, those drawn again counted again. nnU-Net was trained "
        "once for as many, and once for the time that ours "
        f"took; its plan here is a patch of {_times(document['plan']['patch_size'])} pixels and a "
        f"batch of {document['plan']['batch_size']}. **One training each:** differences hold for "
        "these trainings and these test patients, and are no claim about the methods."
    )


def _describe_training(document: Mapping[str, Any]) -> str:
    """Say what each was trained on."""
    images, bank = document["exported"]["images"], document["bank"]
    if bank is None:
        return (
            f"Both were trained on the same {images['train']} images and validated on the same "
            f"{images['val']}, of other patients."
        )
    return (
        "Ours was trained on simulated patients without end, none of whom it saw twice, with "
        f"bodies of the training part of a bank of {bank['bodies']}; nnU-Net on {images['train']} "
        f"images of {document['exported']['patients']} patients in files, and validated on "
        f"{images['val']} images of others."
    )


def _describe_images(document: Mapping[str, Any]) -> str:
    name = document["rows"][0]["name"]
    if document["views_at_once"] == 1:
        return f"nnU-Net got the images that {name} sees"
    return (
        f"{name} sees both views of a scan at once, which count as two images; nnU-Net got each as "
        "an image of one channel, the posterior one mirrored as ours gets it"
    )


def _times(size: list[int]) -> str:
    return " x ".join(map(str, size))


def _figures_table(document: Mapping[str, Any]) -> str:
    header = ["system", "DSC, pooled", DIFFERENCE, "DSC per image", DIFFERENCE]
    lines = [
        [row_title(row), *_figure(row, (POOLED,)), *_figure(row, (PER_IMAGE,))]
        for row in document["rows"]
    ]
    return markdown_table(header, lines)


def _sensitivity_table(document: Mapping[str, Any]) -> str:
    rates = [rate for rate in RATES if rate in document["rows"][0][SENSITIVITY]]
    header = ["system"]
    for rate in map(float, rates):
        word = "positive" if rate == 1 else "positives"
        header += [f"lesion sensitivity at {rate:g} false {word} a scan", DIFFERENCE]
    lines = [
        [row_title(row), *(cell for rate in rates for cell in _figure(row, (SENSITIVITY, rate)))]
        for row in document["rows"]
    ]
    return markdown_table(header, lines)


def _figure(row: Mapping[str, Any], where: Sequence[str]) -> tuple[str, str]:
    """Return a figure of a row, and its difference to ours."""
    value, difference = row, row["difference"]
    for key in where:
        value, difference = value[key], difference and difference[key]
    if value["value"] is None:
        shown = f"not reached (at most {row['most_false_positives']:.1f} false positives)"
    else:
        shown = format_interval(value)
    return shown, _format_difference(difference)


def _format_difference(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return NO_VALUE
    if entry["value"] is None or entry["lower"] is None:
        return UNDEFINED
    return "{value:+.3f} ({lower:+.3f} to {upper:+.3f})".format(**entry)


def _figures_note(document: Mapping[str, Any]) -> str:
    return (
        f"In parentheses: {document['interval']}; of a difference, the same patients are drawn for "
        "both. What is a lesion is decided by each system's own rule, the likelier class or a "
        "probability of 0.5; no operating point is chosen. Where neither truth nor prediction "
        "shows a lesion, the DSC of an image is 1; where only one does, 0. A sensitivity of 0 "
        f"means that all thresholds, up to {max(THRESHOLDS):.4f}, leave more false positives."
    )


def _costs_table(document: Mapping[str, Any]) -> str:
    seconds = "processor s" if document["settings"]["device"] == "cpu" else "s"
    header = ["system", "images seen", f"training, {seconds}", f"inference, {seconds} a scan",
              "peak memory of training, MB", "parameters"]  # fmt: skip
    lines = [
        [
            row_title(row),
            str(row["effort"]["images"]),
            f"{row['effort']['clock_s']:.0f}",
            f"{row['scan_s']:.2f}",
            f"{row['effort']['memory_mb']:.0f}",
            f"{row['effort']['parameters']:,}".replace(",", " "),
        ]
        for row in document["rows"]
    ]
    return markdown_table(header, lines)


def _costs_note(document: Mapping[str, Any]) -> str:
    return (
        "Training is all epochs with their validation and saved states, without loading or "
        "preprocessing the data before. Inference is without the start of the program: ours from "
        "the scan's file on disk to the label map, nnU-Net from the images laid out for it to "
        "files with probabilities. Memory is that of the training process, "
        "without a GPU's. "
        f"Machine: {document['machine']['cpu']}, {document['machine']['cores']} cores, shared with "
        "other work."
    )


def _origin(document: Mapping[str, Any]) -> str:
    run, rows = document["settings"]["run"], document["rows"]
    versions = ", ".join(f"{name} {version}" for name, version in run["packages"].items())
    return (
        f"Made with `{document['command']}`, revision {', '.join(document['revisions'])}. "
        f"{rows[0]['name']} was trained {run['started'][:10]} with revision {run['revision']} and "
        f"{run['threads']} threads ({versions}). Page written with revision "
        f"{document['written_with']}."
    )
