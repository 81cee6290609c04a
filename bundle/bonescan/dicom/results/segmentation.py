"""Masks as a DICOM Segmentation (PS3.3 A.51), one segment a class or bone and one frame a view.

highdicom reads what is written here, but cannot write it: it takes a source image of several frames
for a volume in one frame of reference, and a planar scan has none. Its frames are projections from
opposite sides, in two instances or one. So the modules are written one by one; of the Standard's
ways to say where a frame lies, its source image is the one that a projection has (C.7.6.16.2.6).
"""

import colorsys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import SegmentationStorage

from bonescan.dicom import codes
from bonescan.dicom.codes import Code
from bonescan.dicom.elements import CODE, decimal_string
from bonescan.dicom.results.objects import (
    Algorithm,
    Kind,
    as_source,
    refer_by_series,
    start_object,
)
from bonescan.dicom.results.study import SourceImage, Study, plain
from bonescan.dicom.results.uids import make_uid
from bonescan.dicom.scan import View
from bonescan.labels import LABEL_COLOURS, REGION_GROUPS, Label, region_group_bits
from bonescan.notice import RESEARCH_USE

SEGMENTATION = Kind(SegmentationStorage, "SEG", 9001, "Bone lesions, segmentation")
BONE_SEGMENTATION = Kind(SegmentationStorage, "SEG", 9005, "Bones, segmentation")

_HUE_STEP = (5**0.5 - 1) / 2
"""Of a turn, from one bone's colour to the next: by the golden ratio, hues never come close."""


@dataclass(frozen=True, kw_only=True)
class _Segment:
    """What a segment says: its name, its category, its type, its side, and where it lies."""

    name: str
    category: Code
    kind: Code
    side: Code | None = None
    anatomy: Code | None = None
    colour: tuple[int, int, int]


_LABELS = {
    Label.METASTASIS: _Segment(
        name="Bone metastasis",
        category=codes.ABNORMAL,
        kind=codes.METASTASIS,
        anatomy=codes.BONE,
        colour=LABEL_COLOURS[Label.METASTASIS],
    ),
    Label.BLADDER: _Segment(
        name="Bladder",
        category=codes.ANATOMICAL,
        kind=codes.BLADDER,
        colour=LABEL_COLOURS[Label.BLADDER],
    ),
}


def make_segmentation(
    study: Study,
    algorithm: Algorithm,
    label_map: NDArray[np.uint8],
    spacing_mm: tuple[float, float],
) -> Dataset | None:
    """Make a binary Segmentation of a label map.

    Each label that the map holds is a segment, with a frame for every view: one without a pixel
    says that this view shows none. A label that is nowhere has no segment, so that no list of
    segments names a metastasis where there is none.

    Args:
        study: what it refers to.
        algorithm: what made it.
        label_map: values of bonescan.labels.Label (view, row, column), views in the order of the
            study's images, in the geometry of the acquisition.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        The object without its UID; None if nothing is labelled: it must hold a frame (C.7.6.6).

    Raises:
        ValueError: if the label map does not have a plane for each image.
    """
    _check_planes("label_map", label_map, study)
    masks = ((segment, label_map == label) for label, segment in _LABELS.items())
    made = _make(SEGMENTATION, study, algorithm, masks, spacing_mm)
    if made is not None:
        made.ContentLabel = "BONE_LESIONS"
        made.SegmentsOverlap = "NO"
    return made


def make_bone_segmentation(
    study: Study,
    algorithm: Algorithm,
    regions: NDArray[np.int64],
    spacing_mm: tuple[float, float],
) -> Dataset | None:
    """Make a binary Segmentation of a region map, each group of bones that it holds a segment.

    It is an object and a series of its own: viewers show all segments of one at once, and thirty
    bones would hide the lesions. Bones lie behind each other, and their segments overlap.

    Args:
        study: what it refers to.
        algorithm: what made it.
        regions: bits of bonescan.labels.REGIONS (view, row, column), views and geometry as of
            make_segmentation.
        spacing_mm: (row, column) pixel spacing.

    Returns:
        The object without its UID; None if no bone is seen.

    Raises:
        ValueError: if the region map does not have a plane for each image.
    """
    _check_planes("regions", regions, study)
    masks = (
        (_describe_bone(number, group), (regions & region_group_bits(group)) != 0)
        for number, group in enumerate(REGION_GROUPS)
    )
    made = _make(BONE_SEGMENTATION, study, algorithm, masks, spacing_mm)
    if made is not None:
        made.ContentLabel = "BONES"
        made.SegmentsOverlap = "YES"
    return made


def _check_planes(name: str, array: NDArray[np.integer], study: Study) -> None:
    if array.ndim != 3 or len(array) != len(study.images):
        raise ValueError(
            f"{name} must be (view, row, column) of {len(study.images)} views, got {array.shape}"
        )


def _describe_bone(number: int, group: str) -> _Segment:
    bone, side = codes.code_region(group)
    red, green, blue = colorsys.hsv_to_rgb(number * _HUE_STEP % 1, 0.7, 0.9)
    words = group.replace("_", " ")
    if side is not None:
        words = f"{side.meaning} {words.removesuffix(side.meaning.lower())}".strip()
    return _Segment(
        name=words[:1].upper() + words[1:],
        category=codes.ANATOMICAL,
        kind=bone,
        side=side,
        colour=(round(255 * red), round(255 * green), round(255 * blue)),
    )


