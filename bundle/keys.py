"""The dictionary keys of a sample and of its metadata: the only place where they are written."""

IMAGE = "image"
LABEL = "label"
PRED = "pred"
INSTANCES = "instances"
"""Lesion numbers per view, 0 where there is no lesion."""
REGIONS = "regions"
"""Bone regions per view, one bit per region (see bundle.labels.REGIONS)."""

PATIENT = "patient"
"""Pseudonym of the patient: the unit of every split."""
FOLD = "fold"

META_VIEWS = "views"
"""Names of the views along the first axis, joined by VIEW_SEPARATOR (a string, so that it collates)."""
META_SCAN_ID = "scan_id"
"""Salted hash that names the scan in outputs and logs."""
META_SPACING = "spacing_mm"
"""(row, column) pixel spacing in mm."""
META_CROP = "thorax_crop"
"""Landmarks of the thorax crop, in rows and columns of the loaded image."""

VIEW_SEPARATOR = "+"
