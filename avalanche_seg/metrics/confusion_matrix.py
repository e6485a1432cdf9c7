"""The confusion matrix that IoU, accuracy and their means are derived from."""

import torch
from avalanche.evaluation import Metric
from torch import Tensor

from avalanche_seg.kernels import count_values, predicted_labels
from avalanche_seg.system import all_reduce_sum_, check_whole, collective_device, rank, world_size

__all__ = ["ConfusionMatrix", "confusion_matrix"]

_REMEDY = "raise n_classes to the number of the model's classes"


def confusion_matrix(prediction: Tensor, target: Tensor, n_classes: int) -> Tensor:
    """Count pixels by true and predicted channel.

    Args:
        prediction: channels in 0..n_classes-1, integer, B x H x W.
        target: channels, integer, the shape of ``prediction``. Pixels labelled with anything but
            0..n_classes-1, void among them, are left out.
        n_classes: C, background included.

    Returns:
        int64, C x C, on the device of ``prediction``; rows are the truth, columns the prediction.

    Raises:
        ValueError: when the shapes differ, for a number of classes that is none, or predictions
            that are no channels of them.

    Example:
        >>> truth = torch.tensor([[[0, 1], [1, 255]]])
        >>> confusion_matrix(torch.tensor([[[0, 1], [0, 1]]]), truth, 2).tolist()
        [[1, 0], [1, 1]]
    """
    _check_maps(prediction, target, n_classes)
    least, most = prediction.aminmax() if prediction.numel() else (0, 0)
    if least < 0 or most >= n_classes:
        raise ValueError(
            f"got predictions {int(least)}..{int(most)}; expected 0..{n_classes - 1}: {_REMEDY}"
        )
    return _counts(prediction, target, n_classes)[:-1].view(n_classes, n_classes)


def _check_maps(prediction: Tensor, target: Tensor, n_classes: int) -> None:
    if prediction.shape != target.shape:
        raise ValueError(
            f"got prediction {tuple(prediction.shape)} and target {tuple(target.shape)}; expected "
            "the same shape"
        )
    check_whole("n_classes", n_classes, least=1)
    if prediction.is_floating_point() or target.is_floating_point():
        raise ValueError(
            f"got prediction of {prediction.dtype} and target of {target.dtype}; expected "
            "channels, whole numbers: take the argmax of scores, or give them to ConfusionMatrix"
        )


def _counts(prediction: Tensor, target: Tensor, n_classes: int) -> Tensor:
    """The matrix row by row, then the pixels left out."""
    return count_values(_cells(prediction, target, n_classes), n_classes**2 + 1)


def _cells(prediction: Tensor, target: Tensor, n_classes: int) -> Tensor:
    labels = target.to(torch.int64)
    counted = (labels >= 0) & (labels < n_classes)
    # What does not count gets a cell of its own: quicker than picking out the rest.
    return torch.where(counted, labels * n_classes + prediction, n_classes**2)


def _unchecked_counts(prediction: Tensor, target: Tensor, n_classes: int) -> Tensor:
    """As :func:`_counts`, then the pixels whose prediction is no channel."""
    predicted = prediction.to(torch.int64)
    outside = (predicted < 0) | (predicted >= n_classes)
    cells = torch.where(outside, n_classes**2 + 1, _cells(predicted, target, n_classes))
    return count_values(cells, n_classes**2 + 2)


class ConfusionMatrix(Metric[Tensor]):
    """Accumulates :func:`confusion_matrix` over batches, on the device they are on.

    Args:
        n_classes: C, background included; None takes the channels of the scores. It may be raised
            between batches: the counts so far are kept.

    Example:
        >>> metric = ConfusionMatrix(2)
        >>> metric.update(torch.tensor([[[1, 1]]]), torch.tensor([[[1, 0]]]))
        >>> metric.update(torch.tensor([[[[0.1]], [[0.9]]]]), torch.tensor([[[1]]]))
        >>> metric.result().tolist()
        [[0, 1], [0, 2]]
    """

    def __init__(self, n_classes: int | None = None) -> None:
        if n_classes is not None:
            check_whole("n_classes", n_classes, least=1)
        self.n_classes = n_classes
        self.counts: Tensor | None = None
        self._outside: Tensor | None = None

    def all_reduce(self) -> None:
        """Add the counts of all processes; each calls it once, after its share of the data."""
        if world_size() == 1:
            return
        known = 0 if self.counts is None else self.counts.shape[0]
        device = collective_device() if self.counts is None else self.counts.device
        sizes = torch.zeros(world_size(), dtype=torch.int64, device=device)
        sizes[rank()] = known
        n_classes = int(all_reduce_sum_(sizes).max())
        counts = torch.zeros(n_classes, n_classes, dtype=torch.int64, device=device)
        if self.counts is not None:
            counts[:known, :known] = self.counts
        self.counts = all_reduce_sum_(counts)

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            prediction: channels, integer, B x H x W; or their scores, floating point,
                B x C x h x w, which are resized bilinearly to the target and argmaxed.
            target: channels, integer, B x H x W; labels without a channel are left out.

        Raises:
            ValueError: for labels without ``n_classes``, scores of other channels than
                ``n_classes``, or fewer classes than in an earlier batch.
        """
        n_classes = self.n_classes
        if prediction.is_floating_point():
            n_channels = prediction.shape[1]
            if n_classes not in (None, n_channels):
                raise ValueError(
                    f"got scores of {n_channels} channels; expected n_classes={n_classes}: pass "
                    "the scores of the classes, or their labels"
                )
            n_classes = n_channels
            prediction = predicted_labels(prediction, (target.shape[-2], target.shape[-1]))
        elif n_classes is None:
            raise ValueError(
                f"got labels ({prediction.dtype}) and no number of classes; expected "
                "ConfusionMatrix(n_classes), or floating point scores"
            )
        counts = self._count(prediction, target, n_classes)
        if self.counts is not None:
            known = self.counts.shape[0]
            if known > n_classes:
                raise ValueError(
                    f"got {n_classes} classes after batches of {known}; expected as many or more: "
                    "reset() before measuring another model"
                )
            counts[:known, :known] += self.counts.to(counts.device)
        self.counts = counts

    def _count(self, prediction: Tensor, target: Tensor, n_classes: int) -> Tensor:
        """The matrix of a batch; on a device wrong predictions are told of by the result."""
        if prediction.device.type == "cpu":
            return confusion_matrix(prediction, target, n_classes)
        _check_maps(prediction, target, n_classes)
        counts = _unchecked_counts(prediction, target, n_classes)
        self._outside = counts[-1] if self._outside is None else self._outside + counts[-1]
        return counts[:-2].view(n_classes, n_classes)

    def result(self) -> Tensor:
        """The counts, int64, C x C; rows are the truth. Empty (0 x 0) before the first batch.

        Raises:
            ValueError: on other devices than the CPU, which would have waited for it in ``update``,
                when predictions were no channels of the classes.
        """
        if self._outside is not None and self._outside > 0:
            raise ValueError(
                f"got {int(self._outside)} pixels whose predictions are no channels of the "
                f"classes; expected 0..n_classes - 1: {_REMEDY}"
            )
        return torch.zeros(0, 0, dtype=torch.int64) if self.counts is None else self.counts

    def reset(self) -> None:
        """Forget everything counted."""
        self.counts = self._outside = None
