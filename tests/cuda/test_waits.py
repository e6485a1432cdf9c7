"""A step of every method makes a real GPU wait nowhere: torch's own check is on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg import strategies
from avalanche_seg.metrics import (
    BoundaryIoU,
    SamplePredictions,
    loss_term_metrics,
    mean_iou_metrics,
    mean_loss_metrics,
)
from avalanche_seg.plugins import PolyLRPlugin, ProgressPlugin, SegmentationPlugin
from tests.cuda.test_methods import METHODS, arguments
from tests.strategies.test_contract import model_of
from tests.tiny import tiny_benchmark

pytestmark = pytest.mark.cuda


@contextmanager
def no_waits(device: torch.device) -> Iterator[None]:
    """Where waiting for a GPU is an error; elsewhere nothing is looked at."""
    if device.type != "cuda":
        yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


class Watching(SegmentationPlugin):
    """Forbids waiting from the second iteration of a loop to its end.

    From the start of an iteration to that of the next, so that metrics and the next batch are in
    it; but for the start and every tenth iteration of a training, which looks at the loss.
    """

    def __init__(self, device):
        super().__init__()
        self.device, self.watched, self._now = device, 0, None

    def _enter(self, watch):
        self._leave()
        if watch:
            self.watched += 1
            self._now = no_waits(self.device)
            self._now.__enter__()

    def _leave(self):
        if self._now is not None:
            self._now, now = None, self._now
            now.__exit__(None, None, None)

    def before_training_iteration(self, strategy, **kwargs):
        self._enter(strategy.clock.train_exp_iterations % 10)

    def after_training_epoch(self, strategy, **kwargs):
        self._leave()

    def before_eval_exp(self, strategy, **kwargs):
        self._n = 0

    def before_eval_iteration(self, strategy, **kwargs):
        self._enter(self._n)
        self._n += 1

    def after_eval_exp(self, strategy, **kwargs):
        self._leave()


@pytest.fixture
def watching(device):
    plugin = Watching(device)
    yield plugin
    plugin._leave()


def test_the_check_can_fail(device):
    if device.type != "cuda":
        pytest.skip("torch looks for waits on GPUs alone")
    value = torch.ones((), device=device)
    with pytest.raises(RuntimeError, match="synchronizing"), no_waits(device):
        value.item()


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory):
    root = tmp_path_factory.mktemp("cuda_waits")
    return {task: tiny_benchmark(root, task=task) for task in ("15-5", "offline")}


@pytest.mark.parametrize("kind", METHODS)
def test_no_step_waits(kind, benchmarks, watching, device):
    benchmark = benchmarks["offline" if kind is strategies.Joint else "15-5"]
    evaluator = EvaluationPlugin(
        mean_iou_metrics(metrics=[BoundaryIoU()]),
        mean_loss_metrics(),
        loss_term_metrics(),
        SamplePredictions([0] * 768, n=9),
        loggers=[],
    )
    strategy = kind(
        model=model_of(kind),
        device=device,
        evaluator=evaluator,
        plugins=[PolyLRPlugin(), ProgressPlugin(disable=True), watching],
        **arguments(kind),
    )
    for experience in benchmark.train_stream:
        strategy.train(experience, eval_streams=[])
    trained = watching.watched
    strategy.eval([benchmark.test_stream[-1]])
    assert trained >= 3 and watching.watched > trained