def _make(
    kind: Kind,
    study: Study,
    algorithm: Algorithm,
    masks: Iterable[tuple[_Segment, NDArray[np.bool_]]],
    spacing_mm: tuple[float, float],
) -> Dataset | None:
    """Make an object of the masks (view, row, column) that hold a pixel; None without any."""
    shown = [(segment, mask) for segment, mask in masks if mask.any()]
    if not shown:
        return None
    made = start_object(kind, study, algorithm)
    _describe_images(made, study)
    made.SegmentSequence = [
        _describe_segment(number, segment, algorithm)
        for number, (segment, _) in enumerate(shown, start=1)
    ]
    _describe_frames(made, study.images, len(shown), spacing_mm)
    made.update(study.lossy or _no_losses())
    _put_pixels(made, np.concatenate([mask for _, mask in shown]))
    return made


def _describe_images(made: Dataset, study: Study) -> None:
    """General Image, Segmentation Image, Common Instance Reference (C.7.6.1, C.8.20.2, C.12.2)."""
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.ContentDescription = plain(RESEARCH_USE)
    made.ContentCreatorName = None
    made.PatientOrientation = None
    made.BodyPartExamined = codes.WHOLE_BODY_PART
    made.SegmentationType = "BINARY"
    made.ReferencedSeriesSequence = refer_by_series(study.images, "ReferencedInstanceSequence")


def _describe_segment(number: int, segment: _Segment, algorithm: Algorithm) -> Dataset:
    """Segment Description (C.8.20.4) and Algorithm Identification (10.16) of a segment."""
    item = Dataset()
    item.SegmentNumber = number
    item.SegmentLabel = segment.name
    item.SegmentDescription = plain(f"{segment.name} as predicted. {RESEARCH_USE}")
    item.SegmentAlgorithmType = "AUTOMATIC"
    item.SegmentAlgorithmName = plain(algorithm.name)
    item.SegmentationAlgorithmIdentificationSequence = [_identify(algorithm)]
    item.SegmentedPropertyCategoryCodeSequence = CODE.write(segment.category)
    item.SegmentedPropertyTypeCodeSequence = CODE.write(segment.kind)
    if segment.side is not None:
        (kind,) = item.SegmentedPropertyTypeCodeSequence
        kind.SegmentedPropertyTypeModifierCodeSequence = CODE.write(segment.side)
    if segment.anatomy is not None:
        item.AnatomicRegionSequence = CODE.write(segment.anatomy)
    item.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*segment.colour).value)
    return item


def _identify(algorithm: Algorithm) -> Dataset:
    item = Dataset()
    item.AlgorithmFamilyCodeSequence = CODE.write(codes.ARTIFICIAL_INTELLIGENCE)
    item.AlgorithmName = plain(algorithm.name)
    item.AlgorithmVersion = plain(algorithm.version)
    item.AlgorithmSource = codes.MANUFACTURER
    item.AlgorithmParameters = plain("; ".join(algorithm.parameters), longest=1024)
    return item


def _describe_frames(
    made: Dataset,
    images: Mapping[View, SourceImage],
    segments: int,
    spacing_mm: tuple[float, float],
) -> None:
    """Multi-frame Functional Groups and Multi-frame Dimension (C.7.6.16, C.7.6.17)."""
    organization = make_uid("dimensions", made.SeriesInstanceUID)
    made.DimensionOrganizationSequence = [Dataset()]
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    made.DimensionIndexSequence = [
        _dimension(organization, "ReferencedSegmentNumber", "SegmentIdentificationSequence"),
        _dimension(organization, "FrameLabel", "FrameContentSequence"),
    ]
    measures = Dataset()
    measures.PixelSpacing = list(map(decimal_string, spacing_mm))
    # A projection has no thickness, but highdicom's reader asks for one. With one millimetre, what
    # a viewer shows as a volume in mm3 is the area in mm2.
    measures.SliceThickness = "1"
    made.SharedFunctionalGroupsSequence = [Dataset()]
    made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = [measures]
    made.PerFrameFunctionalGroupsSequence = [
        _describe_frame(segment, number, view, image)
        for segment in range(1, segments + 1)
        for number, (view, image) in enumerate(images.items(), start=1)
    ]


def _dimension(organization: str, keyword: str, group: str) -> Dataset:
    item = Dataset()
    item.DimensionOrganizationUID = organization
    item.DimensionIndexPointer = Tag(keyword)
    item.FunctionalGroupPointer = Tag(group)
    return item


def _describe_frame(segment: int, number: int, view: View, image: SourceImage) -> Dataset:
    """Return the functional groups of a frame: its segment, its view, the image that it lies on."""
    content, derivation, source, identification, groups = (Dataset() for _ in range(5))
    content.DimensionIndexValues = [segment, number]
    content.FrameLabel = str(view)
    source = as_source(image)
    source.SpatialLocationsPreserved = "YES"
    derivation.DerivationCodeSequence = CODE.write(codes.SEGMENTATION)
    derivation.SourceImageSequence = [source]
    identification.ReferencedSegmentNumber = segment
    groups.FrameContentSequence = [content]
    groups.DerivationImageSequence = [derivation]
    groups.SegmentIdentificationSequence = [identification]
    return groups


def _no_losses() -> Dataset:
    none = Dataset()
    none.LossyImageCompression = "00"
    return none


def _put_pixels(made: Dataset, masks: NDArray[np.bool_]) -> None:
    """Image Pixel (C.7.6.3) of masks (frame, row, column), a bit a pixel, frames without gaps."""
    made.NumberOfFrames, made.Rows, made.Columns = masks.shape
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 1
    made.HighBit = 0
    made.PixelRepresentation = 0
    bits = np.packbits(masks, bitorder="little").tobytes()
    made.PixelData = bits + b"\0" * (len(bits) % 2)
    made["PixelData"].VR = "OB"
