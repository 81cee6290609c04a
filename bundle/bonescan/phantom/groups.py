"""Which group of a preset a patient belongs to, and what a study plans for that patient."""

from dataclasses import replace
from operator import itemgetter

from bonescan.phantom.presets import CohortGroup, Preset, Primary


def find_group(preset: Preset, number: int) -> CohortGroup | None:
    """Return the group of a patient; None where the preset has no groups.

    The groups are interleaved: the first patients, however many, hold them nearly in proportion,
    beginning with one of each.

    Args:
        preset: the cohort that the patient belongs to.
        number: of the patient, from 1.
    """
    return _find_place(preset, number)[1] if preset.groups else None


def group_primaries(preset: Preset, group: CohortGroup) -> tuple[Primary, ...]:
    """Return the primary tumours of a group of a preset, each with its share of the group."""
    return preset.primaries if group.primary is None else (replace(group.primary, share=1),)


def narrow(preset: Preset, group: CohortGroup) -> Preset:
    """Return a preset whose patients are like those of one of its groups."""
    return replace(
        preset,
        primaries=group_primaries(preset, group),
        free_share=0.0 if group.metastases else 1.0,
        benign=preset.benign if group.benign is None else group.benign,
    )


def has_alp(preset: Preset, number: int) -> bool:
    """Tell whether a study measures a patient's alkaline phosphatase; the number counts from 1."""
    return preset.study is not None and _is_chosen(preset, number, preset.study.alp_patients)


def find_follow_up(preset: Preset, number: int) -> int | None:
    """Return which of a study's second scans a patient has, from 0; None for no second scan.

    Args:
        preset: the cohort that the patient belongs to.
        number: of the patient, from 1.
    """
    if preset.study is None or not _is_chosen(preset, number, preset.study.follow_ups):
        return None
    rank, group = _find_place(preset, number)
    return rank * preset.study.follow_ups // group.patients


def _is_chosen(preset: Preset, number: int, chosen: int) -> bool:
    """Tell whether a patient is one of so many of a group with metastases, evenly spread over it.

    The first of the group is one of them.
    """
    rank, group = _find_place(preset, number)
    return group.metastases and rank * chosen % group.patients < chosen


def _find_place(preset: Preset, number: int) -> tuple[int, CohortGroup]:
    """Return which patient of its group one is, from 0, and the group."""
    order = sorted(
        (
            (rank / group.patients, rank, group)
            for group in preset.groups
            for rank in range(group.patients)
        ),
        key=itemgetter(0),
    )
    return order[(number - 1) % len(order)][1:]
