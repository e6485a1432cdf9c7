"""From logits and a label map, or a teacher's logits, to a reduced loss."""

from numbers import Integral

from torch import Tensor

from avalanche_seg.kernels import PixelTerms, pixel_losses
from avalanche_seg.losses.reduction import Reduction, check_reduction, reduced
from avalanche_seg.system import check_number, check_wholes

__all__ = [
    "check_n_old",
    "check_target",
    "check_teacher",
    "label_loss",
    "raise_for_labels",
    "scaled",
    "teacher_loss",
]


def label_loss(
    terms: PixelTerms,
    logits: Tensor,
    target: Tensor,
    *,
    ignore_index: int,
    reduction: Reduction,
    teacher_logits: Tensor | None = None,
) -> Tensor:
    """The one loss of ``terms`` at the size of the label map.

    Args:
        terms: computes the loss of a pixel from its label.
        logits: B x C x h x w.
        target: int64, B x H x W.
        ignore_index: label of pixels that cost nothing.
        reduction: one of ``REDUCTIONS``.
        teacher_logits: B x K x h' x w', where the terms need them; get no gradient.

    Returns:
        scalar, or B x H x W for "none".

    Raises:
        ValueError: when the shapes do not fit or the reduction is unknown.
    """
    check_reduction(reduction)
    size = check_target(logits, target)
    try:
        (loss,) = pixel_losses(
            terms,
            logits,
            size,
            target=target,
            teacher_logits=teacher_logits,
            maps=reduction == "none",
        )
    except (RuntimeError, IndexError) as error:  # Looking first would read every label twice.
        raise_for_labels(error, logits, target, ignore_index)
        raise
    valid = target != ignore_index if reduction == "mean" else None
    return reduced(loss, reduction, n_pixels=target.numel(), valid=valid)


def teacher_loss(
    terms: PixelTerms,
    logits: Tensor,
    teacher_logits: Tensor,
    *,
    size: tuple[int, int] | None,
    reduction: Reduction,
) -> Tensor:
    """The one loss of ``terms`` at a size, by default the logits' own.

    Args:
        terms: computes the loss of a pixel from the teacher's logits.
        logits: B x C x h x w.
        teacher_logits: B x K x h' x w'; gets no gradient.
        size: (H, W) or None.
        reduction: one of ``REDUCTIONS``.

    Returns:
        scalar, or B x H x W for "none".

    Raises:
        ValueError: when the reduction is unknown.
    """
    check_reduction(reduction)
    height, width = check_wholes("size", size or logits.shape[-2:], least=1)
    (loss,) = pixel_losses(
        terms,
        logits,
        (height, width),
        teacher_logits=teacher_logits,
        maps=reduction == "none",
    )
    return reduced(loss, reduction, n_pixels=len(logits) * height * width)


def check_target(logits: Tensor, target: Tensor) -> tuple[int, int]:
    """The size of the label map; ValueError when it does not fit the logits."""
    if logits.ndim != 4 or target.ndim != 3 or logits.shape[0] != target.shape[0]:
        raise ValueError(
            f"got logits {tuple(logits.shape)} and target {tuple(target.shape)}; expected "
            "B x C x h x w and B x H x W"
        )
    if not logits.is_floating_point() or target.is_floating_point():
        raise ValueError(
            f"got logits of {logits.dtype} and target of {target.dtype}; expected floating point "
            "and whole numbers: convert the target with .long()"
        )
    return target.shape[-2], target.shape[-1]


def check_teacher(logits: Tensor, teacher_logits: Tensor) -> int:
    """K, the teacher's channels; ValueError when its logits do not fit the student's."""
    fits = (
        logits.ndim == teacher_logits.ndim == 4
        and logits.shape[0] == teacher_logits.shape[0]
        and 1 <= teacher_logits.shape[1] <= logits.shape[1]
    )
    if not fits:
        raise ValueError(
            f"got logits {tuple(logits.shape)} and teacher_logits {tuple(teacher_logits.shape)}; "
            "expected B x C x h x w and B x K x h' x w' with 1 <= K <= C"
        )
    return teacher_logits.shape[1]


def check_n_old(n_old: int, logits: Tensor) -> None:
    """ValueError unless ``n_old`` is a number of channels that the logits have."""
    if not (isinstance(n_old, Integral) and 1 <= n_old <= logits.shape[1]):
        raise ValueError(
            f"n_old={n_old}; expected 1..{logits.shape[1]}, the channels of the logits"
        )


def scaled(teacher_logits: Tensor, teacher_scale: float) -> Tensor:
    """The teacher's logits times a factor; a factor of 1 makes no copy."""
    check_number("teacher_scale", teacher_scale)
    return teacher_logits if teacher_scale == 1 else teacher_scale * teacher_logits


def raise_for_labels(error: Exception, logits: Tensor, target: Tensor, ignore_index: int) -> None:
    """Raise ValueError where labels without a channel are what a loss failed at."""
    labels = target[target != ignore_index]
    if "out of bounds" not in str(error) or labels.numel() == 0:
        return
    least, most = (int(label) for label in labels.aminmax())
    if least < 0 or most >= logits.shape[1]:
        raise ValueError(
            f"got labels {least}..{most} for logits of {logits.shape[1]} channels; expected labels "
            f"0..{logits.shape[1] - 1}, or {ignore_index} where there is none: mask the others"
        ) from error
