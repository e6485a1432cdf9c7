"""How a map of pixel losses becomes a number."""

import torch
from torch import Tensor

__all__ = ["REDUCTIONS", "check_reduction", "reduced"]

REDUCTIONS = ("mean", "mean_valid", "sum", "none")


def check_reduction(reduction: str) -> None:
    """Raise ValueError for an unknown reduction, listing the known ones."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction={reduction!r} is unknown; expected one of {', '.join(REDUCTIONS)}"
        )


def reduced(loss: Tensor, reduction: str, *, n_pixels: int, valid: Tensor | None = None) -> Tensor:
    """Turn a sum over pixels into the wanted number.

    - "mean": sum / all pixels of the batch; ignored pixels add 0 and stay in the denominator (the
      convention of MiB's code and its followers).
    - "mean_valid": sum / pixels that are not ignored; 0 when there is none.
    - "sum": the sum.
    - "none": no sum at all.

    Args:
        loss: the sum, a scalar; for "none" the map of pixels, 0 where ignored.
        reduction: one of ``REDUCTIONS``.
        n_pixels: all pixels of the batch.
        valid: bool, B x H x W; None when no pixel is ignored.

    Returns:
        scalar, or the map for "none".

    Raises:
        ValueError: for an unknown reduction.
    """
    check_reduction(reduction)
    if reduction in ("sum", "none"):
        return loss
    if reduction == "mean" or valid is None:
        return loss / max(n_pixels, 1)
    return loss / torch.clamp(valid.sum(), min=1)
