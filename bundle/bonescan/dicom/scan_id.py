"""Keyed hashes that carry no patient identifier: the name of a scan, and who was scanned."""

import hashlib
import hmac
import logging
import os
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

SALT_VARIABLE = "BONE_SCAN_SALT"
"""Environment variable with the key of a site; keep it secret and the same over time."""

_DEFAULT_SALT = "bone-scan-bundle"
"""Key where none is given. Being public, it lets who holds a scan compute its name; a site that
must not allow that sets its own."""

_LENGTH = 16
"""Hexadecimal digits (64 bits): no two of a million scans collide (probability 3e-8)."""


def warn_of_shared_key() -> None:
    """Warn, before scans are named in files, if the environment gives no key of the site's own."""
    if not os.environ.get(SALT_VARIABLE):
        logger.warning(
            "%s is not set: whoever holds a scan can compute its name in these results; set it "
            "to a secret of your own before you pass them on",
            SALT_VARIABLE,
        )


def start_keyed_digest() -> hmac.HMAC:
    """Return an empty HMAC-SHA256 under the key of the environment, else the project's."""
    key = os.environ.get(SALT_VARIABLE) or _DEFAULT_SALT
    return hmac.new(key.encode(), digestmod=hashlib.sha256)


def make_scan_id(instance_uids: Iterable[str], counts: NDArray[np.float32]) -> str:
    """Name a scan by HMAC-SHA256 over its SOP Instance UIDs and its counts.

    Neither the patient's name nor the patient's identifier enters, so that the name of a scan
    cannot be found by trying out names of patients (PS3.15 E.1.1 on keyed replacement). The key is
    that of the environment, else the project's.

    Args:
        instance_uids: SOP Instance UIDs in the order of the views; none for files without.
        counts: (view, row, column).

    Returns:
        16 hexadecimal digits.
    """
    digest = start_keyed_digest()
    for uid in instance_uids:
        digest.update(f"{uid};".encode())
    digest.update(repr(counts.shape).encode())
    digest.update(np.ascontiguousarray(counts, dtype="<f4").tobytes())
    return digest.hexdigest()[:_LENGTH]


def make_patient_key(digests: Sequence[str]) -> str:
    """Tell patients apart by HMAC-SHA256 over digests of what a header says of them.

    The day of birth and the sex enter beside the identifier, which two hospitals may both give, and
    which an anonymous archive may give to everybody.

    Args:
        digests: of the patient's identifier, day of birth and sex; empty where not said.

    Returns:
        16 hexadecimal digits; empty where there is no identifier.
    """
    if not digests[0]:
        return ""
    digest = start_keyed_digest()
    digest.update(";".join(["patient", *digests]).encode())
    return digest.hexdigest()[:_LENGTH]
