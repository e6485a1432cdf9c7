"""The mean loss of an epoch and of an evaluation, for Avalanche's loggers."""

from avalanche.evaluation.metrics.loss import EpochLoss, ExperienceLoss, LossMetric
from torch import Tensor

__all__ = ["DeviceLoss", "EpochMeanLoss", "ExperienceMeanLoss", "mean_loss_metrics"]

_AT_MOST = 1000


class DeviceLoss(LossMetric):
    """Avalanche's mean over patterns, which reads the losses of a device when they are asked for.

    Avalanche's own reads every loss at once, so each iteration waits for a GPU. The mean is the
    same number: the same sum in the same order.

    Example:
        >>> import torch
        >>> mean = DeviceLoss()
        >>> mean.update(torch.tensor(1.0), patterns=1)
        >>> mean.update(torch.tensor(4.0), patterns=2)
        >>> mean.result()
        3.0
    """

    def __init__(self) -> None:
        super().__init__()
        self._unread: list[tuple[Tensor, int]] = []

    def update(self, loss: Tensor, patterns: int) -> None:
        """Add a batch.

        Args:
            loss: of the batch, a scalar.
            patterns: images of the batch.
        """
        if loss.device.type == "cpu":
            super().update(loss, patterns)
            return
        self._unread.append((loss.detach().clone(), patterns))
        if len(self._unread) >= _AT_MOST:
            self._read()

    def result(self) -> float:
        """The mean over all images so far; 0 before the first."""
        self._read()
        return super().result()

    def reset(self) -> None:
        """Forget everything."""
        self._unread = []
        super().reset()

    def _read(self) -> None:
        unread, self._unread = self._unread, []
        for loss, patterns in unread:
            super().update(loss, patterns)


class EpochMeanLoss(EpochLoss):
    """Mean loss of a training epoch, ``Loss_Epoch``; see :class:`DeviceLoss`."""

    def __init__(self) -> None:
        super().__init__()
        self._loss = self._metric = DeviceLoss()


class ExperienceMeanLoss(ExperienceLoss):
    """Mean loss of an evaluation experience, ``Loss_Exp``; see :class:`DeviceLoss`."""

    def __init__(self) -> None:
        super().__init__()
        self._loss = self._metric = DeviceLoss()


def mean_loss_metrics(
    *, epoch: bool = True, experience: bool = True
) -> list[EpochMeanLoss | ExperienceMeanLoss]:
    """Mean losses for an ``EvaluationPlugin``, under the names of Avalanche's ``loss_metrics``.

    Args:
        epoch: measure every training epoch.
        experience: measure every evaluation experience.

    Example:
        >>> [str(metric) for metric in mean_loss_metrics()]
        ['Loss_Epoch', 'Loss_Exp']
    """
    metrics: list[EpochMeanLoss | ExperienceMeanLoss] = []
    if epoch:
        metrics.append(EpochMeanLoss())
    if experience:
        metrics.append(ExperienceMeanLoss())
    return metrics
