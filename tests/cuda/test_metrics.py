"""Metrics on a device count what they count on the CPU."""

from types import SimpleNamespace

import pytest
import torch

from avalanche_seg.metrics import (
    BoundaryIoU,
    ConfusionMatrix,
    DomainIoU,
    SamplePredictions,
    class_groups,
    confusion_matrix,
)
from avalanche_seg.metrics.loss_terms import LossTerms
from avalanche_seg.metrics.mean_loss import DeviceLoss
from avalanche_seg.normalization import IMAGENET, check_normalized
from tests.cuda.comparing import assert_same, on
from tests.losses.batches import random_labels, random_logits

pytestmark = pytest.mark.cuda

SIZE, C = (40, 53), 6
GROUPS = class_groups(3, C)


def batch(device, seed=0):
    logits = random_logits(C, (9, 13), seed=seed).float()
    return SimpleNamespace(
        logits=on(device, logits),
        scores=None,
        prediction=on(device, random_labels(C, SIZE, seed=seed + 50, void=0.0)),
        target=on(device, random_labels(C + 2, SIZE, seed=seed)),
        images=on(device, torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(seed))),
        n_classes=C,
        extras={"domain": on(device, torch.tensor([seed % 2, 1]))},
    )


def test_confusion_matrices(device):
    metrics = ConfusionMatrix(), ConfusionMatrix(C)
    for seed in range(3):
        given = batch(device, seed)
        scores = given.logits.round()  # Ties of many, no difference that rounding could turn.
        metrics[0].update(scores[..., :1, :1].expand(-1, -1, *SIZE), given.target)
        metrics[1].update(given.prediction, given.target)
    expected = ConfusionMatrix(), ConfusionMatrix(C)
    for seed in range(3):
        given = batch(torch.device("cpu"), seed)
        scores = given.logits.round()
        expected[0].update(scores[..., :1, :1].expand(-1, -1, *SIZE), given.target)
        expected[1].update(given.prediction, given.target)
    for ours, theirs in zip(metrics, expected, strict=True):
        ours.all_reduce()
        assert_same(ours.result(), theirs.result(), device)
        assert ours.result().sum() > 0


def test_a_prediction_that_is_no_channel_is_told_of(device):
    prediction = torch.full((1, 2, 2), 7, device=device)
    with pytest.raises(ValueError, match=r"got predictions 7\.\.7"):
        confusion_matrix(prediction, torch.zeros_like(prediction), 5)
    metric = ConfusionMatrix(5)
    with pytest.raises(ValueError, match="n_classes"):
        metric.update(prediction, torch.zeros_like(prediction))
        metric.result()


@pytest.mark.parametrize("make", [BoundaryIoU, lambda: DomainIoU(3)])
def test_step_metrics(make, device):
    values = []
    for place in (torch.device("cpu"), device):
        metric = make()
        for seed in range(3):
            metric.update(batch(place, seed))
        metric.all_reduce()
        values.append(metric.compute(GROUPS))
    assert values[1] == pytest.approx(values[0], nan_ok=True, rel=1e-12)
    assert any(value > 0 for value in values[0].values())


def test_mean_losses_and_terms(device):
    terms, mean = LossTerms(), DeviceLoss()
    for value in (1.0, 3.0):
        loss = torch.tensor(value, device=device)
        terms.after_training_iteration(SimpleNamespace(loss_terms={"kd": loss}))
        mean.update(loss, patterns=2)
    assert terms.result() == {"kd": 2.0} and mean.result() == 2.0


def test_pictures_come_from_the_device_at_the_end(device):
    sheets = []
    for place in (torch.device("cpu"), device):
        given = batch(place)
        metric = SamplePredictions([0, 0, 0, 200, 0, 0] * 128, n=2)
        strategy = SimpleNamespace(
            mb_output=given.logits,
            mb_y=given.target,
            mb_x=given.images,
            mb_prediction=given.prediction,
            mbatch=[given.images, given.target],
            model=None,
            experience=SimpleNamespace(),
        )
        metric.before_eval_exp(strategy)
        metric.after_eval_iteration(strategy)
        sheets.append(metric.result())
    assert_same(sheets[1].float(), sheets[0].float(), torch.device("cpu"), atol=1.0)


@pytest.mark.parametrize("channels_last", [False, True])
def test_normalised_images(channels_last, device):
    images = torch.randint(256, (2, 3, 9, 11), generator=torch.Generator().manual_seed(0)).byte()
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    expected = IMAGENET.normalize(images)
    assert_same(IMAGENET.normalize(on(device, images)), expected, device)
    assert IMAGENET.to_pixels(on(device, expected)).cpu().equal(images)
    check_normalized(on(device, expected))
    with pytest.raises(ValueError, match="not normalised"):
        check_normalized(on(device, images) / 255.0)
