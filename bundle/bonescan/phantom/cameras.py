"""The gamma cameras that simulated scans are made with."""

from dataclasses import dataclass

FWHM_DISTANCES_MM = (0.0, 50.0, 100.0, 150.0, 200.0, 250.0)
"""Distances from the collimator face at which `CameraPreset.fwhm_mm` is given."""

GE_LEHR_FWHM_MM = (4.2, 5.4, 7.1, 9.1, 11.1, 13.2)
GE_OLDER_LEHR_FWHM_MM = (4.3, 5.7, 7.5, 9.5, 11.6, 13.7)
SIEMENS_LEHR_FWHM_MM = (4.0, 5.3, 7.2, 9.3, 11.5, 13.7)
"""System resolution of the low-energy high-resolution collimators.

Computed as hypot(intrinsic 3.8 mm, d (Le + z + 4 mm) / Le), with hole diameter d and effective
length Le = L - 2 / mu(lead): GE 1.50 x 35 mm, older GE 1.80 x 41 mm, Siemens 1.11 x 24.05 mm
(after the vendors' data sheets).
"""


PHOTOPEAK_WINDOW_KEV = (126.45, 154.55)
"""A 20 % window around 140.5 keV."""
GE_SCATTER_WINDOW_KEV = (114.0, 126.0)
SIEMENS_SCATTER_WINDOW_KEV = (105.375, 126.45)
"""GE: 10 % around 120 keV. Siemens: 15 % of the photopeak's energy, next below its window."""


@dataclass(frozen=True)
class CameraPreset:
    """A gamma camera, as far as images depend on it.

    Attributes:
        manufacturer: as the vendor writes it in (0008,0070).
        model: as the vendor writes it in (0008,1090).
        pixel_mm: size of the square pixel.
        fwhm_mm: system resolution at FWHM_DISTANCES_MM from the collimator.
        first_column: first column that the detector reaches; pixels before it are zero.
        last_column: last column that the detector reaches; pixels behind it are zero.
        scatter_window_kev: limits of the energy window for scattered photons, if it is used.
    """

    manufacturer: str
    model: str
    pixel_mm: float
    fwhm_mm: tuple[float, ...]
    first_column: int
    last_column: int
    scatter_window_kev: tuple[float, float]


GE_CAMERAS = (
    CameraPreset(
        manufacturer="GE MEDICAL SYSTEMS",
        model="Millennium MG",
        pixel_mm=2.26,
        fwhm_mm=GE_OLDER_LEHR_FWHM_MM,
        first_column=13,
        last_column=242,
        scatter_window_kev=GE_SCATTER_WINDOW_KEV,
    ),
    CameraPreset(
        manufacturer="GE MEDICAL SYSTEMS",
        model="Discovery NM/CT 670",
        pixel_mm=2.401,
        fwhm_mm=GE_LEHR_FWHM_MM,
        first_column=15,
        last_column=239,
        scatter_window_kev=GE_SCATTER_WINDOW_KEV,
    ),
)
SIEMENS_CAMERAS = (
    CameraPreset(
        manufacturer="SIEMENS NM",
        model="Encore2",
        pixel_mm=2.398,
        fwhm_mm=SIEMENS_LEHR_FWHM_MM,
        first_column=15,
        last_column=239,
        scatter_window_kev=SIEMENS_SCATTER_WINDOW_KEV,
    ),
    CameraPreset(
        manufacturer="SIEMENS NM",
        model="Symbia",
        pixel_mm=2.16,
        fwhm_mm=SIEMENS_LEHR_FWHM_MM,
        first_column=13,
        last_column=242,
        scatter_window_kev=SIEMENS_SCATTER_WINDOW_KEV,
    ),
)
CAMERAS = (*GE_CAMERAS, *SIEMENS_CAMERAS)
