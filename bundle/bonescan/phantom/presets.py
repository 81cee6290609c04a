"""What a simulated cohort is made of: primary tumours, and presets that join them with cameras."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from bonescan.phantom.cameras import CAMERAS, GE_CAMERAS, SIEMENS_CAMERAS, CameraPreset

BankPart = Literal["all", "training", "validation", "test"]
BANK_PARTS: tuple[BankPart, ...] = get_args(BankPart)
"""Parts of a bank of bodies that patients can be drawn from; the last three share no body."""


def _numbered(letter: str, last: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in range(1, last + 1))


def _paired(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{side}" for name in names for side in ("right", "left"))


SITES: Mapping[str, tuple[str, ...]] = {
    "ribs": _paired("ribs"),
    "thoracic_spine": _numbered("t", 12),
    "pelvis_sacrum": (*_paired("pelvis"), "sacrum"),
    "lumbar_spine": _numbered("l", 5),
    "femur": _paired("femur"),
    "sternum": ("manubrium", "sternum"),
    "scapula": _paired("scapula"),
    "skull": ("skull", "face"),
    "humerus": _paired("humerus"),
    "cervical_spine": _numbered("c", 7),
    "clavicle": _paired("clavicle"),
    "distal_limbs": _paired("forearm", "hand", "patella", "tibia", "fibula", "foot"),
}
"""Regions of the skeleton that share one weight for metastases."""

THORAX_SITES = ("ribs", "thoracic_spine", "sternum", "scapula", "clavicle")


@dataclass(frozen=True)
class Territory:
    """A part of the skeleton that studies count as one site.

    Attributes:
        share: of the patients with metastases, those who have at least one here.
        more: mean number of lesions here beyond the first one.
        sites: of SITES, with the share of the lesions here that each takes.
    """

    share: float
    more: float
    sites: Mapping[str, float]


TERRITORIES: Mapping[str, Territory] = {
    "spine": Territory(
        0.79, 1.1, {"cervical_spine": 0.07, "thoracic_spine": 0.53, "lumbar_spine": 0.40}
    ),
    "pelvis": Territory(0.70, 0.8, {"pelvis_sacrum": 1.0}),
    "ribs": Territory(0.66, 1.1, {"ribs": 1.0}),
    "femur": Territory(0.35, 0.3, {"femur": 1.0}),
    "scapula": Territory(0.20, 0.15, {"scapula": 1.0}),
    "other": Territory(
        0.28,
        0.5,
        {"sternum": 0.28, "skull": 0.25, "humerus": 0.25, "clavicle": 0.14, "distal_limbs": 0.08},
    ),
}
"""Shares: 220, 196, 184, 98, 57 and 78 of 280 patients with metastases (Liu et al. 2021, doi
10.2147/CMAR.S340114, Table 3), 3.0 territories each. How many lesions lie in one, and
where in it, are defaults of ours, with which about four patients in ten have more than six."""


def site_of(region: str) -> str:
    """Return which of `bonescan.labels.REPORT_SITES` a region of the skeleton belongs to."""
    return next(
        name
        for name, territory in TERRITORIES.items()
        if any(region in SITES[site] for site in territory.sites)
    )


@dataclass(frozen=True)
class Primary:
    """How the bone metastases of one primary tumour behave.

    Attributes:
        name: of the organ.
        share: of the cohort's patients.
        female_share: of these patients.
        age_range: years, from and to.
        extent: median of how far the disease has spread, over that of all patients.
        site_factors: by site, what its odds are multiplied by for this primary.
        lytic_share: share of lesions that are cold with a hot rim.
        superscan_share: of the patients with metastases, those who have them nearly everywhere.
    """

    name: str
    share: float
    female_share: float
    age_range: tuple[int, int]
    extent: float = 1.0
    site_factors: Mapping[str, float] = field(default_factory=dict)
    lytic_share: float = 0.01
    superscan_share: float = 0.003


PROSTATE = Primary(
    name="prostate",
    share=0.38,
    female_share=0.0,
    age_range=(52, 88),
    extent=1.6,
    site_factors={"pelvis_sacrum": 1.5, "lumbar_spine": 1.3, "ribs": 0.8, "skull": 0.6},
    superscan_share=0.04,
)
BREAST = Primary(
    name="breast",
    share=0.30,
    female_share=0.99,
    age_range=(32, 84),
    extent=1.2,
    site_factors={"skull": 2.0, "sternum": 2.0, "pelvis_sacrum": 0.9},
    superscan_share=0.015,
)
LUNG = Primary(
    name="lung",
    share=0.17,
    female_share=0.4,
    age_range=(42, 84),
    extent=0.7,
    site_factors={"ribs": 1.6, "scapula": 1.3, "pelvis_sacrum": 0.8},
    lytic_share=0.03,
)
OTHER = Primary(
    name="other",
    share=0.15,
    female_share=0.45,
    age_range=(30, 85),
    extent=0.7,
    lytic_share=0.05,
)
PRIMARIES = (PROSTATE, BREAST, LUNG, OTHER)
"""Shares, ages, numbers and sites are defaults of ours, chosen to be plausible for a cancer clinic:
breast and prostate with more lesions than the others."""


@dataclass(frozen=True)
class CohortGroup:
    """Patients of a cohort that are alike.

    Attributes:
        primary: of each of them; None where it is drawn from those of the preset.
        patients: how many.
        metastases: whether each has a metastasis that shows in a view; otherwise none has any.
        benign: whether each has a benign focus that shows in a view, or none has any finding; None
            where chance decides.
    """

    primary: Primary | None
    patients: int
    metastases: bool
    benign: bool | None = None


@dataclass(frozen=True)
class Reader:
    """A physician who says of each patient whether there are metastases.

    Attributes:
        name: years of experience.
        sensitivity: share 0..1 of the patients with metastases of whom this reader says so.
        specificity: share 0..1 of the patients without of whom this reader says so.
    """

    name: str
    sensitivity: float
    specificity: float


@dataclass(frozen=True)
class StudyPlan:
    """What a study knows of its patients besides their scans.

    Attributes:
        alp_patients: how many patients, with metastases and not yet treated, have alkaline
            phosphatase measured.
        follow_ups: how many patients with metastases are scanned again after therapy began.
        readers: who reads the first scan of each patient.
    """

    alp_patients: int
    follow_ups: int
    readers: tuple[Reader, ...]


UNEVENNESS = 0.2
"""Unevenness inside a bone. Nobody has measured it; how hard it is to tell a lesion from normal
bone depends on it more than on anything else."""


@dataclass(frozen=True)
class Preset:
    """A cohort that `bonescan simulate` can make.

    Attributes:
        name: of the preset.
        patients: how many there are unless the caller says otherwise.
        one_view_patients: how many of `patients` keep only one of the two views.
        two_file_share: share of the patients with both views whose views are two files.
        free_share: share of patients without metastases.
        sites: the sites of SITES that may hold a metastasis.
        superscans: whether metastases may take nearly all of a skeleton.
        extent: how far the disease has spread, over that of each primary.
        unevenness: standard deviation of the tracer inside a bone over its mean, 0 for even bones.
        total_counts: range of the anterior view's counts, log-uniform; real views hold 0.36 to 3.6
            million.
        cameras: drawn with equal chance.
        primaries: drawn by their `share`.
        benign: whether patients have benign findings.
        lesion_in_each_view: whether at least one metastasis shows in every view that a patient
            keeps; other patients are drawn until it does. Of no effect with groups.
        groups: exact make-up of the patients, in place of `free_share` and `primaries`; their
            numbers sum to `patients`.
        study: what is known besides the scans; None for no more than alkaline phosphatase of all.
    """

    name: str
    patients: int
    one_view_patients: int = 0
    two_file_share: float = 0.2
    free_share: float = 0.2
    sites: tuple[str, ...] = tuple(SITES)
    superscans: bool = True
    extent: float = 1.0
    unevenness: float = UNEVENNESS
    total_counts: tuple[float, float] = (0.3e6, 4.0e6)
    cameras: tuple[CameraPreset, ...] = CAMERAS
    primaries: tuple[Primary, ...] = PRIMARIES
    benign: bool = True
    lesion_in_each_view: bool = False
    groups: tuple[CohortGroup, ...] = ()
    study: StudyPlan | None = None


CHEN_GROUPS = (
    CohortGroup(BREAST, 90, metastases=True),
    CohortGroup(BREAST, 10, metastases=False),
    CohortGroup(PROSTATE, 50, metastases=True),
    CohortGroup(PROSTATE, 50, metastases=False),
)
"""D1 to D4 of Chen et al. 2023."""

LIU_GROUPS = (
    CohortGroup(None, 280, metastases=True),
    CohortGroup(None, 172, metastases=False, benign=True),
    CohortGroup(None, 169, metastases=False, benign=False),
)
"""Patients with metastases, with benign uptake alone, and with neither (Liu et al. 2021)."""

LIU_STUDY = StudyPlan(
    alp_patients=50,
    follow_ups=40,
    readers=(
        Reader("2y", sensitivity=30 / 54, specificity=44 / 69),
        Reader("5y", sensitivity=47 / 54, specificity=60 / 69),
        Reader("10y", sensitivity=47 / 54, specificity=69 / 69),
    ),
)
"""Liu et al. 2021: alkaline phosphatase of 50 untreated patients; readers of less than 2, of 5 and
of 10 years (Table 4: counts of 54 and 69 patients). Second scans are shown of one patient; how many
there are here is a default of ours."""

LIN = Preset(
    name="lin2020",
    patients=76,
    one_view_patients=40,
    free_share=0.0,
    sites=THORAX_SITES,
    superscans=False,
    extent=1.8,
    lesion_in_each_view=True,
)
LIU = Preset(
    name="liu2021",
    patients=sum(group.patients for group in LIU_GROUPS),
    extent=0.9,
    superscans=False,
    groups=LIU_GROUPS,
    study=LIU_STUDY,
)


def _studied(name: str, study: StudyPlan) -> Preset:
    """Return a preset of those patients with metastases alone of whom a study knows more."""
    patients = study.alp_patients + study.follow_ups
    groups = (CohortGroup(None, patients, metastases=True),)
    return replace(LIU, name=name, patients=patients, groups=groups, study=study)


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(name="default", patients=60),
        Preset(name="normal", patients=40, free_share=1.0, benign=False),
        LIN,
        replace(LIN, name="lin2022", patients=56, one_view_patients=0),
        Preset(
            name="he2024",
            patients=205,
            free_share=0.1,
            extent=2.0,
            superscans=False,
            cameras=SIEMENS_CAMERAS,
            primaries=(LUNG,),
        ),
        Preset(
            name="chen2023",
            patients=sum(group.patients for group in CHEN_GROUPS),
            superscans=False,
            cameras=GE_CAMERAS,
            groups=CHEN_GROUPS,
        ),
        LIU,
        _studied("liu2021_alp", replace(LIU_STUDY, follow_ups=0, readers=())),
        _studied("liu2021_therapy", replace(LIU_STUDY, alp_patients=0, readers=())),
    )
}
"""`lin2020`: 76 patients with 112 images (36 with both views, 40 with one), lesions in the thorax
only, after Lin et al. 2020, doi 10.1371/journal.pone.0243253. Accuracy, precision and recall of
that paper imply, by our reckoning, that 1.5 to 5 % of the crop's pixels are lesion, far more than a
few foci would cover: hence its `extent`, which gives 3.0 % (31 views of seed 0). All of its images
show metastases.

