"""Step metrics along with the mean IoU."""

import math
from types import SimpleNamespace

import pytest
import torch

from avalanche_seg.kernels import predicted_labels
from avalanche_seg.metrics import METRICS, EvalBatch, MeanIoU
from avalanche_seg.metrics.evaluation import eval_batch
from tests.metrics.made_up import ShareOfWhite
from tests.metrics.test_mean_iou import evaluate, fake_strategy, random_batches

LAST = "eval_phase/test_stream/Exp001"


class Recorder:
    """Keeps what it is given."""

    def __init__(self):
        self.calls = []

    def reset(self):
        self.calls.append("reset")

    def update(self, batch):
        self.calls.append(batch)

    def all_reduce(self):
        self.calls.append("all_reduce")

    def compute(self, groups):
        self.calls.append(groups)
        return {"mine": 3.5, "undefined": math.nan}


def test_a_metric_sees_every_batch_and_its_values_are_emitted_and_reported():
    logits, targets = random_batches()
    metric = Recorder()
    iou = MeanIoU(metrics=[metric])
    values = evaluate(iou, fake_strategy(logits, targets))
    assert values[f"mine/{LAST}"].value == 3.5
    assert f"undefined/{LAST}" not in values
    assert iou.result()["mine"] == 3.5
    start, *batches, reduced, groups = metric.calls
    assert (start, reduced) == ("reset", "all_reduce")
    assert groups["old"] == [1, 2] and groups["all_bg"] == [0, 1, 2, 3]
    for batch, scores, target in zip(batches, logits, targets, strict=True):
        assert isinstance(batch, EvalBatch)
        assert batch.target is target and batch.logits is scores
        assert torch.equal(batch.prediction, predicted_labels(scores, (6, 6)))
    assert iou.report(1).means["mine"] == 3.5


def test_classes_and_their_scores_are_the_models():
    strategy = fake_strategy(*random_batches(n_channels=5))
    strategy.mb_output, strategy.mb_y = strategy.batches[0]
    extras = {"saliency": torch.ones(2, 6, 6)}
    strategy.mbatch = [strategy.mb_x, strategy.mb_y, extras]
    strategy.model = SimpleNamespace(n_classes=4, scores=lambda logits: logits[:, 1:].sigmoid())
    batch = eval_batch(strategy)
    assert batch.n_classes == 4
    shifted = predicted_labels(strategy.mb_output[:, 1:], (6, 6))
    assert (batch.prediction == shifted).float().mean() > 0.99
    assert batch.extras is extras and batch.images is strategy.mb_x
    iou = MeanIoU()
    evaluate(iou, strategy)
    assert iou.matrix.shape == (4, 4)


def test_every_evaluation_of_a_step_starts_the_metric_anew():
    iou = MeanIoU(metrics=[ShareOfWhite()])
    logits, targets = random_batches()
    for value in (255, 0):
        strategy = fake_strategy(logits, targets)
        strategy.mb_x = torch.full((2, 3, 6, 6), value, dtype=torch.uint8)
        evaluate(iou, strategy)
    assert iou.report(1).means["share_of_white"] == 0.0


@pytest.mark.parametrize("name", sorted(METRICS))
def test_metrics_by_name_measure_a_perfect_and_a_random_prediction(name):
    logits, targets = random_batches()
    good, bad = MeanIoU(metrics=[METRICS[name]()]), MeanIoU(metrics=[METRICS[name]()])
    perfect = [torch.nn.functional.one_hot(t, 4).permute(0, 3, 1, 2).float() for t in targets]
    evaluate(good, fake_strategy(perfect, targets))
    evaluate(bad, fake_strategy(logits, targets))
    extra = good.report(1).extra
    assert extra and all(value == 1 for value in extra.values())
    assert all(value < 1 for value in bad.report(1).extra.values())
