"""A picture of the results as a Secondary Capture (PS3.3 A.8), which every viewer shows."""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from bonescan.dicom import codes
from bonescan.dicom.results.objects import Algorithm, Kind, as_source, start_object
from bonescan.dicom.results.study import Study, plain
from bonescan.notice import RESEARCH_USE

SECONDARY_CAPTURE = Kind(SecondaryCaptureImageStorage, "OT", 9003, "Bone lesions, picture")
"""Modality OT: it lies beside NM images, and nothing takes its grey values for counts."""


def make_secondary_capture(
    study: Study, algorithm: Algorithm, picture: NDArray[np.uint8]
) -> Dataset:
    """Make a Secondary Capture of a picture that shows no patient's name and no date of the scan.

    Args:
        study: what it refers to.
        algorithm: what made it.
        picture: RGB (row, column, channel).

    Returns:
        The object without its UID. It has no pixel spacing: a picture may hold several views.

    Raises:
        ValueError: if the picture is not RGB of uint8.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(
            f"picture must be RGB (row, column, 3) of uint8, got {picture.shape} of {picture.dtype}"
        )
    made = start_object(SECONDARY_CAPTURE, study, algorithm)
    made.ConversionType = "WSD"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.BodyPartExamined = codes.WHOLE_BODY_PART
    made.PatientOrientation = None
    made.BurnedInAnnotation = "NO"
    made.ImageComments = plain(RESEARCH_USE)
    made.SourceImageSequence = [as_source(image) for image in study.images.values()]
    made.update(study.lossy)
    made.Rows, made.Columns, made.SamplesPerPixel = picture.shape
    made.PhotometricInterpretation = "RGB"
    made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit = 7
    made.PixelRepresentation = 0
    made.PixelData = picture.tobytes() + b"\0" * (picture.size % 2)
    made["PixelData"].VR = "OB"
    return made
