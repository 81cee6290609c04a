"""Measurements as a Comprehensive SR (PS3.3 A.35.3) by template TID 1500 (PS3.16)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as dictionary
from pydicom.uid import ComprehensiveSRStorage

from bonescan.dicom import codes
from bonescan.dicom.codes import Code
from bonescan.dicom.results.objects import (
    Algorithm,
    Kind,
    refer_by_series,
    start_object,
)
from bonescan.dicom.results.study import SourceImage, Study, plain
from bonescan.dicom.results.uids import make_uid
from bonescan.dicom.scan import View
from bonescan.notice import RESEARCH_USE

STRUCTURED_REPORT = Kind(ComprehensiveSRStorage, "SR", 9002, "Bone lesions, measurements")


@dataclass(frozen=True)
class Measure:
    """A number: what it is, in which unit, and how it was derived of many values."""

    name: Code
    value: float
    unit: Code
    derivation: Code | None = None


@dataclass(frozen=True, kw_only=True)
class MeasuredLesion:
    """A lesion in one view.

    Attributes:
        view: the view.
        name: what people call it, such as "lesion 3, posterior".
        lesion: number of the lesion; two views of one lesion share it.
        outline: corners (point, 2) of column and row (bonescan.dicom.results.outline).
        region: bone with its side, such as "ribs_left"; None where it is not known.
        measures: what was measured.
        change: what became of it since an earlier scan; None where there is none.
    """

    view: View
    name: str
    lesion: int
    outline: NDArray[np.float64]
    region: str | None
    measures: Sequence[Measure]
    change: Code | None = None


@dataclass(frozen=True, kw_only=True)
class MeasuredScan:
    """What is said of a scan as a whole.

    Attributes:
        scope: what was assessed, such as "thorax only".
        measures: what was measured; at least one, such as the number of lesions.
        comments: what a reader has to know before believing the rest.
    """

    scope: str
    measures: Sequence[Measure]
    comments: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class MeasuredChange:
    """What has changed since the last earlier scan.

    Attributes:
        measures: numbers; at least one, such as that of new lesions.
        rule: whether the 2+2 rule of PCWG3 is met.
        comments: what a reader has to know before believing the rest.
    """

    measures: Sequence[Measure]
    rule: Code
    comments: Sequence[str]


def make_structured_report(
    study: Study,
    algorithm: Algorithm,
    scan: MeasuredScan,
    lesions: Sequence[MeasuredLesion],
    change: MeasuredChange | None = None,
) -> Dataset:
    """Make the report of a scan: groups of measurements for scan, change and each lesion.

    A lesion is outlined on the image that it was seen in (TID 1410), so that the report can be read
    without the Segmentation. It is preliminary and not verified: nobody has looked at it.

    Args:
        study: what it refers to.
        algorithm: what measured.
        scan: measures of the scan.
        lesions: lesions, view by view; may be empty.
        change: since the last earlier scan; None where there is none.

    Returns:
        The object without its UID.
    """
    made = start_object(STRUCTURED_REPORT, study, algorithm)
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observe(algorithm)),
        procedure_reported=_concept(codes.BONE_SCAN),
        imaging_measurements=[
            _group_of_scan(study, algorithm, scan),
            *([] if change is None else [_group_of_change(study, change)]),
            *(_group_of_lesion(study, algorithm, lesion) for lesion in lesions),
        ],
        title=dictionary.DCM.ImagingMeasurementReport,
    )
    made.update(report[0])
    _describe_document(made, study)
    return made


def _describe_document(made: Dataset, study: Study) -> None:
    """SR Document Series, SR Document General (C.17.1, C.17.2), coding schemes (C.12.1).

    highdicom's own class does the same, but compares and copies the whole tree for it, which takes
    four fifths of the time; and it logs a patient's name that it finds strange.
    """
    made.ReferencedPerformedProcedureStepSequence = []
    made.PerformedProcedureCodeSequence = []
    made.CompletionFlag = "COMPLETE"
    made.VerificationFlag = "UNVERIFIED"
    made.PreliminaryFlag = "PRELIMINARY"
    evidence = Dataset()
    evidence.StudyInstanceUID = study.uid
    evidence.ReferencedSeriesSequence = refer_by_series(study.images, "ReferencedSOPSequence")
    made.CurrentRequestedProcedureEvidenceSequence = [evidence]
    scheme = Dataset()
    scheme.CodingSchemeDesignator = codes.OWN_SCHEME
    scheme.CodingSchemeName = f"Codes of the {codes.MANUFACTURER.lower()}"
    scheme.CodingSchemeResponsibleOrganization = codes.MANUFACTURER
    made.CodingSchemeIdentificationSequence = [scheme]


def _observe(algorithm: Algorithm) -> ObserverContext:
    return ObserverContext(
        observer_type=dictionary.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=make_uid("device", algorithm.name, algorithm.version, *algorithm.weights),
            name=plain(algorithm.name),
            manufacturer_name=codes.MANUFACTURER,
            model_name=plain(f"bonescan {algorithm.version}"),
            serial_number=plain(" ".join(algorithm.weights)),
        ),
    )


def _group_of_scan(
    study: Study, algorithm: Algorithm, scan: MeasuredScan
) -> MeasurementsAndQualitativeEvaluations:
    """Return the group of the scan (TID 1501), with comments, which the template lets one add.

    It names no finding: the group is there for a scan without any, too.
    """
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_track(study, "scan", f"Scan, assessed: {scan.scope}"),
        algorithm_id=AlgorithmIdentification(
            name=plain(algorithm.name),
            version=plain(algorithm.version),
            parameters=[plain(text, longest=1024) for text in algorithm.parameters],
            family=_concept(codes.ARTIFICIAL_INTELLIGENCE),
            manufacturer=codes.MANUFACTURER,
        ),
        measurements=[_measurement(measure) for measure in scan.measures],
        source_images=[
            SourceImageForMeasurementGroup(
                image.sop_class_uid, image.sop_instance_uid, _frames(image)
            )
            for image in study.images.values()
        ],
    )
    return _comment(group, (RESEARCH_USE, *scan.comments))


def _group_of_change(study: Study, change: MeasuredChange) -> MeasurementsAndQualitativeEvaluations:
    """Return the group of the change (TID 1501); it refers to no earlier image and tells no day."""
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_track(study, "change", "Change since the last earlier scan"),
        measurements=[_measurement(measure) for measure in change.measures],
        qualitative_evaluations=[_evaluation(codes.PCWG3, change.rule)],
    )
    return _comment(group, change.comments)


def _comment(
    group: MeasurementsAndQualitativeEvaluations, comments: Iterable[str]
) -> MeasurementsAndQualitativeEvaluations:
    for comment in comments:
        group[0].ContentSequence.append(
            TextContentItem(
                dictionary.DCM.Comment,
                plain(comment, longest=1024),
                RelationshipTypeValues.CONTAINS,
            )
        )
    return group


def _evaluation(name: Code, value: Code) -> QualitativeEvaluation:
    return QualitativeEvaluation(_concept(name), _concept(value))


def _group_of_lesion(
    study: Study, algorithm: Algorithm, lesion: MeasuredLesion
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    image = study.images[lesion.view]
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_track(study, f"lesion {lesion.lesion}", lesion.name),
        referenced_region=ImageRegion(
            GraphicTypeValues.POLYLINE,
            lesion.outline,
            SourceImageForRegion(image.sop_class_uid, image.sop_instance_uid, _frames(image)),
        ),
        finding_category=_concept(codes.ABNORMAL),
        finding_type=_concept(codes.METASTASIS),
        finding_sites=[_site(lesion.region)],
        algorithm_id=AlgorithmIdentification(
            name=plain(algorithm.name), version=plain(algorithm.version)
        ),
        measurements=[_measurement(measure) for measure in lesion.measures],
        qualitative_evaluations=(
            None if lesion.change is None else [_evaluation(codes.LESION_CHANGE, lesion.change)]
        ),
    )


def _track(study: Study, what: str, name: str) -> TrackingIdentifier:
    uids = [image.sop_instance_uid for image in study.images.values()]
    return TrackingIdentifier(uid=make_uid("tracking", *uids, what), identifier=plain(name))


def _site(region: str | None) -> FindingSite:
    """Return the code of a bone and its side; of any bone, where it is not known."""
    if region is None:
        return FindingSite(_concept(codes.BONE))
    bone, side = codes.code_region(region)
    return FindingSite(_concept(bone), laterality=None if side is None else _concept(side))


def _measurement(measure: Measure) -> Measurement:
    return Measurement(
        name=_concept(measure.name),
        value=measure.value,
        unit=_concept(measure.unit),
        derivation=None if measure.derivation is None else _concept(measure.derivation),
    )


def _frames(image: SourceImage) -> list[int] | None:
    return None if image.frame is None else [image.frame]


@cache
def _concept(code: Code) -> CodedConcept:
    """Return a code as highdicom has it; all items share one, which nothing changes."""
    return CodedConcept(code.value, code.scheme, code.meaning)
