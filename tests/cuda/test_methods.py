"""Every method on a device: two tiny steps end with the CPU's weights, losses and IoU."""

import inspect

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg import strategies
from avalanche_seg.metrics import BoundaryIoU, mean_iou_metrics, mean_loss_metrics
from avalanche_seg.models import create_model
from avalanche_seg.plugins import ClassExemplarsBuffer, PolyLRPlugin, SegmentationPlugin
from avalanche_seg.training import sgd
from tests.cuda.comparing import on
from tests.strategies.test_contract import model_of
from tests.tiny import tiny_benchmark

pytestmark = pytest.mark.cuda

CPU = torch.device("cpu")
METHODS = [getattr(strategies, name) for name in strategies.__all__]


class Losses(SegmentationPlugin):
    def __init__(self):
        super().__init__()
        self.values = []

    def after_training_iteration(self, strategy, **kwargs):
        self.values.append(strategy.loss)


def arguments(kind):
    options = {"optimizer": sgd(0.02), "train_mb_size": 4, "eval_mb_size": 4, "train_epochs": 2}
    if "memory_size" in inspect.signature(kind).parameters:
        options["memory_size"] = 4
    return options


def train(kind, benchmark, device, *, model=None, **options):
    """Change of the weights, losses, and the IoU of the last step."""
    torch.manual_seed(0)
    model = model_of(kind, seed=1) if model is None else model
    iou, losses = mean_iou_metrics(metrics=[BoundaryIoU()])[0], Losses()
    strategy = kind(
        model=model,
        device=device,
        plugins=[PolyLRPlugin(), losses],
        evaluator=EvaluationPlugin(iou, mean_loss_metrics(), loggers=[]),
        **(arguments(kind) | options),
    )
    before = {}
    for experience in benchmark.train_stream:
        strategy.train(experience, eval_streams=[])
        if not before:  # After the first step, so that every classifier but the last is in it.
            before = on(CPU, model.state_dict())
    strategy.eval([benchmark.test_stream[-1]])
    after = on(CPU, model.state_dict())
    moved = torch.cat([(after[k] - v).double().flatten() for k, v in before.items()])
    new = torch.cat([v.double().flatten() for k, v in after.items() if k not in before] or [moved])
    return moved, new, torch.stack(losses.values).cpu(), iou.matrix


def assert_alike(found, expected, *, limit=0.02):
    (moved, new, losses, matrix), (of_cpu, new_of_cpu, losses_of_cpu, matrix_of_cpu) = (
        found,
        expected,
    )
    torch.testing.assert_close(losses, losses_of_cpu, rtol=limit / 10, atol=1e-4)
    for ours, theirs in ((moved, of_cpu), (new, new_of_cpu)):
        error = (ours - theirs).norm() / theirs.norm().clamp(min=1e-6)
        assert error < limit, f"relative error {error:.1e}"
    assert matrix.sum() == matrix_of_cpu.sum() > 0
    assert (matrix - matrix_of_cpu).abs().sum() <= limit * matrix.sum()


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory):
    root = tmp_path_factory.mktemp("cuda")
    return {task: tiny_benchmark(root, task=task) for task in ("15-5", "offline")}


@pytest.mark.parametrize("kind", METHODS)
def test_two_steps(kind, benchmarks, device):
    benchmark = benchmarks["offline" if kind is strategies.Joint else "15-5"]
    assert_alike(train(kind, benchmark, device), train(kind, benchmark, CPU))


VARIANTS = {
    "parts of a batch": (strategies.MiB, {"micro_batches": 2}),
    "not channels last": (strategies.PLOP, {"channels_last": False}),
    "strict replay": (strategies.SMiB, {"strict": True}),
    "a path extended in every iteration": (strategies.RW, {"interval": 1}),
    "the paper's thresholds": (strategies.PLOP, {"threshold": "paper"}),
    "workers and pinned memory": (strategies.LwF, {"loader": {"num_workers": 2}}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_options(name, benchmarks, device):
    kind, options = VARIANTS[name]
    results = []
    for place in (device, CPU):
        if "strict" in options:
            memory = ClassExemplarsBuffer(1, label_mode="stored")
            options = {**options, "memory": memory}
        results.append(train(kind, benchmarks["15-5"], place, **options))
    assert_alike(*results)


@pytest.mark.parametrize("name", ["bisenet", "deeplabv3"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_networks_in_evaluation(name, channels_last, device):
    torch.manual_seed(0)
    model = create_model(name, backbone="resnet18", classes_per_step=(5, 3)).eval()
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = model(images).logits
        layout = torch.channels_last if channels_last else torch.contiguous_format
        model.to(device, memory_format=layout)
        found = model(images.to(device).contiguous(memory_format=layout)).logits
        labels = model.predict(images.to(device))
    assert found.device.type == labels.device.type == device.type
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)


def test_a_head_grows_where_the_model_is(device):
    model = create_model("bisenet", backbone="resnet18", classes_per_step=(3,)).to(device)
    model.grow(2)
    assert {p.device.type for p in model.parameters()} == {device.type}
