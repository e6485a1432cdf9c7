import math
import sys

import pytest
import torch

from avalanche_seg.metrics import DomainIoU, EvalBatch, class_groups
from tests.elsewhere import Elsewhere


def batch(prediction: list, target: list, extras: dict) -> EvalBatch:
    maps = torch.tensor(prediction), torch.tensor(target)
    return EvalBatch(
        logits=torch.zeros(len(prediction), 2, 1, 1),
        scores=None,
        target=maps[1],
        prediction=maps[0],
        images=torch.zeros(len(prediction), 3, 1, 2),
        n_classes=2,
        extras=extras,
    )


def test_domains_are_counted_apart_over_batches() -> None:
    metric = DomainIoU(3)
    metric.update(
        batch([[[0, 1]], [[0, 0]]], [[[0, 1]], [[0, 1]]], {"domain": torch.tensor([0, 1])})
    )
    metric.update(batch([[[1, 1]]], [[[1, 255]]], {"domain": torch.tensor([1])}))
    metric.all_reduce()
    values = metric.compute(class_groups(2, 2, has_background=False))
    # Domain 1: truth 0, 1, 1 and prediction 0, 0, 1: IoU 1/2 of both classes.
    assert values["mIoU_domain0"] == 1.0 and values["mIoU_domain1"] == 0.5
    assert math.isnan(values["mIoU_domain2"]) and values["mIoU_domains"] == 0.75
    assert next(iter(values)) == "mIoU_domains"
    with_background = metric.compute(class_groups(2, 2))
    assert with_background["mIoU_domain1"] == 0.5
    metric.reset()
    assert all(math.isnan(v) for v in metric.compute(class_groups(2, 2)).values())


def test_a_device_is_not_asked_which_domains_are_in_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def count(cells: torch.Tensor, n: int) -> torch.Tensor:
        return torch.bincount(cells.as_subclass(torch.Tensor).flatten(), minlength=n)

    # By its module, as the function of the same name hides it.
    module = sys.modules["avalanche_seg.metrics.confusion_matrix"]
    monkeypatch.setattr(module, "count_values", count)
    maps = [[[0, 1]], [[1, 1]], [[0, 0]]], [[[0, 1]], [[1, 255]], [[1, 0]]]
    metrics = DomainIoU(3), DomainIoU(3)
    for metric, kind in zip(metrics, (torch.Tensor, Elsewhere), strict=True):
        metric.update(batch(*maps, {"domain": torch.tensor([0, 2, 0]).as_subclass(kind)}))
    ours, theirs = (metric.compute(class_groups(2, 2)) for metric in metrics)
    assert ours == pytest.approx(theirs, nan_ok=True)
    assert math.isnan(ours["mIoU_domain1"]) and not math.isnan(ours["mIoU_domain2"])


def test_samples_must_tell_their_domain() -> None:
    with pytest.raises(ValueError, match="without the extra 'domain'; expected test samples"):
        DomainIoU(1).update(batch([[[0]]], [[[0]]], {}))
    with pytest.raises(ValueError, match="n_domains=0"):
        DomainIoU(0)
