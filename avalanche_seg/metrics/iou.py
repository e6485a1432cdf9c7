"""Measures derived from a confusion matrix (rows: truth, columns: prediction)."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from avalanche_seg.labels import BACKGROUND
from avalanche_seg.system import check_whole

__all__ = [
    "check_matrix",
    "class_accuracy",
    "class_groups",
    "class_iou",
    "forgetting",
    "harmonic_mean",
    "mean_present",
    "pixel_accuracy",
    "protocol_means",
]


def check_matrix(matrix: Tensor) -> None:
    """Raise ValueError unless a tensor is a confusion matrix: square, without negative counts.

    Example:
        >>> check_matrix(torch.tensor([[3, 1]]))
        Traceback (most recent call last):
        ValueError: got a matrix 1 x 2; expected a confusion matrix C x C of counts, zero or more
    """
    is_tensor = isinstance(matrix, Tensor)
    square = is_tensor and matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or bool((matrix < 0).any()):
        got = " x ".join(map(str, matrix.shape)) if is_tensor else repr(matrix)
        raise ValueError(
            f"got a matrix {got}; expected a confusion matrix C x C of counts, zero or more"
        )


def class_iou(matrix: Tensor) -> Tensor:
    """Intersection over union by class, TP / (TP + FP + FN) (PASCAL VOC, Everingham et al. 2010).

    A class absent from the ground truth has no IoU, whether it was predicted or not: the code of
    MiB, whose numbers ours stand beside, averages over the classes with ground truth only
    (``metrics/stream_metrics.py``, ``gt_sum != 0``). Others give such a class 0 where it was
    predicted, which differs on small test sets only.

    Args:
        matrix: confusion matrix, int64, C x C; rows are the truth.

    Returns:
        float64, C, in 0..1; NaN for a class with no pixel in the ground truth.

    Example:
        >>> class_iou(torch.tensor([[3, 1, 0], [0, 2, 0], [0, 0, 0]])).tolist()
        [0.75, 0.6666666666666666, nan]
    """
    check_matrix(matrix)
    counts = matrix.to(torch.float64)
    hits = counts.diagonal()
    truth = counts.sum(dim=1)
    iou = hits / (truth + counts.sum(dim=0) - hits)
    return torch.where(truth > 0, iou, torch.nan)


def class_accuracy(matrix: Tensor) -> Tensor:
    """Share of a class's pixels that were found, its recall TP / (TP + FN).

    Args:
        matrix: confusion matrix, int64, C x C; rows are the truth.

    Returns:
        float64, C, in 0..1; NaN for a class with no pixel in the ground truth.

    Example:
        >>> class_accuracy(torch.tensor([[3, 1], [0, 0]])).tolist()
        [0.75, nan]
    """
    check_matrix(matrix)
    counts = matrix.to(torch.float64)
    truth = counts.sum(dim=1)
    return torch.where(truth > 0, counts.diagonal() / truth, torch.nan)


def pixel_accuracy(matrix: Tensor) -> float:
    """Share of labelled pixels that are right.

    Args:
        matrix: confusion matrix, int64, C x C; rows are the truth.

    Returns:
        in 0..1; NaN when no pixel is labelled.

    Example:
        >>> pixel_accuracy(torch.tensor([[3, 1], [0, 4]]))
        0.875
    """
    check_matrix(matrix)
    total = int(matrix.sum())
    return int(matrix.diagonal().sum()) / total if total else math.nan


def class_groups(
    n_base: int, n_classes: int, *, has_background: bool = True
) -> dict[str, list[int]]:
    """The groups of channels that published tables average over.

    - old: the foreground classes of step 0; new: those learned since; all: both. Without
      background, as MiB publishes.
    - ``old_bg``, ``new_bg``, ``all_bg``: the same with the background. PLOP, SSUL, RCIL and DKD
      publish (old_bg, new, all_bg), WILSON (old, new, all_bg).

    Args:
        n_base: channels of step 0, background included.
        n_classes: channels so far, background included.
        has_background: whether channel 0 is the background; else it is a class as any other, and
            the groups with background are empty.

    Returns:
        channels by name of the group; empty for a group without a foreground class.

    Example:
        >>> groups = class_groups(3, 5)
        >>> groups["old"], groups["new"], groups["all_bg"]
        ([1, 2], [3, 4], [0, 1, 2, 3, 4])
    """
    check_whole("n_classes", n_classes)
    check_whole("n_base", n_base, least=1)
    first = BACKGROUND + 1 if has_background else BACKGROUND
    old, new = list(range(first, min(n_base, n_classes))), list(range(n_base, n_classes))
    groups = {"old": old, "new": new, "all": old + new}
    with_background = {
        f"{name}_bg": [BACKGROUND, *group] if group and has_background else []
        for name, group in groups.items()
    }
    return groups | with_background


def mean_present(values: Tensor, channels: Sequence[int]) -> float:
    """Mean over the given channels that are present (not NaN); NaN when none is.

    Example:
        >>> mean_present(torch.tensor([0.5, torch.nan, 1.0]), [0, 1])
        0.5
    """
    chosen = values[list(channels)]
    return float(chosen[~chosen.isnan()].mean()) if len(chosen) else math.nan


def harmonic_mean(first: float, second: float) -> float:
    """2ab / (a + b); 0 when both are 0, NaN when one is NaN.

    Example:
        >>> harmonic_mean(0.5, 0.25)
        0.3333333333333333
    """
    total = first + second
    return 2 * first * second / total if total else 0.0


def protocol_means(matrix: Tensor, n_base: int, *, has_background: bool = True) -> dict[str, float]:
    """Every mean of the protocol for one step.

    Args:
        matrix: int64, C x C, over the whole test set.
        n_base: channels of step 0, background included.
        has_background: as in :func:`class_groups`.

    Returns:
        ``mIoU_<group>`` for the groups of :func:`class_groups`, ``mIoU_harmonic`` (of old and new),
        ``pixel_accuracy`` and ``mean_class_accuracy`` (both over every channel, background
        included); all in 0..1, NaN where there is nothing to average.

    Example:
        >>> means = protocol_means(torch.tensor([[5, 0, 1], [0, 4, 0], [1, 0, 1]]), n_base=2)
        >>> means["mIoU_old"], round(means["mIoU_new"], 3), round(means["mIoU_harmonic"], 3)
        (1.0, 0.333, 0.5)
    """
    iou = class_iou(matrix)
    groups = class_groups(n_base, len(iou), has_background=has_background)
    means = {f"mIoU_{name}": mean_present(iou, channels) for name, channels in groups.items()}
    for name in ("old", "new", "all"):
        if math.isnan(means[f"mIoU_{name}"]):  # The background alone is no group.
            means[f"mIoU_{name}_bg"] = math.nan
    return means | {
        "mIoU_harmonic": harmonic_mean(means["mIoU_old"], means["mIoU_new"]),
        "pixel_accuracy": pixel_accuracy(matrix),
        "mean_class_accuracy": mean_present(class_accuracy(matrix), range(len(iou))),
    }


def forgetting(iou_by_step: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Best earlier IoU minus final IoU, by class.

    Args:
        iou_by_step: IoU by class name after every step; a class appears once it is learned. NaN
            marks a class that was absent from the ground truth.

    Returns:
        by name of every class with an IoU at an earlier step and at the last; negative when the
        class gained.

    Example:
        >>> forgetting([{"a": 0.5}, {"a": 0.75, "b": 0.5}, {"a": 0.25, "b": 0.75}])
        {'a': 0.5, 'b': -0.25}
    """
    if not iou_by_step:
        return {}
    *earlier, final = iou_by_step
    forgotten = {}
    for name, last in final.items():
        before = [step[name] for step in earlier if not math.isnan(step.get(name, math.nan))]
        if before and not math.isnan(last):
            forgotten[name] = max(before) - last
    return forgotten
