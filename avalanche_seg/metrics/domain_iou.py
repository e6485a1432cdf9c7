"""The mIoU of every domain, where the steps of a stream are domains."""

import math
from collections.abc import Mapping, Sequence

from avalanche_seg.metrics.confusion_matrix import ConfusionMatrix
from avalanche_seg.metrics.evaluation import EvalBatch
from avalanche_seg.metrics.iou import class_iou, mean_present
from avalanche_seg.system import check_whole

__all__ = ["DomainIoU"]


class DomainIoU:
    """mIoU over the test images of every step's domains, and the mean of these.

    A step metric: the values are ``mIoU_domains``, the mean over the domains so far, each with
    equal weight, and ``mIoU_domain0``, ``mIoU_domain1``, ... by step, over all classes without the
    background. :class:`MeanIoU` measures it by itself on streams of
    :func:`avalanche_seg.benchmarks.domain_incremental_benchmark`.

    Args:
        n_domains: how many steps the evaluated images are of. Samples have the extra "domain", the
            step whose domains the image is of, an integer.

    Raises:
        ValueError: for a number that is less than one.

    Example:
        >>> from types import SimpleNamespace
        >>> import torch
        >>> metric, labels = DomainIoU(2), torch.tensor([[[0, 1]], [[0, 1]]])
        >>> wrong_in_the_second = torch.tensor([[[0, 1]], [[1, 1]]])
        >>> extras = {"domain": torch.tensor([0, 1])}
        >>> metric.update(
        ...     SimpleNamespace(
        ...         prediction=wrong_in_the_second, target=labels, n_classes=2, extras=extras
        ...     )
        ... )
        >>> metric.compute({"all": [0, 1]})
        {'mIoU_domains': 0.625, 'mIoU_domain0': 1.0, 'mIoU_domain1': 0.25}
    """

    def __init__(self, n_domains: int) -> None:
        check_whole("n_domains", n_domains, least=1)
        self._matrices = [ConfusionMatrix() for _ in range(n_domains)]

    def reset(self) -> None:
        """Forget the counts."""
        for matrix in self._matrices:
            matrix.reset()

    def update(self, batch: EvalBatch) -> None:
        """Add a batch.

        Raises:
            ValueError: when the samples do not tell their domain.
        """
        if "domain" not in batch.extras:
            raise ValueError(
                "got samples without the extra 'domain'; expected test samples of a "
                "domain_incremental_benchmark"
            )
        domains = batch.extras["domain"].to(batch.prediction.device)
        for number, matrix in enumerate(self._matrices):
            own = domains == number
            if own.device.type != "cpu":  # Looking at them would wait for the device.
                matrix.n_classes = batch.n_classes
                matrix.update(batch.prediction, batch.target.where(own.view(-1, 1, 1), -1))
            elif own.any():
                matrix.n_classes = batch.n_classes
                matrix.update(batch.prediction[own], batch.target[own])

    def all_reduce(self) -> None:
        """Add the counts of all processes."""
        for matrix in self._matrices:
            matrix.all_reduce()

    def compute(self, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """The mIoU of every domain and their mean, in 0..1; NaN for a domain without a label."""
        values = {}
        for number, matrix in enumerate(self._matrices):
            counts = matrix.result().cpu()
            iou = mean_present(class_iou(counts), groups["all"]) if len(counts) else math.nan
            values[f"mIoU_domain{number}"] = iou
        present = [value for value in values.values() if not math.isnan(value)]
        mean = sum(present) / len(present) if present else math.nan
        return {"mIoU_domains": mean, **values}
