from types import SimpleNamespace

import pytest
import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, PolynomialLR

from bonescan.handlers.checkpoint import TrainingCheckpoint, save_checkpoint
from bonescan.run_folder import LAST_STATE, WEIGHTS


def make_checkpoint(folder, *names, **settings):
    """Return the checkpoint of linear networks, each with an optimiser and a scheduler."""
    names = names or ("network",)
    networks = {name: torch.nn.Linear(2, 3) for name in names}
    optimizers = {
        name: torch.optim.Adam(network.parameters(), lr=0.1) for name, network in networks.items()
    }
    schedulers = {
        name: torch.optim.lr_scheduler.StepLR(each, 1) for name, each in optimizers.items()
    }
    settings = {"weights_of": names[0], **settings}
    return TrainingCheckpoint(
        folder, networks=networks, optimizers=optimizers, schedulers=schedulers, **settings
    )


def make_trainer(epoch, scaler=None):
    state = SimpleNamespace(rank=0, epoch=epoch, iteration=5, max_epochs=3, device="cpu")
    return SimpleNamespace(state=state, scaler=scaler)


def kept_weight(folder) -> float:
    return torch.load(folder / WEIGHTS, weights_only=True)["weight"].unique().item()


def test_scale_of_mixed_precision_is_resumed(tmp_path):
    make_checkpoint(tmp_path).save(make_trainer(1, torch.amp.GradScaler("cpu", init_scale=8.0)))
    trainer = make_trainer(0, torch.amp.GradScaler("cpu"))
    make_checkpoint(tmp_path).load(trainer)
    assert trainer.scaler.get_scale() == 8
    assert (trainer.state.epoch, trainer.state.iteration) == (1, 5)


def test_every_network_and_optimiser_is_resumed_by_its_name(tmp_path):
    saved = make_checkpoint(tmp_path, "generator", "critic")
    for number, name in enumerate(("generator", "critic"), start=1):
        network, optimizer = saved.parts["networks"][name], saved.parts["optimizers"][name]
        network(torch.full((1, 2), float(number))).sum().backward()
        optimizer.step()
    saved.save(make_trainer(1))
    resumed = make_checkpoint(tmp_path, "critic", "generator")
    resumed.load(make_trainer(0))
    networks = resumed.parts["networks"]
    for name, network in saved.parts["networks"].items():
        assert torch.equal(networks[name].weight, network.weight)
        moments = [
            each.parts["optimizers"][name].state_dict()["state"][0]["exp_avg"]
            for each in (saved, resumed)
        ]
        assert torch.equal(*moments)
    assert not torch.equal(networks["critic"].weight, networks["generator"].weight)


@pytest.mark.parametrize("name", ["generator", "critic"])
def test_weights_are_those_of_the_network_that_was_named(tmp_path, name):
    checkpoint = make_checkpoint(tmp_path, "generator", "critic", weights_of=name)
    for value, network in enumerate(checkpoint.parts["networks"].values()):
        torch.nn.init.constant_(network.weight, value)
    checkpoint.save(make_trainer(1))
    assert kept_weight(tmp_path) == ["generator", "critic"].index(name)


@pytest.mark.parametrize(("keep", "expected"), [("best", [1, 2, 2]), ("last", [1, 2, 3])])
def test_best_weights_are_the_last_ones_until_there_is_a_validation(tmp_path, keep, expected):
    state = SimpleNamespace(best_metric=-1, best_metric_epoch=-1)
    checkpoint = make_checkpoint(tmp_path, evaluator=SimpleNamespace(state=state), keep=keep)
    found = []
    for epoch, best_epoch in ((1, -1), (2, 2), (3, 2)):
        torch.nn.init.constant_(checkpoint.parts["networks"]["network"].weight, epoch)
        state.best_metric_epoch = best_epoch
        checkpoint.save(make_trainer(epoch))
        found.append(kept_weight(tmp_path))
    assert found == expected


def make_schedule(folder, make, lr=0.1):
    """Return the checkpoint of a network with a schedule, and its optimiser."""
    network = torch.nn.Linear(2, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=lr)
    parts = {"networks": {"n": network}, "optimizers": {"n": optimizer}}
    schedule = make(optimizer)
    checkpoint = TrainingCheckpoint(folder, **parts, schedulers={"n": schedule}, weights_of="n")
    return checkpoint, optimizer, schedule


@pytest.mark.parametrize(
    ("begun", "given", "told"),
    [
        (
            lambda o: CosineAnnealingLR(o, 3),
            lambda o: CosineAnnealingLR(o, 5),
            "T_max 3 in n, got 5",
        ),
        (lambda o: PolynomialLR(o, 2), lambda o: PolynomialLR(o, 7), "total_iters 2 in n, got 7"),
    ],
)
def test_a_schedule_of_another_length_is_refused(tmp_path, begun, given, told):
    checkpoint, optimizer, schedule = make_schedule(tmp_path, begun)
    optimizer.step()
    schedule.step()
    checkpoint.save(make_trainer(1))
    resumed, optimizer, _ = make_schedule(tmp_path, begun)
    resumed.load(make_trainer(0))
    assert optimizer.param_groups[0]["lr"] == schedule.get_last_lr()[0] < 0.1
    with pytest.raises(ValueError, match=rf"learning-rate schedule .*{told}; give the same --epo"):
        make_schedule(tmp_path, given)[0].load(make_trainer(0))


def test_another_rate_is_refused_and_more_epochs_of_a_constant_one_are_not(tmp_path):
    make_schedule(tmp_path, ConstantLR)[0].save(make_trainer(1))
    longer = make_trainer(0)
    longer.state.max_epochs = 50
    make_schedule(tmp_path, ConstantLR)[0].load(longer)
    with pytest.raises(ValueError, match=r"base_lrs \[0\.1\] in n, got \[0\.5\]"):
        make_schedule(tmp_path, ConstantLR, lr=0.5)[0].load(make_trainer(0))


def test_state_of_other_networks_is_refused(tmp_path):
    make_checkpoint(tmp_path, "generator", "critic").save(make_trainer(1))
    with pytest.raises(ValueError, match=r"last\.pt must hold the networks \['network'\], got"):
        make_checkpoint(tmp_path).load(make_trainer(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights_of": "net"}, r"weights_of must be one of \['network'\], got 'net'"),
        ({"keep": "first"}, "keep must be 'best' or 'last', got 'first'"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        make_checkpoint(tmp_path, **settings)


def test_failed_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / LAST_STATE
    save_checkpoint({"a": torch.ones(2)}, path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"could not be written .* free disk space"):
        save_checkpoint({"a": torch.zeros(2)}, path)
    assert torch.equal(torch.load(path)["a"], torch.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]
