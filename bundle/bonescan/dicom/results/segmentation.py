"""Masks as a DICOM Segmentation (PS3.3 A.51), one segment a class and one frame a view.

highdicom reads what is written here, but cannot write it: it takes a source image of several frames
for a volume in one frame of reference, and a planar scan has none. Its frames are projections from
opposite sides, in two instances or one. So the modules are written one by one; of the Standard's
ways to say where a frame lies, its source image is the one that a projection has (C.7.6.16.2.6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits
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
from bonescan.labels import LABEL_COLOURS, Label
from bonescan.notice import RESEARCH_USE

SEGMENTATION = Kind(SegmentationStorage, "SEG", 9001, "Bone lesions, segmentation")


@dataclass(frozen=True)
class _Class:
    """What a segment says of a label: its name, its category, its type, and where it lies."""

    name: str
    category: Code
    kind: Code
    anatomy: Code | None


_CLASSES = {
    Label.METASTASIS: _Class("Bone metastasis", codes.ABNORMAL, codes.METASTASIS, codes.BONE),
    Label.BLADDER: _Class("Bladder", codes.ANATOMICAL, codes.BLADDER, None),
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
    if label_map.ndim != 3 or len(label_map) != len(study.images):
        raise ValueError(
            f"label_map must be (view, row, column) of {len(study.images)} views, got "
            f"{label_map.shape}"
        )
    labels = [label for label in _CLASSES if (label_map == label).any()]
    if not labels:
        return None
    made = start_object(SEGMENTATION, study, algorithm)
    _describe_images(made, study)
    _describe_segments(made, labels, algorithm)
    _describe_frames(made, study.images, len(labels), spacing_mm)
    made.update(study.lossy or _no_losses())
    masks = np.stack([label_map == label for label in labels])  # (segment, view, row, column)
    _put_pixels(made, masks.reshape(-1, *label_map.shape[1:]))
    return made


def _describe_images(made: Dataset, study: Study) -> None:
    """General Image, Segmentation Image, Common Instance Reference (C.7.6.1, C.8.20.2, C.12.2)."""
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.ContentLabel = "BONE_LESIONS"
    made.ContentDescription = plain(RESEARCH_USE)
    made.ContentCreatorName = None
    made.PatientOrientation = None
    made.BodyPartExamined = codes.WHOLE_BODY_PART
    made.SegmentationType = "BINARY"
    made.SegmentsOverlap = "NO"
    made.ReferencedSeriesSequence = refer_by_series(study.images, "ReferencedInstanceSequence")


def _describe_segments(made: Dataset, labels: Sequence[Label], algorithm: Algorithm) -> None:
    """Segment Description (C.8.20.4) and Algorithm Identification (10.16) of each label."""
    made.SegmentSequence = []
    for number, label in enumerate(labels, start=1):
        described = _CLASSES[label]
        item = Dataset()
        item.SegmentNumber = number
        item.SegmentLabel = described.name
        item.SegmentDescription = plain(f"{described.name} as predicted. {RESEARCH_USE}")
        item.SegmentAlgorithmType = "AUTOMATIC"
        item.SegmentAlgorithmName = plain(algorithm.name)
        item.SegmentationAlgorithmIdentificationSequence = [_identify(algorithm)]
        item.SegmentedPropertyCategoryCodeSequence = CODE.write(described.category)
        item.SegmentedPropertyTypeCodeSequence = CODE.write(described.kind)
        if described.anatomy is not None:
            item.AnatomicRegionSequence = CODE.write(described.anatomy)
        item.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*LABEL_COLOURS[label]).value)
        made.SegmentSequence.append(item)


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
    made.PixelData = pack_bits(masks.astype(np.uint8))
    made["PixelData"].VR = "OB"
