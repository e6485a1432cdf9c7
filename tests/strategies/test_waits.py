"""No step of any method waits for a GPU: run on tensors that have no values to wait for."""

import inspect

import pytest
from avalanche.evaluation.metrics import loss_metrics
from avalanche.logging import InteractiveLogger
from avalanche.training.plugins import EvaluationPlugin
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from avalanche_seg import strategies
from avalanche_seg.kernels import pixel_losses, pooled_norms
from avalanche_seg.loggers import MetricsCSVLogger
from avalanche_seg.metrics import (
    BoundaryIoU,
    SamplePredictions,
    loss_term_metrics,
    mean_iou_metrics,
    mean_loss_metrics,
)
from avalanche_seg.models import create_model
from avalanche_seg.plugins import (
    CheckpointPlugin,
    ClassExemplarsBuffer,
    PolyLRPlugin,
    ProgressPlugin,
    PseudoLabelPlugin,
    SegmentationPlugin,
    pseudo_labels,
)
from avalanche_seg.training import sgd
from tests.daytimes import daytimes_benchmark
from tests.fake_device import (
    CUDA,
    META,
    WaitError,
    needs_fake_gpu,
    on_host,
    twin_of,
    watched,
    with_backward,
    zero_gradients,
)
from tests.strategies.test_contract import model_of
from tests.tiny import tiny_benchmark

pytestmark = [needs_fake_gpu, pytest.mark.usefixtures("without_triton")]

METHODS = [getattr(strategies, name) for name in strategies.__all__]
FUNCTIONS = [
    pixel_losses.__globals__["_PixelLosses"],
    pooled_norms.__globals__["_PooledNorms"],
]


class SecondBatchError(Exception):
    """A loop has had its first batch: what belongs to the first alone is done."""


class OneBatch(SegmentationPlugin):
    """Stops every loop of a later step after its first batch, and keeps the second."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def before_training_epoch(self, strategy, **kwargs):
        if strategy.experience.current_experience == self.step:
            strategy.dataloader = FirstOf(strategy.dataloader, self)

    def before_eval_exp(self, strategy, **kwargs):
        strategy.dataloader = FirstOf(strategy.dataloader, self)


class FirstOf:
    def __init__(self, loader, stop):
        self.loader, self.stop = loader, stop

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        first, self.stop.second, *_ = [*self.loader, *self.loader]
        yield first
        raise SecondBatchError


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory):
    root = tmp_path_factory.mktemp("waits")
    return {task: tiny_benchmark(root, task=task) for task in ("15-5", "offline")}


def stopped(kind, benchmark, *, loss=None, loggers=(), **options):
    """A strategy in the second iteration of a later step, and what stopped it."""
    stop = OneBatch(min(1, len(benchmark.train_stream) - 1))
    evaluator = EvaluationPlugin(
        mean_iou_metrics(metrics=[BoundaryIoU()]),
        mean_loss_metrics() if loss is None else loss,
        loss_term_metrics(),
        SamplePredictions([0] * 768, n=9),
        loggers=list(loggers),
    )
    if "memory_size" in inspect.signature(kind).parameters:
        options["memory_size"] = 4
    strategy = kind(
        model=options.pop("model", None) or model_of(kind),
        optimizer=sgd(0.01),
        train_mb_size=4,
        eval_mb_size=4,
        evaluator=evaluator,
        plugins=[PolyLRPlugin(), ProgressPlugin(disable=True), *options.pop("plugins", ()), stop],
        **options,
    )
    with pytest.raises(SecondBatchError):
        for experience in benchmark.train_stream:
            strategy.train(experience, eval_streams=[])
    return strategy, stop


def run_on(device, strategy, loop, batch, benchmark):
    """Run a loop of a strategy's twin on one batch."""
    mode = FakeTensorMode() if device == CUDA else None
    streams = [e for stream in benchmark.streams.values() for e in stream]
    kept = (benchmark, *streams, strategy.experience, strategy.adapted_dataset)
    twin = twin_of(strategy, mode, (*kept, strategy.dataloader, *strategy.evaluator.loggers))
    twin.device, twin.precision.device_type = device, device.type
    twin.dataloader = [on_host(batch, mode)]
    if mode is not None:
        twin.backward = lambda: zero_gradients(twin.model)
    for group in twin.optimizer.param_groups:
        group["fused"] = False  # Torch knows no fake one.
    with watched(mode):
        loop(twin)
    return twin


