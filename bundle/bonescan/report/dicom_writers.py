"""Writers of DICOM objects: what an archive of a hospital takes of a scan's results.

Each is a line of `outputs` in configs/inference.yaml. What is not made of a DICOM file, or is a
mirrored copy of one, has no study that results could belong to: nothing is written of it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from bonescan import run_folder
from bonescan.data.nifti import is_nifti
from bonescan.dicom import codes
from bonescan.dicom.results.encapsulated_pdf import make_encapsulated_pdf
from bonescan.dicom.results.objects import Algorithm, save_object
from bonescan.dicom.results.outline import outline_pixels
from bonescan.dicom.results.secondary_capture import make_secondary_capture
from bonescan.dicom.results.segmentation import make_bone_segmentation, make_segmentation
from bonescan.dicom.results.structured_report import (
    Measure,
    MeasuredChange,
    MeasuredLesion,
    MeasuredScan,
    make_structured_report,
)
from bonescan.dicom.results.study import Study, read_study
from bonescan.files import write_whole
from bonescan.labels import Label
from bonescan.measures.change import Change, LesionState
from bonescan.measures.findings import Finding, number_pixels
from bonescan.report.page.change import word_change
from bonescan.report.page.document import word_flag, word_trained_on
from bonescan.report.page.texts import load_texts
from bonescan.report.provenance import Provenance
from bonescan.report.scan_result import ScanResult

Make = Callable[[Study, Algorithm], Dataset | None]


class _DicomWriter:
    """What the writers share.

    Args:
        identified: whether objects carry the patient, the study and the UIDs of their source, so
            that an archive files them in the same study; else a pseudonym and keyed UIDs.
    """

    def __init__(self, *, identified: bool = False) -> None:
        self.identified = identified

    def _write(self, result: ScanResult, path: Path, make: Make) -> None:
        """Write an object, where there is a study that it can belong to."""
        if result.mirrored_copy or any(map(is_nifti, result.files)):
            return
        study = read_study(
            {view: result.sources[view] for view in result.views},
            pseudonym=result.scan_id,
            simulated=result.simulated,
            identified=self.identified,
        )
        made = make(study, _describe_algorithm(result.provenance, result.field))
        if made is not None:
            write_whole(path, lambda partial: save_object(made, partial))


class SegmentationWriter(_DicomWriter):
    """Write the label map as a DICOM Segmentation, and the bones as another.

    Args:
        identified: as of all writers here.
        bones: whether to write the bones, too, where the system tells them: 2 MB a scan.
    """

    def __init__(self, *, identified: bool = False, bones: bool = False) -> None:
        super().__init__(identified=identified)
        self.bones = bones

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/segmentation.dcm` and `bones.dcm`; nothing where the map is empty."""
        folder, regions = output_dir / result.scan_id, result.regions

        def make(study: Study, algorithm: Algorithm) -> Dataset | None:
            return make_segmentation(study, algorithm, result.label_map, result.spacing_mm)

        self._write(result, folder / run_folder.SEGMENTATION, make)
        if not self.bones or regions is None:
            return

        def make_bones(study: Study, algorithm: Algorithm) -> Dataset | None:
            return make_bone_segmentation(study, algorithm, regions, result.spacing_mm)

        self._write(result, folder / run_folder.BONE_SEGMENTATION, make_bones)


class StructuredReportWriter(_DicomWriter):
    """Write the measurements as a DICOM Structured Report."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/measurements.dcm`."""

        def make(study: Study, algorithm: Algorithm) -> Dataset:
            scan, lesions = _describe_scan(result), list(_describe_lesions(result))
            change = None if result.change is None else _describe_change(result.change)
            return make_structured_report(study, algorithm, scan, lesions, change)

        self._write(result, output_dir / result.scan_id / run_folder.MEASUREMENTS, make)


class SecondaryCaptureWriter(_DicomWriter):
    """Write the picture of the findings as a DICOM Secondary Capture."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/overlay.dcm`."""

        def make(study: Study, algorithm: Algorithm) -> Dataset:
            return make_secondary_capture(study, algorithm, result.picture)

        self._write(result, output_dir / result.scan_id / run_folder.SECONDARY_CAPTURE, make)


class EncapsulatedPdfWriter(_DicomWriter):
    """Write the report as a DICOM Encapsulated PDF."""

    def __call__(self, result: ScanResult, output_dir: Path) -> None:
        """Write `SCAN_ID/report.dcm` of the PDF that ReportWriter has written.

        Raises:
            FileNotFoundError: if it has not.
        """
        page = output_dir / result.scan_id / run_folder.REPORT_PDF

        def make(study: Study, algorithm: Algorithm) -> Dataset:
            return make_encapsulated_pdf(
                study, algorithm, page.read_bytes(), names_patient=self.identified
            )

        if not page.is_file():
            raise FileNotFoundError(
                f"{page.name} must have been written before: put ReportWriter further up in "
                "`outputs`"
            )
        self._write(result, output_dir / result.scan_id / run_folder.ENCAPSULATED_PDF, make)


