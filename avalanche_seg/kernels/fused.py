"""Pixel losses by one kernel on a GPU: what is given to it."""

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.kernels.pixel_terms import PixelTerms
from avalanche_seg.kernels.sigmoid_terms import LabelSigmoid, TeacherSigmoid
from avalanche_seg.kernels.softmax_terms import SoftmaxTerms
from avalanche_seg.kernels.triton_pixels import pixel_kernel
from avalanche_seg.labels import VOID

__all__ = ["fused_sweep"]

# Scores of a program, where the block stays at 16 pixels or more, and the warps that share them: of
# 512 to 2048 and 2 to 8 the quickest on an H100.
_SCORES, _WARPS = 512, 4


def fused_sweep(
    terms: PixelTerms,
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
        terms: T losses; of those in :data:`avalanche_seg.kernels.choice.FUSED`.
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
    block = max(16, _SCORES // lanes)
    down, across = (
        _line(*pair, logits.device) for pair in zip(logits.shape[-2:], size, strict=True)
    )
    grid = (n_images, height, math.ceil(size[1] / block))
    partial = logits.new_zeros((*grid, 2), dtype=torch.float32)
    if partial.numel() == 0 or size[0] == 0:
        return partial.new_zeros(terms.n_terms)
    nothing = partial  # In place of what is not needed; never read.
    former = logits if teacher is None else teacher
    packed = _packed(logits, lanes)
    slopes = nothing if gradients is None else packed.new_zeros((len(gradients), *packed.shape))
    of_teacher = [_line(*pair, logits.device) for pair in zip(former.shape[-2:], size, strict=True)]
    constants = _constants(terms, n_channels)
    pixel_kernel[grid](
        packed,
        packed if teacher is None else _packed(teacher, lanes),
        nothing if target is None else target.contiguous(),
        nothing if maps is None else maps,
        slopes,
        nothing if weights is None else weights.contiguous(),
        partial,
        *(down.share, down.first, across.low, across.share),
        *(of_teacher[0].low, of_teacher[0].share, of_teacher[1].low, of_teacher[1].share),
        getattr(terms, "ignore_index", VOID),
        getattr(terms, "positive_weight", 1.0),
        *(n_images * size[0] * size[1], packed.numel()),
        *(*size, height, width, *former.shape[-2:]),
        LANES=lanes,
        BLOCK=block,
        SOURCES=max(16, _power_of_two(math.ceil(block * width / size[1]) + 2)),
        ALIKE=former.shape[-2:] == logits.shape[-2:],
        MAPS=maps is not None,
        GRADIENT=gradients is not None,
        WEIGHTED=weights is not None,
        N_CHANNELS=n_channels,
        **constants,
        num_warps=_WARPS if lanes * block <= 2 * _SCORES else 2 * _WARPS,
    )
    if gradients is not None:
        gradients += slopes[..., :n_channels].movedim(-1, 2)
    sums = partial.sum(dim=(0, 1, 2))
    return sums[0 if constants["CLASSIFY"] else 1 :][: terms.n_terms]


def _packed(maps: Tensor, lanes: int) -> Tensor:
    """The channels of a pixel beside each other, float32, with zeros up to so many."""
    packed = maps.new_zeros((len(maps), *maps.shape[-2:], lanes), dtype=torch.float32)
    packed[..., : maps.shape[1]] = maps.movedim(1, -1)
    return packed


def _constants(terms: PixelTerms, n_channels: int) -> dict[str, Any]:
    """What tells the kernel which losses they are."""
    if isinstance(terms, SoftmaxTerms):
        return {
            **{"SIGMOID": False, "VOID_COUNTS": False, "N_OLD": terms.n_old},
            **{"CLASSIFY": terms.classify, "DISTIL": terms.distil},
        }
    of_labels = isinstance(terms, LabelSigmoid)
    assert of_labels or isinstance(terms, TeacherSigmoid)
    return {
        **{"SIGMOID": True, "N_OLD": n_channels, "CLASSIFY": of_labels, "DISTIL": not of_labels},
        "VOID_COUNTS": isinstance(terms, LabelSigmoid) and terms.ignored_is_negative,
    }


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


class _Line:
    """The resize of one dimension: output i is (1 - share) source[low] + share source[low + 1].

    ``first`` has where the outputs of every source begin, and how many there are at its end.
    """

    def __init__(self, n_in: int, n_out: int, device: torch.device) -> None:
        outputs = torch.arange(n_out, dtype=torch.float64, device=device)
        positions = ((outputs + 0.5) * (n_in / n_out) - 0.5).clamp(min=0)
        low = positions.long().clamp(max=n_in - 1)
        self.share = (positions - low).float()
        self.first = torch.searchsorted(low, torch.arange(n_in + 1, device=device)).int()
        self.low = low.int()


_line = lru_cache(maxsize=64)(_Line)
