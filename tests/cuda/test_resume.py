"""A training on a device that is broken off goes on there, and on the CPU, to the same weights."""

import pytest
import torch

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.models import load_model, save_model
from avalanche_seg.plugins import CheckpointPlugin, PolyLRPlugin
from avalanche_seg.strategies import EWC, EWFPLOP, RW, SSULM, MiB
from avalanche_seg.training import sgd
from tests.breaking import BreakOff, BrokenOffError
from tests.cuda.comparing import on
from tests.models.stored import NAMES, grown
from tests.strategies.test_contract import model_of
from tests.tiny import tiny_benchmark

pytestmark = pytest.mark.cuda

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    root = tmp_path_factory.mktemp("cuda_resume")
    return tiny_benchmark(root, train_transform=train_preset(32))


def train(kind, benchmark, path, device, *, break_at=None):
    torch.manual_seed(0)
    checkpoint = CheckpointPlugin(path, every_iterations=2)
    breaking = [] if break_at is None else [BreakOff(break_at)]
    strategy = kind(
        model=model_of(kind, seed=2),
        optimizer=sgd(0.02),
        train_mb_size=4,
        train_epochs=3,
        evaluator=None,
        device=device,
        plugins=[PolyLRPlugin(), *breaking, checkpoint],
        **({"memory_size": 4} if kind is SSULM else {}),
    )
    for experience in checkpoint.remaining(strategy, benchmark.train_stream):
        strategy.train(experience, eval_streams=[])
    return on(CPU, strategy.model.state_dict())


@pytest.mark.parametrize("kind", [EWC, RW, MiB, EWFPLOP, SSULM])
@pytest.mark.filterwarnings("ignore:.*other arithmetic")
def test_broken_off_in_a_later_step(kind, benchmark, tmp_path, device):
    whole = train(kind, benchmark, tmp_path / "whole.pt", device)
    for name, place in (("device", device), ("cpu", CPU)):
        path = tmp_path / f"{name}.pt"
        with pytest.raises(BrokenOffError):
            train(kind, benchmark, path, device, break_at=11)
        assert path.exists()
        resumed = train(kind, benchmark, path, place)
        assert resumed.keys() == whole.keys()
        for name, value in whole.items():
            torch.testing.assert_close(resumed[name], value, rtol=5e-3, atol=1e-4, msg=name)


def test_a_model_file_goes_from_the_device_to_the_cpu_and_back(tmp_path, device):
    model, path = grown().to(device), tmp_path / "model.safetensors"
    save_model(model, path, class_names=NAMES)
    for place in (CPU, device):
        loaded = load_model(path, device=place)
        for name, value in loaded.state_dict().items():
            assert value.device.type == place.type
            assert value.cpu().equal(model.state_dict()[name].cpu())