def _describe_algorithm(provenance: Provenance, field: str) -> Algorithm:
    revision = f" ({provenance.revision[:8]})" if provenance.revision else ""
    return Algorithm(
        name=provenance.system,
        version=f"{provenance.versions['bonescan']}{revision}",
        weights=[digest[:8] for digest in provenance.weights_sha256],
        parameters=[
            f"assessed={field}",
            *(f"{name}={value:g}" for name, value in provenance.operating_point.items()),
            *(f"weights_sha256={digest}" for digest in provenance.weights_sha256),
            *([f"regions_sha256={provenance.regions_sha256}"] if provenance.regions_sha256 else []),
            f"trained_on={provenance.trained_on or 'unknown'}",
            f"configuration_sha256={provenance.configuration_sha256 or 'unknown'}",
        ],
        date=datetime.fromisoformat(provenance.date).astimezone(),
    )


def _describe_scan(result: ScanResult) -> MeasuredScan:
    """Say what a reader has to know before any lesion: what was assessed, and what is doubted."""
    burden = result.burden
    texts = load_texts()
    comments = [f"Assessed: {result.scope}; nothing is said of the rest."]
    if trained_on := word_trained_on(result.provenance, texts):
        comments.append(trained_on)
    if burden.planar_bsi is not None:
        merge = burden.planar_bsi.merge
        comments.append(
            f"Planar bone scan index: views merged by {merge}; a least value where less than the "
            "whole skeleton was assessed; not the commercial automated index."
        )
        if result.cut_edges:
            comments.append(
                "The image cuts the body, and a bone that it shows in part counts as whole: the "
                "share of the skeleton that was assessed is at most the one given."
            )
    comments += [f"{flag.severity.capitalize()}: {word_flag(flag, texts)}" for flag in result.flags]
    return MeasuredScan(scope=result.scope, measures=list(_measure_scan(result)), comments=comments)


def _measure_scan(result: ScanResult) -> Iterator[Measure]:
    burden = result.burden
    yield Measure(codes.NUMBER_OF_LESIONS, burden.lesions, codes.NO_UNITS)
    if result.probability is not None:
        yield Measure(codes.SCAN_PROBABILITY, result.probability, codes.NO_UNITS)
    if result.scan_prob is not None:
        yield Measure(codes.METASTASIS_PROBABILITY, result.scan_prob, codes.NO_UNITS)
    for site, prob in (result.site_probs or {}).items():
        yield Measure(codes.SITE_PROBABILITIES[site], prob, codes.NO_UNITS)
    yield Measure(codes.BSTBI, burden.bstbi, codes.NO_UNITS)
    yield Measure(codes.BSTBI_COUNTS, burden.bstbi_counts, codes.NO_UNITS)
    yield Measure(codes.UPTAKE_SHARE, 100 * burden.uptake_share, codes.PERCENT)
    if burden.planar_bsi is not None:
        index = burden.planar_bsi
        yield Measure(codes.PLANAR_BSI, index.involved_percent, codes.PERCENT)
        yield Measure(codes.PLANAR_BSI_OF, index.assessed_percent, codes.PERCENT)


def _describe_change(change: Change) -> MeasuredChange:
    return MeasuredChange(
        measures=list(_measure_change(change)),
        rule=codes.PCWG3_STATES[change.pcwg3.state],
        comments=list(word_change(change, load_texts())),
    )


def _measure_change(change: Change) -> Iterator[Measure]:
    if change.days is not None:
        yield Measure(codes.DAYS_SINCE, change.days, codes.DAY)
    for state in LesionState:
        yield Measure(codes.NUMBERS_OF_CHANGE[state], change.count(state), codes.NO_UNITS)
    if change.bstbi_points is not None:
        yield Measure(codes.BSTBI_CHANGE, change.bstbi_points, codes.PERCENT)
    if change.planar_bsi_points is not None:
        yield Measure(codes.PLANAR_BSI_CHANGE, change.planar_bsi_points, codes.PERCENT)


def _describe_lesions(result: ScanResult) -> Iterator[MeasuredLesion]:
    changes = {} if result.change is None else result.change.state_by_lesion()
    mask = result.mask(Label.METASTASIS)
    for number, view in enumerate(result.views):
        instances = None if result.instances is None else result.instances[number]
        numbers = number_pixels(mask[number], instances)
        for finding in result.findings:
            if finding.view == view:
                top, left, bottom, right = finding.box_px
                inside = numbers[top : bottom + 1, left : right + 1] == finding.number
                yield MeasuredLesion(
                    view=view,
                    name=f"Lesion {finding.lesion}, {view}",
                    lesion=finding.lesion,
                    outline=outline_pixels(inside) + np.array([left, top]),
                    region=finding.region,
                    measures=list(_measure_lesion(finding)),
                    change=(codes.LESION_CHANGES[changes[finding.lesion]] if changes else None),
                )


def _measure_lesion(finding: Finding) -> Iterator[Measure]:
    yield Measure(codes.AREA, finding.area_mm2, codes.SQUARE_MILLIMETRE)
    yield Measure(codes.COUNTS, finding.max_counts, codes.COUNTS_UNIT, codes.MAXIMUM)
    yield Measure(codes.COUNTS, finding.mean_counts, codes.COUNTS_UNIT, codes.MEAN)
    if finding.to_background is not None:
        yield Measure(codes.TO_BACKGROUND, finding.to_background, codes.NO_UNITS)
    if finding.probability is not None:
        yield Measure(codes.LESION_PROBABILITY, finding.probability, codes.NO_UNITS)
    elif finding.score is not None:
        yield Measure(codes.SCORE, finding.score, codes.NO_UNITS)