`lin2022`: the same with both views of all patients, 112 images of 56, after Lin et al. 2022, doi
10.3389/fmolb.2022.956720: its 1140 joined images of 2280 leave no view without a partner.

`he2024`: 205 patients with lung cancer and 410 images by Siemens cameras, after He et al. 2024, doi
10.4236/jcc.2024.124006, who used 306 of these. We take those to be the ones that show metastasis:
`free_share` and `extent` are our choice, with which 46 of 56 views do so in the thorax crop (14
patients each of seeds 0 and 1), where lesions are 2.0 % of the pixels.

`chen2023`: 100 patients with breast and 100 with prostate cancer by GE cameras, after Chen et al.
2023, doi 10.3390/diagnostics13193042. Lesions are 0.11 % of the pixels of patients who have some
(28 views of seed 0).

`liu2021`: 621 patients after Liu et al. 2021, doi 10.2147/CMAR.S340114. Which tumours and
cameras they had we do not know; these are those of `default`. With `extent` the odds by which
territories are drawn reach each as often as published, to 16 of 280 patients; how often images of
such a cohort show it was not measured.

`liu2021_alp`, `liu2021_therapy`: 50 like those of `liu2021` whose alkaline phosphatase is measured,
and 40 who are scanned again. All share patients at one seed: to train and to test takes two.

