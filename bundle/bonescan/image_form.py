"""What an image shows of a scan: one of its views, or a form made of its views."""

from enum import StrEnum

Sides = tuple[str, str]
"""The patient's sides at the left and the right of an image or a part of it."""

FROM_FRONT: Sides = ("R", "L")
"""Facing the patient, his right is on the image's left."""
FROM_BEHIND: Sides = ("L", "R")


class ImageForm(StrEnum):
    """What one image (row, column) shows of a scan.

    A view has the name that bonescan.dicom.scan.View gives it.
    """

    ANTERIOR = "anterior"
    POSTERIOR = "posterior"
    AGGREGATED = "aggregated"
    """Both views, laid on each other and joined into one."""
    SIDE_BY_SIDE = "side_by_side"
    """The anterior view on the left of the posterior one."""
    PANELS = "panels"
    """Both side by side, and again in a narrower display window (Liu 2021)."""

    @classmethod
    def _missing_(cls, value: object) -> "ImageForm":
        raise ValueError(f"image form must be one of {', '.join(cls)}, got {value!r}")

    @property
    def caption(self) -> str:
        """What the form is called under a picture."""
        return self.replace("_", " ")

    def sides(self, *, posterior_flipped: bool, mirrored_copy: bool = False) -> tuple[Sides, ...]:
        """Name the patient's sides in the image's parts, from left to right.

        Args:
            posterior_flipped: whether the posterior view was flipped to lie on the anterior one
                (bonescan.transforms.MirrorPosterior).
            mirrored_copy: whether the image is a mirrored copy of an image set
                (bonescan.keys.MIRRORED).

        Returns:
            One pair for each part, of which there are one, two or four. None where the left and the
            right of the patient lie on each other.
        """
        posterior = FROM_FRONT if posterior_flipped else FROM_BEHIND
        parts: tuple[Sides, ...] = {
            ImageForm.ANTERIOR: (FROM_FRONT,),
            ImageForm.POSTERIOR: (posterior,),
            ImageForm.AGGREGATED: (FROM_FRONT,) if posterior_flipped else (),
            ImageForm.SIDE_BY_SIDE: (FROM_FRONT, posterior),
            ImageForm.PANELS: (FROM_FRONT, posterior) * 2,
        }[self]
        return tuple((right, left) for left, right in parts) if mirrored_copy else parts
