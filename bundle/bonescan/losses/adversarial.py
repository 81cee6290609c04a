"""The two losses of a generator and a discriminator, on the discriminator's logits.

Goodfellow et al. 2014, doi 10.48550/arXiv.1406.2661. Lin 2022 prints both as a maximum (eq. 9);
what is meant is the minimum over the generator of the maximum over the discriminator.
"""

from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """Return ``-log D(x) - log(1 - D(G(z)))``, each term averaged over its images.

    Args:
        fake_logits: of generated images, any shape.
        real_logits: of real images, any shape.
    """
    return F.softplus(fake_logits).mean() + F.softplus(-real_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Return ``-log D(G(z))``, averaged over the images.

    The paper's ``log(1 - D(G(z)))`` has the same optimum, but next to no gradient as long as the
    discriminator sees through everything, as it does at first (Goodfellow 2014, section 3).

    Args:
        fake_logits: of generated images, any shape.
    """
    return F.softplus(-fake_logits).mean()
