"""UIDs, codes and defined terms of a planar bone scan in DICOM: the one table, used both ways."""

from dataclasses import dataclass

from bonescan.dicom.scan import View
from bonescan.labels import REPORT_SITES

NM_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.20"
MEDIA_DIRECTORY_STORAGE = "1.2.840.10008.1.3.10"
"""The class of a DICOMDIR: a table of contents, not an image."""

MODALITY = "NM"
MODALITIES = ("CR", "CT", "DX", "MG", "MR", "NM", "PT", "RF", "SC", "SR", "US", "XA")
"""The defined terms of Modality (PS3.3 C.7.3.1.1.1) that a message may name."""

WHOLE_BODY = "WHOLE BODY"
WHOLE_BODY_PART = "WHOLEBODY"
"""Defined term of Body Part Examined for the whole body (PS3.16 L)."""
STATIC = "STATIC"
IMAGE_KINDS = (STATIC, WHOLE_BODY, "DYNAMIC", "GATED", "TOMO", "GATED TOMO", "RECON TOMO")
"""Defined terms of Image Type value 3 (PS3.3 C.8.4.9.1.1)."""
EMISSION = "EMISSION"
"""Defined term of Image Type value 4 (PS3.3 C.8.4.9.1.1)."""

PHOTOPEAK_KEV = 140.5
"""Principal gamma line of 99mTc; an energy window that holds it holds the image."""

SIMULATED_MARK = "SIMULATED"
"""Word in ImageComments or Manufacturer that says that a scan was never acquired."""


MANUFACTURER = "Bone scan bundle"
"""Manufacturer of every result of ours: by it we know our own."""


@dataclass(frozen=True)
class PrivateLabel:
    """Private elements in which one vendor writes the view, by words or by a suffix.

    Attributes:
        creator: private creator (PS3.5 7.8.1).
        group: group of the elements.
        elements: their numbers in the creator's block, in the order in which they are believed.
    """

    creator: str
    group: int
    elements: tuple[int, ...]


PRIVATE_LABELS = (
    # GE Genie: dataset name, picture object name; end in _E (anterior) or _F (posterior)
    PrivateLabel("GEMS_GENIE_1", 0x0011, (0x12, 0x30)),
)
"""Where vendors write the view; another vendor is another row."""


@dataclass(frozen=True)
class Code:
    """A coded concept (PS3.3 section 8): value, coding scheme and meaning, "" if not said."""

    value: str = ""
    scheme: str = ""
    meaning: str = ""


VIEW_CODES = {
    View.ANTERIOR: Code("399321004", "SCT", "Anterior projection"),
    View.POSTERIOR: Code("399001007", "SCT", "Posterior projection"),
}
"""What is written: PS3.16 CID 26 "Nuclear Medicine Projection"."""

VIEW_CODE_VALUES = {
    "399321004": View.ANTERIOR,  # SCT, CID 26
    "399001007": View.POSTERIOR,
    "G-5215": View.ANTERIOR,  # SRT, CID 26 before SNOMED CT
    "G-5216": View.POSTERIOR,
    "255549009": View.ANTERIOR,  # SCT anterior and posterior, CID 2 "Anatomic Modifier"
    "255551008": View.POSTERIOR,
    "R-404CC": View.ANTERIOR,  # SRT, the same concepts
    "R-404CE": View.POSTERIOR,
    "R-10202": View.ANTERIOR,  # SRT frontal
    "399033003": View.ANTERIOR,  # SCT frontal
}
"""What is read, whatever the scheme is called (SCT, SRT, SNM3, 99SDM: values do not collide).

Codes such as postero-anterior tell the way of rays, not the side of the detector: none is here."""

RECUMBENT = Code("102538003", "SCT", "recumbent")
"""PS3.16 CID 19 "Patient Orientation"."""
SUPINE = Code("40199007", "SCT", "supine")
PRONE = Code("1240000", "SCT", "prone")
"""PS3.16 CID 20 "Patient Orientation Modifier"."""
FEET_FIRST = Code("102541007", "SCT", "feet-first")
"""PS3.16 CID 21 "Patient Equipment Relationship"."""

