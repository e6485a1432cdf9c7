"""Two processes with a GPU each train as one does (NCCL), and batch norm over both."""

import pytest
import torch
from torch import nn

from avalanche_seg.models import create_model
from avalanche_seg.strategies import FineTuning, MiB
from avalanche_seg.system import collective_device, rank, sync_buffers, world_size
from avalanche_seg.training import sgd
from tests.cuda.conftest import WANTED
from tests.distributed import in_processes, save
from tests.strategies.test_contract import model_of
from tests.tiny import tiny_benchmark

pytestmark = pytest.mark.cuda

GPUS = WANTED.startswith("cuda")


@pytest.fixture(autouse=True)
def _two_devices(device):
    if GPUS and torch.cuda.device_count() < 2:
        pytest.skip(f"needs two GPUs, and there is {torch.cuda.device_count()}")


def place(number):
    return torch.device("cuda", number) if GPUS else torch.device("cpu")


def train(root, result):
    benchmark = tiny_benchmark(root)
    torch.manual_seed(0)
    strategy = MiB(
        model=model_of(MiB),
        optimizer=sgd(0.01),
        train_mb_size=4,
        evaluator=None,
        device=place(rank()),
    )
    for experience in benchmark.train_stream:
        strategy.train(experience, eval_streams=[])
    if world_size() > 1:
        assert collective_device().type == place(0).type
    save(result, {name: value.cpu() for name, value in strategy.model.state_dict().items()})


def test_two_processes_train_as_one(tmp_path):
    tiny_benchmark(tmp_path)
    train(tmp_path, tmp_path / "one")
    in_processes(train, 2, tmp_path, tmp_path / "two", cuda=GPUS)
    one, *two = (
        torch.load(tmp_path / name, weights_only=True) for name in ("one.0", "two.0", "two.1")
    )
    for name, value in one.items():
        assert two[0][name].equal(two[1][name]), "the same on every rank"
        torch.testing.assert_close(two[0][name], value, rtol=1e-3, atol=1e-5)


def normalise(root, result):
    """One training step of a network with batch norm over all processes."""
    benchmark = tiny_benchmark(root)
    torch.manual_seed(0)
    model = create_model("bisenet", backbone="resnet18")
    if world_size() > 1 and GPUS:  # Torch has it for GPUs alone.
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    strategy = FineTuning(
        model=model,
        optimizer=sgd(0.01),
        train_mb_size=8,
        evaluator=None,
        device=place(rank()),
    )
    strategy.train(benchmark.train_stream[0], eval_streams=[])
    sync_buffers(model)
    save(result, {name: value.cpu() for name, value in model.state_dict().items()})


def test_batch_norm_over_both(tmp_path):
    if not GPUS:
        pytest.skip("SyncBatchNorm is for GPUs alone")
    tiny_benchmark(tmp_path)
    normalise(tmp_path, tmp_path / "one")
    in_processes(normalise, 2, tmp_path, tmp_path / "two", cuda=True)
    one, two = (torch.load(tmp_path / f"{name}.0", weights_only=True) for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-2, atol=1e-3, msg=name)
