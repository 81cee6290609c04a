from unittest.mock import Mock

import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from bonescan.studies.benchmark.inputs import BenchmarkInputs, BenchmarkSize, repeat_cohort
from bonescan.studies.benchmark.memory import added_peak_mb
from bonescan.studies.benchmark.systems import (
    StepTimes,
    TimedSystem,
    count_macs,
    measure_compiled,
    measure_systems,
)


def test_operations_of_a_convolution_are_those_worked_out_by_hand():
    network = nn.Conv2d(3, 5, kernel_size=(3, 2), padding="valid")
    assert count_macs(network, torch.rand(1, 3, 9, 7)) == (7 * 6) * 5 * (3 * 3 * 2)


def test_peak_is_what_the_action_holds_at_most():
    def hold_and_release() -> None:
        torch.ones(50_000_000).sum()  # 200 MB

    hold_and_release()
    assert added_peak_mb(hold_and_release) == pytest.approx(200, abs=30)
    assert added_peak_mb(lambda: None) < 5


def test_only_the_steps_of_the_last_epoch_are_timed(clock):
    def load():
        for images in (3, 2):
            clock.advance(7.0)
            yield {"image": torch.zeros(images, 1, 2, 2)}

    steps_s = iter([16.0, 8.0, 0.5, 0.25])
    engine, times = Engine(lambda *_: clock.advance(next(steps_s))), StepTimes()
    times.attach(engine)
    engine.add_event_handler(Events.EPOCH_STARTED, lambda: engine.set_data(load()))
    engine.run(load(), max_epochs=2, epoch_length=2)
    assert (times.seconds, times.images) == (0.75, 5)


def test_system_is_timed_on_its_own_images(cohort, tmp_path, clock):
    scans = sorted(path.parent for path in cohort.glob("*/scan.dcm"))
    system = TimedSystem.of("lin2020_unet", repeat_cohort(scans, tmp_path / "cohort", 3), 2)
    assert system.batch["image"].shape == (2, 1, 256, 256)
    assert system.trainer.network.head.in_channels == 2
    clock.look_s = 3.0  # is what each step and each forward pass takes
    assert [system.step_s(), system.step_s()] == [2 * 3 / 4] * 2  # two scans of two views
    assert system.forward_s() == 3 / 2
    assert not system.trainer.network.training


@pytest.mark.slow
def test_a_system_is_measured_in_a_process_of_its_own(cohort, tmp_path):
    scans = sorted(path.parent for path in cohort.glob("*/scan.dcm"))
    size = BenchmarkSize(systems=("lin2020_unet_res",), turns=1, width=2)
    measurements = measure_systems(BenchmarkInputs(scans, tmp_path, size))
    assert {item.system for item in measurements} == {"lin2020_unet_res"}
    values = {item.name: item.value for item in measurements}
    assert values.pop("weights") == pytest.approx(32.426306)
    assert values.pop("operations") == pytest.approx(50.8, abs=0.05)
    assert list(values) == ["forward pass", "training step", "memory of the step"]
    assert min(values.values()) > 0


def test_compilation_that_fails_is_told_not_raised(monkeypatch):
    def fail(network: nn.Module) -> nn.Module:
        def run(image: torch.Tensor) -> None:
            raise RuntimeError("No working C++ compiler\nwas found")

        return run

    monkeypatch.setattr(torch, "compile", fail)
    compiled = measure_compiled("lin2020_unet", nn.Conv2d(1, 1, 1), torch.rand(1, 1, 4, 6), 1)
    assert compiled.value is None
    assert compiled.how == "does not run here: No working C++ compiler was found"


def test_compiled_network_is_compared(monkeypatch, clock):
    class Plain(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            clock.advance(4.0)
            return image

    durations_s = iter([64.0, 1.0, 3.0, 1.0])  # the first one compiles
    compiled = Mock(side_effect=lambda _: clock.advance(next(durations_s)))
    monkeypatch.setattr(torch, "compile", Mock(return_value=compiled))
    measurement = measure_compiled("a network", Plain(), torch.rand(1, 1, 4, 6), 3)
    assert measurement.repeats == [0.25, 0.75, 0.25]
    assert measurement.name == "Forward pass of a network, compiled / plain"