PRONE_VALUES = frozenset({PRONE.value, "F-10310"})
SUPINE_VALUES = frozenset({SUPINE.value, "F-10340"})
"""SNOMED CT and SNOMED RT (vendors also use the latter under 99SDM)."""

TECHNETIUM_99M = Code("72454006", "SCT", "^99m^Technetium")
"""PS3.16 CID 18 "Radiopharmaceutical Isotope"."""
RADIONUCLIDES = {code.meaning: code for code in (TECHNETIUM_99M,)}
"""What can be written, by meaning."""

TC99M_MEDRONATE = Code("96390006", "SCT", "Technetium Tc^99m^ medronate")
"""PS3.16 CID 25 "Radiopharmaceuticals": the tracer that is usually called MDP."""

ACQUISITION_EQUIPMENT = Code("109101", "DCM", "Acquisition Equipment")
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")
"""PS3.16 CID 7005 "Contributing Equipment Purpose of Reference"."""
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")
"""PS3.16 CID 7202 "Source Image Purpose of Reference"."""
SEGMENTATION = Code("113076", "DCM", "Segmentation")
"""PS3.16 CID 7203 "Image Derivation"."""
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
"""PS3.16 CID 7162 "Surface Processing Algorithm Family"."""

ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
ANATOMICAL = Code("91723000", "SCT", "Anatomical Structure")
"""PS3.16 CID 7150 "Segmentation Property Category"."""
METASTASIS = Code("14799000", "SCT", "Neoplasm, Secondary")
"""PS3.16 CID 7159 "Lesion Segmentation Type"."""
BLADDER = Code("89837001", "SCT", "Bladder")
BONE = Code("272673000", "SCT", "Bone")
"""PS3.16 CID 4 "Anatomic Region", CID 6202."""

BONE_SCAN = Code("42175-0", "LN", "Radionuclide scan of whole body")
"""PS3.16 CID 646: the procedure; a code for bone scintigraphy is in no context group."""

REGIONS = {
    "skull": Code("89546000", "SCT", "Skull"),
    "cervical_spine": Code("122494005", "SCT", "Cervical spine"),
    "thoracic_spine": Code("122495006", "SCT", "Thoracic spine"),
    "lumbar_spine": Code("122496007", "SCT", "Lumbar spine"),
    "sacrum": Code("54735007", "SCT", "Sacrum"),
    "sternum": Code("56873002", "SCT", "Sternum"),
    "clavicle": Code("51299004", "SCT", "Clavicle"),
    "scapula": Code("79601000", "SCT", "Scapula"),
    "ribs": Code("113197003", "SCT", "Rib"),
    "humerus": Code("85050009", "SCT", "Humerus"),
    "forearm": Code("14975008", "SCT", "Forearm"),
    "hand": Code("85562004", "SCT", "Hand"),
    "pelvis": Code("118645006", "SCT", "Pelvis"),
    "femur": Code("71341001", "SCT", "Femur"),
    "patella": Code("64234005", "SCT", "Patella"),
    "tibia": Code("12611008", "SCT", "Tibia"),
    "fibula": Code("87342007", "SCT", "Fibula"),
    "foot": Code("56459004", "SCT", "Foot"),
}
"""Bones without their side (PS3.16 CID 4, 7304); "Pelvis" is its bones, not the cavity."""
LATERALITY = {"right": Code("24028007", "SCT", "Right"), "left": Code("7771000", "SCT", "Left")}
"""PS3.16 CID 244."""


def code_region(group: str) -> tuple[Code, Code | None]:
    """Return the code of a group of bones (bonescan.labels.REGION_GROUPS), and that of its side."""
    bone, _, side = group.rpartition("_")
    return (REGIONS[bone], LATERALITY[side]) if side in LATERALITY else (REGIONS[group], None)


