"""The softmax losses by one kernel on a GPU: what is given to it."""

import math
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.kernels.softmax_terms import SoftmaxTerms
from avalanche_seg.kernels.triton_softmax import softmax_kernel

__all__ = ["softmax_sweep"]

_ELEMENTS = 1024  # Scores of a program, where the block stays at 16 pixels or more.


def softmax_sweep(
    terms: SoftmaxTerms,
    size: tuple[int, int],
    logits: Tensor,
    teacher: Tensor | None,
    target: Tensor | None,
    *,
    maps: Tensor | None = None,
    gradients: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """Compute losses and gradients; the sums of gradients differ by rounding from call to call.

    Args:
        terms: T losses.
        size: (H, W), no side smaller than the logits'.
        logits: B x C x h x w, float32 or half precision; C is 512 at most.
        teacher: B x K x h' x w' or None.
        target: int64, B x H x W or None. A label without a channel makes the loss NaN.
        maps: T x B x H x W, float32, filled with the losses of the pixels.
        gradients: zeros, to which the gradient of each loss's sum is added, T x B x C x h x w; with
            weights, that of the weighted sum of all losses, 1 x B x C x h x w. Float32, contiguous.
        weights: of each loss and pixel, T x B x H x W, float32.

    Returns:
        the sum of each loss, T, float32.
    """
    n_images, n_channels, height, width = logits.shape
    lanes = max(16, _power_of_two(n_channels))
    block = max(16, _ELEMENTS // lanes)
    down, across = (
        _line(*pair, logits.device) for pair in zip(logits.shape[-2:], size, strict=True)
    )
    grid = (n_images, height, math.ceil(size[1] / block))
    partial = logits.new_zeros((*grid, 2), dtype=torch.float32)
    if partial.numel() == 0 or size[0] == 0:
        return partial.new_zeros(terms.n_terms)
    nothing = partial  # In place of what is not needed; never read.
    former = logits if teacher is None else teacher
    of_teacher = [_line(*pair, logits.device) for pair in zip(former.shape[-2:], size, strict=True)]
    _kernel()[grid](
        logits,
        former,
        nothing if target is None else target.contiguous(),
        nothing if maps is None else maps,
        nothing if gradients is None else gradients,
        nothing if weights is None else weights.contiguous(),
        partial,
        *(down.share, down.first, across.low, across.share),
        *(of_teacher[0].low, of_teacher[0].share, of_teacher[1].low, of_teacher[1].share),
        *(terms.ignore_index, n_images * size[0] * size[1], logits.numel()),
        *(*size, height, width, *former.shape[-2:]),
        *logits.stride(),
        *former.stride(),
        N_CHANNELS=n_channels,
        N_OLD=terms.n_old,
        LANES=lanes,
        BLOCK=block,
        SOURCES=max(16, _power_of_two(math.ceil(block * width / size[1]) + 2)),
        CLASSIFY=terms.classify,
        DISTIL=terms.distil,
        MAPS=maps is not None,
        GRADIENT=gradients is not None,
        WEIGHTED=weights is not None,
        num_warps=4 if lanes * block <= 2 * _ELEMENTS else 8,
    )
    sums = partial.sum(dim=(0, 1, 2))
    return sums[0 if terms.classify else 1 :][: terms.n_terms]


@cache
def _kernel() -> Any:
    import triton

    return triton.jit(softmax_kernel)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


class _Line:
    """The resize of one dimension: output i is (1 - share) source[low] + share source[low + 1].

    ``first`` has where the outputs of every source begin, and how many there are at its end.
    """

    def __init__(self, n_in: int, n_out: int, device: torch.device) -> None:
        outputs = torch.arange(n_out, dtype=torch.float64)
        positions = ((outputs + 0.5) * (n_in / n_out) - 0.5).clamp(min=0)
        low = positions.long().clamp(max=n_in - 1)
        self.share = (positions - low).float().to(device)
        self.first = torch.searchsorted(low, torch.arange(n_in + 1)).int().to(device)
        self.low = low.int().to(device)


_line = lru_cache(maxsize=64)(_Line)