def train(twin):
    twin.training_epoch()


def evaluate(twin):
    twin.eval_epoch()


def check(kind, benchmark, monkeypatch, **options):
    """Run a training step on "meta", then one and an evaluation's on a GPU."""
    strategy, stop = stopped(kind, benchmark, **options)
    trained = run_on(META, strategy, train, stop.second, benchmark)
    gradients = [p.grad for p in trained.model.parameters() if p.grad is not None]
    assert gradients and all(gradient.device == META for gradient in gradients)
    for function in FUNCTIONS:
        monkeypatch.setattr(function, "apply", with_backward(function))
    trained = run_on(CUDA, strategy, train, stop.second, benchmark)
    assert trained.loss.device == CUDA and trained.clock.train_exp_iterations == 2
    with pytest.raises(SecondBatchError):
        strategy.eval([benchmark.test_stream[-1]])
    tested = run_on(CUDA, strategy, evaluate, stop.second, benchmark)
    assert tested.loss.device == tested.mb_prediction.device == CUDA


@pytest.mark.parametrize("kind", METHODS)
def test_no_step_of_any_method_waits(kind, benchmarks, monkeypatch):
    check(kind, benchmarks["offline" if kind is strategies.Joint else "15-5"], monkeypatch)


VARIANTS = {
    "parts of a batch": (strategies.MiB, {"micro_batches": 2}),
    "bf16": (strategies.MiB, {"amp": "bf16"}),
    "not channels last": (strategies.PLOP, {"channels_last": False}),
    "strict replay": (strategies.SMiB, {"strict": True, "memory": ClassExemplarsBuffer(
        1, label_mode="stored"
    )}),
    "a path extended in every iteration": (strategies.RW, {"interval": 1}),
    "torch's criterion": (strategies.FineTuning, {
        "criterion": nn.CrossEntropyLoss(ignore_index=255)
    }),
    "the paper's thresholds": (strategies.PLOP, {"threshold": "paper"}),
    "BiSeNet": (strategies.MiB, {"model": "bisenet"}),
    "DeepLabV3": (strategies.PLOP, {"model": "deeplabv3"}),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_neither_do_their_options(name, benchmarks, monkeypatch):
    kind, options = VARIANTS[name]
    if "model" in options:
        model = create_model(options["model"], backbone="resnet18")
        options = {**options, "model": model, "channels_last": True}
    check(kind, benchmarks["15-5"], monkeypatch, **options)


def test_domains_are_not_looked_up(tmp_path, monkeypatch):
    check(strategies.EWC, daytimes_benchmark(tmp_path), monkeypatch)


def test_neither_do_checkpoints_and_loggers(benchmarks, tmp_path, monkeypatch):
    check(
        strategies.MiB,
        benchmarks["15-5"],
        monkeypatch,
        plugins=[CheckpointPlugin(tmp_path / "state.pt")],
        loggers=[InteractiveLogger(), MetricsCSVLogger(tmp_path / "log.csv")],
    )


def test_avalanches_own_mean_loss_does(benchmarks, monkeypatch):
    with pytest.raises(WaitError, match="reads a value"):
        check(strategies.MiB, benchmarks["15-5"], monkeypatch, loss=loss_metrics(epoch=True))


@pytest.mark.parametrize("rule", ["code", "paper"])
def test_the_pass_for_pseudo_labels_waits_at_its_end_alone(rule, benchmarks, monkeypatch):
    strategy, stop = stopped(strategies.PLOP, benchmarks["15-5"], threshold=rule)

    def look(twin):
        plugin = next(p for p in twin.plugins if isinstance(p, PseudoLabelPlugin))
        plugin.prepare_step(twin, plugin._pass(twin))

    def at_the_end():
        raise SecondBatchError

    monkeypatch.setattr(pseudo_labels, "collective_device", at_the_end)
    with pytest.raises(SecondBatchError):
        run_on(CUDA, strategy, look, stop.second, benchmarks["15-5"])
