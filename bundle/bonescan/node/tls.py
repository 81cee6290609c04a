"""TLS for connections in and out: both sides show a certificate (PS3.15 annex B.9)."""

import ssl

from bonescan.node.settings import Tls


def make_contexts(files: Tls) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make the contexts of what this node accepts, and of what it connects to.

    TLS 1.2 is the least (BCP 195); whoever is at the other end needs a certificate that the
    authorities have signed, and a server one that names its host.

    Raises:
        ValueError: if a file does not hold what it must, or certificate and key do not fit.
    """
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepting.verify_mode = ssl.CERT_REQUIRED
    connecting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (accepting, connecting):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(files.certificate, files.key)
            context.load_verify_locations(files.ca)
        except (ssl.SSLError, OSError) as err:
            raise ValueError(
                f"tls: certificate and key must be a pair in PEM, and ca certificates, got "
                f"{type(err).__name__} of {files.certificate}, {files.key} and {files.ca}"
            ) from err
    return accepting, connecting