None of these has superscans, by our choice: where pixels are pooled, the few that there would
be outweigh all other patients."""


def find_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises:
        ValueError: if there is none.
    """
    if name not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]


def territory_odds(
    territory: Territory, primary: Primary, sites: tuple[str, ...], extent: float = 1.0
) -> float:
    """Return the odds of a metastasis in a territory, of those of its sites that are allowed."""
    open_share = sum(
        share * primary.site_factors.get(site, 1.0)
        for site, share in territory.sites.items()
        if site in sites
    )
    return extent * open_share * territory.share / (1 - territory.share)


def region_weights(
    territory: Territory, primary: Primary, sites: tuple[str, ...]
) -> dict[str, float]:
    """Return the chance of each region of a territory to hold one of its metastases; the sum is 1.

    A site's weight is shared among its regions; the lower vertebrae of a group take a little more
    than the upper ones, after their size.
    """
    weights: dict[str, float] = {}
    for site in (site for site in territory.sites if site in sites):
        regions = SITES[site]
        slope = 0.5 if site.endswith("_spine") else 0.0
        shares = [1.0 + slope * i / len(regions) for i in range(len(regions))]
        total = territory.sites[site] * primary.site_factors.get(site, 1.0)
        for region, share in zip(regions, shares, strict=True):
            weights[region] = total * share / sum(shares)
    whole = sum(weights.values())
    return {region: weight / whole for region, weight in weights.items()}
