"""Training of a generator against a discriminator, by MONAI's GanTrainer."""

from collections.abc import Mapping
from typing import Any

import ignite.distributed as idist
import torch
from monai.engines import GanTrainer
from monai.utils.enums import GanKeys

from bonescan.keys import IMAGE
from bonescan.networks.dcgan import to_signed


def prepare_reals(
    batchdata: Mapping[str, torch.Tensor],
    device: torch.device,
    non_blocking: bool,  # noqa: FBT001 - MONAI hands it in by place
) -> torch.Tensor:
    """Move real images to the device, in the range of generated ones; a `d_prepare_batch`.

    Args:
        batchdata: image (B, 1, H, W) in 0..1.
        device: where it goes.
        non_blocking: whether the host goes on meanwhile.

    Returns:
        Images (B, 1, H, W) in -1..1.
    """
    return to_signed(batchdata[IMAGE].to(device=device, non_blocking=non_blocking))


def draw_latents(
    num_latents: int,
    latent_size: int,
    device: torch.device,
    non_blocking: bool = False,  # noqa: ARG001, FBT001, FBT002 - MONAI hands it in
) -> torch.Tensor:
    """Draw latent vectors (num_latents, latent_size) from U(-1, 1); a `g_prepare_batch`.

    They are drawn on the host, so that a seed gives the same ones on every device.
    """
    return (2 * torch.rand(num_latents, latent_size) - 1).to(device)


def update_adversaries(engine: GanTrainer, batchdata: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Improve the discriminator, and the generator at each k-th batch; an `iteration_update`.

    This is Algorithm 1 of Goodfellow et al. 2014: each of the k steps of the discriminator has real
    images and generated ones of its own, as many of these as of those. GanTrainer's own update
    makes the k steps on one batch and the same generated images, as many of these as a full batch.

    Args:
        engine: trainer with both networks and their optimisers; its `d_train_steps` are k; its
            losses are given logits, `d_loss_function(fake, real)` and `g_loss_function(fake)`.
        batchdata: a batch of real images, as its `d_prepare_batch` takes it.

    Returns:
        Both losses, before the steps that they lead to, on the same generated images.

    Raises:
        ValueError: if there are several processes: nothing would keep their discriminators equal.
    """
    if idist.get_world_size() > 1:
        raise ValueError(f"a GAN must be trained by one process, got {idist.get_world_size()}")
    engine.g_network.train()
    engine.d_network.train()
    reals = engine.prepare_batch(batchdata, engine.state.device, engine.non_blocking)
    with torch.no_grad():
        fakes = _generate(engine, len(reals))
    fake_logits = engine.d_inferer(fakes, engine.d_network)
    d_loss = engine.d_loss_function(fake_logits, engine.d_inferer(reals, engine.d_network))
    engine.d_optimizer.zero_grad(set_to_none=True)
    d_loss.backward()
    engine.d_optimizer.step()
    if engine.state.iteration % engine.d_train_steps == 0:
        _improve_generator(engine, len(reals))
    return {
        GanKeys.GLOSS: engine.g_loss_function(fake_logits.detach()),
        GanKeys.DLOSS: d_loss.detach(),
    }


def _improve_generator(engine: GanTrainer, number: int) -> None:
    """Make a step of the generator; what the discriminator gets of gradients is dropped later."""
    g_loss = engine.g_loss_function(engine.d_inferer(_generate(engine, number), engine.d_network))
    engine.g_optimizer.zero_grad(set_to_none=True)
    g_loss.backward()
    engine.g_optimizer.step()


def _generate(engine: GanTrainer, number: int) -> torch.Tensor:
    latents = engine.g_prepare_batch(
        num_latents=number,
        latent_size=engine.latent_shape,
        device=engine.state.device,
        non_blocking=engine.non_blocking,
    )
    return engine.g_inferer(latents, engine.g_network)
