"""Steps of a GAN: what each network is shown, when it learns, what is put out."""

from collections.abc import Callable

import pytest
import torch
from ignite.engine import Events
from monai.engines import GanTrainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from bonescan.engines import adversarial
from bonescan.engines.adversarial import draw_latents, prepare_reals, update_adversaries
from bonescan.losses import discriminator_loss, generator_loss

IMAGES = [{"image": torch.full((1, 2, 2), value / 10)} for value in range(8)]


class Seen(nn.Module):
    """A network that notes what it is given."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.inputs: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.inputs.append(x.detach().clone())
        return self.linear(x.flatten(1))


class Generator(Seen):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).reshape(-1, 1, 2, 2).tanh()


def make_trainer(*, steps: int = 3, batch_size: int = 2) -> GanTrainer:
    torch.manual_seed(0)
    generator, discriminator = Generator(5, 4), Seen(4, 1)
    return GanTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=DataLoader(IMAGES, batch_size=batch_size),
        g_network=generator,
        g_optimizer=torch.optim.SGD(generator.parameters(), lr=0.1),
        g_loss_function=generator_loss,
        d_network=discriminator,
        d_optimizer=torch.optim.SGD(discriminator.parameters(), lr=0.1),
        d_loss_function=discriminator_loss,
        d_train_steps=steps,
        latent_shape=5,
        d_prepare_batch=prepare_reals,
        g_prepare_batch=draw_latents,
        iteration_update=update_adversaries,
        decollate=False,
    )


def changes_of(network: Callable[[GanTrainer], nn.Module], trainer: GanTrainer) -> list[bool]:
    """Tell after which iterations the weights of a network had changed."""
    before, changed = [network(trainer).linear.weight.detach().clone()], []

    def look(engine: GanTrainer) -> None:
        after = network(engine).linear.weight.detach().clone()
        changed.append(not torch.equal(after, before[0]))
        before[0] = after

    trainer.add_event_handler(Events.ITERATION_COMPLETED, look)
    trainer.run()
    return changed


def test_generator_learns_at_each_third_step_of_the_discriminator():
    assert changes_of(lambda engine: engine.g_network, make_trainer()) == [0, 0, 1, 0]
    assert changes_of(lambda engine: engine.d_network, make_trainer()) == [1, 1, 1, 1]
    assert changes_of(lambda engine: engine.g_network, make_trainer(steps=1)) == [1, 1, 1, 1]


def test_each_step_has_images_of_its_own():
    trainer = make_trainer()
    trainer.run()
    latents = torch.cat(trainer.g_network.inputs)
    assert len(latents) == 5 * 2  # four steps of the discriminator, one of the generator
    assert len(latents.unique(dim=0)) == len(latents)
    first, second = trainer.d_network.inputs[1], trainer.d_network.inputs[3]
    torch.testing.assert_close(first[:, 0, 0, 0], torch.tensor([-1.0, -0.8]))
    torch.testing.assert_close(second[:, 0, 0, 0], torch.tensor([-0.6, -0.4]))


def test_there_are_as_many_generated_images_as_real_ones():
    trainer = make_trainer(batch_size=3)  # 3, 3 and 2
    trainer.run()
    assert [len(images) for images in trainer.d_network.inputs] == [3, 3, 3, 3, 2, 2, 2]


def test_losses_are_those_before_the_step():
    trainer, fresh = make_trainer(), make_trainer()
    outputs: list[dict[str, Tensor]] = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: outputs.append(engine.state.output)
    )
    trainer.run()
    fakes, reals = trainer.d_network.inputs[:2]
    fake_logits = fresh.d_network(fakes).detach()
    expected = discriminator_loss(fake_logits, fresh.d_network(reals).detach())
    assert set(outputs[0]) == {"g_loss", "d_loss"}
    assert outputs[0]["d_loss"].item() == pytest.approx(expected.item())
    assert outputs[0]["g_loss"].item() == pytest.approx(generator_loss(fake_logits).item())


def test_latents_fill_the_cube():
    torch.manual_seed(0)
    latents = draw_latents(400, 3, torch.device("cpu"))
    assert latents.shape == (400, 3)
    assert -1 <= latents.min() < -0.98
    assert 0.98 < latents.max() <= 1
    assert latents.var().item() == pytest.approx(1 / 3, rel=0.05)


def test_reals_have_the_range_of_generated_images():
    batch = {"image": torch.tensor([[[[0.0, 0.25, 1.0]]]])}
    assert prepare_reals(batch, torch.device("cpu"), False).flatten().tolist() == [-1, -0.5, 1]


def test_several_processes_are_refused(monkeypatch):
    monkeypatch.setattr(adversarial.idist, "get_world_size", lambda: 2)
    with pytest.raises(ValueError, match="a GAN must be trained by one process, got 2"):
        make_trainer().run()