MAXIMUM = Code("56851009", "SCT", "Maximum")
MEAN = Code("373098007", "SCT", "Mean")
"""PS3.16 CID 7464 "General Region of Interest Measurement Modifier"."""
AREA = Code("42798000", "SCT", "Area")
NUMBER_OF_LESIONS = Code("246206008", "SCT", "Number of lesions")
SQUARE_MILLIMETRE = Code("mm2", "UCUM", "square millimeter")
COUNTS_UNIT = Code("{counts}", "UCUM", "Counts")
NO_UNITS = Code("1", "UCUM", "no units")
PERCENT = Code("%", "UCUM", "Percent")

OWN_SCHEME = "99BONESCAN"
"""Private scheme for what neither DICOM nor SNOMED CT has a code for (PS3.3 8.2)."""
COUNTS = Code("COUNTS", OWN_SCHEME, "Counts of a pixel")
SCORE = Code("SCORE", OWN_SCHEME, "Highest probability of a pixel")
LESION_PROBABILITY = Code("LESION_PROB", OWN_SCHEME, "Calibrated probability of the lesion")
SCAN_PROBABILITY = Code("SCAN_PROB", OWN_SCHEME, "Calibrated probability of the field")
METASTASIS_PROBABILITY = Code("METASTASIS_PROB", OWN_SCHEME, "Probability of any metastasis")
SITE_PROBABILITIES = {
    site: Code(f"PROB_{site.upper()}", OWN_SCHEME, f"Probability of a metastasis, site: {site}")
    for site in REPORT_SITES
}
"""What a classifier of scans says; neither is calibrated."""
TO_BACKGROUND = Code("TO_BACKGROUND", OWN_SCHEME, "Mean counts over those of the surroundings")
BSTBI = Code("BSTBI", OWN_SCHEME, "Bone scan tumour burden index of the assessed field")
BSTBI_COUNTS = Code("BSTBI_COUNTS", OWN_SCHEME, "Burden index on counts, of the assessed field")
UPTAKE_SHARE = Code("UPTAKE_SHARE", OWN_SCHEME, "Share of lesions in the assessed field's counts")
PLANAR_BSI = Code("PLANAR_BSI", OWN_SCHEME, "Planar bone scan index, of the assessed field")
PLANAR_BSI_OF = Code("PLANAR_BSI_OF", OWN_SCHEME, "Share of the skeleton that was assessed")

DAY = Code("d", "UCUM", "day")

DAYS_SINCE = Code("DAYS_SINCE", OWN_SCHEME, "Days since the last earlier scan")
LESION_CHANGE = Code(
    "LESION_CHANGE", OWN_SCHEME, "Change of the lesion since the last earlier scan"
)
LESION_CHANGES = {
    "new": Code("NEW", OWN_SCHEME, "New"),
    "grown": Code("GROWN", OWN_SCHEME, "Grown"),
    "unchanged": Code("UNCHANGED", OWN_SCHEME, "Unchanged"),
    "shrunk": Code("SHRUNK", OWN_SCHEME, "Shrunk"),
    "gone": Code("GONE", OWN_SCHEME, "Gone"),
    "not compared": Code("NOT_COMPARED", OWN_SCHEME, "Not compared"),
}
NUMBERS_OF_CHANGE = {
    state: Code(f"LES_{code.value}", OWN_SCHEME, f"Number of lesions: {code.meaning.lower()}")
    for state, code in LESION_CHANGES.items()
}
"""By what became of a lesion (bonescan.measures.change.LesionState)."""
BSTBI_CHANGE = Code("BSTBI_CHANGE", OWN_SCHEME, "Change of the burden index (0 to 100)")
PLANAR_BSI_CHANGE = Code("BSI_CHANGE", OWN_SCHEME, "Change of the planar bone scan index")
PCWG3 = Code("PCWG3_2_PLUS_2", OWN_SCHEME, "2+2 rule of PCWG3 on new lesions")
PCWG3_STATES = {
    "met": Code("MET", OWN_SCHEME, "Met; no diagnosis of progression"),
    "not met": Code("NOT_MET", OWN_SCHEME, "Not met"),
    "cannot tell": Code("CANNOT_TELL", OWN_SCHEME, "Cannot be told"),
}
"""By bonescan.measures.progression.RuleState."""
