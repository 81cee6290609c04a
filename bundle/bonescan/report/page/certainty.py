"""How probable metastasis is, as a report says it."""

from collections.abc import Iterator, Sequence

from bonescan.metrics.calibration import Recalibration
from bonescan.report.page.lesions import Lesion
from bonescan.report.page.model import Column, Fact, Row, Table
from bonescan.report.page.texts import Texts
from bonescan.report.page.wording import capitalise, name_scope
from bonescan.report.scan_result import ScanResult


def list_probabilities(
    result: ScanResult, lesions: Sequence[Lesion], texts: Texts
) -> Iterator[Fact]:
    """List the calibrated probability of the scan, and what a classifier says of it."""
    field = name_scope(result, texts)
    if result.probability is None:
        value, note = texts("probability.not_calibrated"), ""
    else:
        value, note = texts.percent(result.probability), _say_fit(result.calibration.scan, texts)
    yield Fact(texts("probability.of_scan", field=field), value, note)
    if lesions:
        fit = result.calibration.lesion
        known = texts("probability.calibrated") if fit else texts("probability.not_calibrated")
        yield Fact(texts("probability.of_lesions"), known, _say_fit(fit, texts))
    if result.scan_prob is not None:
        yield Fact(
            texts("probability.by_classifier"),
            texts.percent(result.scan_prob),
            texts("probability.as_given"),
        )


def tabulate_sites(result: ScanResult, texts: Texts) -> Iterator[Table]:
    """Make the table of the sites, where the system tells them."""
    if result.site_probs is None:
        return
    yield Table(
        caption=texts("sites.caption"),
        columns=(
            Column(texts("sites.site")),
            Column(texts("sites.probability"), numeric=True),
        ),
        rows=tuple(
            Row(head=(capitalise(texts.named("site", site)),), lines=((texts.percent(prob),),))
            for site, prob in result.site_probs.items()
        ),
        note=texts("sites.note"),
    )


def _say_fit(fit: Recalibration | None, texts: Texts) -> str:
    """Say to how many cases a calibration was fitted; nothing without one."""
    return "" if fit is None else texts("probability.fit", number=texts.decimal(fit.number))
