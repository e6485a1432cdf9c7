"""Pixel losses from logits of any size, a tile of the image at a time.

A loss at the size of the label map needs the logits at that size: at 21 classes and 512 x 512
pixels 22 MB an image, and a plain implementation holds several copies of them for the backward
pass. Here a tile is resized, turned into losses and gradients while it is in the cache, and the
gradient is resized back. So the memory beside the logits is that of a tile, and what is kept for
the backward pass is one gradient of the logits' own size for each loss.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from avalanche_seg.kernels.channel_groups import score_bound
from avalanche_seg.kernels.tile_resize import TileResize, stripes
from avalanche_seg.kernels.workspace import Workspace

__all__ = ["PixelTerms", "Pixels", "pixel_losses"]


@dataclass(frozen=True)
class Pixels:
    """What losses need to know of a tile; n images, R x W pixels.

    Attributes:
        scores: the logits, n x C x R x W; may be overwritten.
        labels: int64, n x R x W; None for losses that need none.
        teacher: the teacher's logits, n x K x R x W; may be overwritten; None likewise.
        spare: memory to work in, of the shape of the scores.
        bound: no score, teacher's included, is larger in absolute value; infinity if unknown.
    """

    scores: Tensor
    labels: Tensor | None
    teacher: Tensor | None
    spare: Tensor
    bound: float


class PixelTerms(Protocol):
    """One or more losses of pixels, computed together, each with its gradient."""

    @property
    def n_terms(self) -> int:
        """How many losses."""

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Losses and gradients of a tile of pixels.

        Args:
            pixels: the tile.
            gradient: whether the gradients are wanted.

        Yields:
            for each loss its map n x R x W, and its gradient with regard to the scores, n x C x R x
            W, or None; the caller may overwrite it, and asking for the next loss does.
        """


def pixel_losses(
    terms: PixelTerms,
    logits: Tensor,
    size: tuple[int, int],
    *,
    target: Tensor | None = None,
    teacher_logits: Tensor | None = None,
    maps: bool = False,
) -> tuple[Tensor, ...]:
    """Losses at a size of their own, differentiable once with regard to the logits.

    Args:
        terms: the losses.
        logits: floating point, B x C x h x w; resized bilinearly.
        size: (H, W) at which the losses are taken.
        target: int64, B x H x W, when the losses need it.
        teacher_logits: floating point, B x K x h' x w', likewise; gets no gradient.
        maps: give the losses of the pixels instead of their sums.

    Returns:
        for each loss its sum over all pixels, a scalar, or the map B x H x W: float64 for float64
        logits, else float32.
    """
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    # Products of matrices copy each of them when channels lie last in memory.
    if teacher_logits is not None:
        teacher_logits = teacher_logits.detach().to(dtype).contiguous()
    gradient = logits.requires_grad and torch.is_grad_enabled()
    # Autocast would compute the resize in half precision.
    with torch.autocast(logits.device.type, enabled=False):
        losses: tuple[Tensor, ...] = _PixelLosses.apply(
            logits.to(dtype).contiguous(), teacher_logits, target, terms, size, maps, gradient
        )
    return losses


class _PixelLosses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        teacher: Tensor | None,
        target: Tensor | None,
        terms: PixelTerms,
        size: tuple[int, int],
        maps: bool,
        gradient: bool,
    ) -> tuple[Tensor, ...]:
        ctx.terms, ctx.size, ctx.maps = terms, size, maps
        if maps:  # The gradient waits for the weight of each pixel.
            ctx.save_for_backward(logits, teacher, target)
            losses = logits.new_empty(terms.n_terms, len(logits), *size)
            _sweep(terms, size, logits, teacher, target, maps=losses)
        else:
            shape = (terms.n_terms, *logits.shape)
            gradients = logits.new_zeros(shape) if gradient else None
            losses = _sweep(terms, size, logits, teacher, target, gradients=gradients)
            ctx.save_for_backward(gradients)
        return losses.unbind()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        weights = torch.stack(upstream)
        if ctx.maps:
            logits, teacher, target = ctx.saved_tensors
            total = logits.new_zeros(1, *logits.shape)
            _sweep(ctx.terms, ctx.size, logits, teacher, target, gradients=total, weights=weights)
            return total[0], *[None] * 6
        (gradients,) = ctx.saved_tensors
        return torch.tensordot(weights, gradients, dims=1), *[None] * 6


def _sweep(
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
    """Go over all tiles.

    Args:
        terms: T losses.
        size: (H, W).
        logits: B x C x h x w, float32 or float64.
        teacher: B x K x h' x w', the same type, or None.
        target: B x H x W or None.
        maps: T x B x H x W, filled with the losses of the pixels.
        gradients: zeros, to which the gradient of each loss's sum is added, T x B x C x h x w; with
            weights, that of the weighted sum of all losses, 1 x B x C x h x w.
        weights: of each loss and pixel, T x B x H x W.

    Returns:
        the sum of each loss, T.
    """
    student = TileResize(logits, size)
    former = None if teacher is None else TileResize(teacher, size)
    bound = max(score_bound(maps) for maps in (logits, teacher) if maps is not None)
    sums = list(logits.new_zeros(terms.n_terms))
    into = () if gradients is None else gradients.unbind()
    scratch = Workspace()
    for images, columns, tiles in stripes(logits, size):
        of_student = student.across(images, columns)
        of_teacher = None if former is None else former.across(images, columns)
        of_gradients = [
            student.gradient_stripe(gradient[images], columns, number=number)
            for number, gradient in enumerate(into)
        ]
        for rows in tiles:
            where = (images, rows, columns)
            scores = student.down(of_student, rows)
            pixels = Pixels(
                scores,
                labels=None if target is None else target[where],
                teacher=None
                if former is None or of_teacher is None
                else former.down(of_teacher, rows),
                spare=scratch.like(scores),
                bound=bound,
            )
            losses = terms(pixels, gradient=bool(into))
            for number, (loss, gradient) in enumerate(losses):
                sums.append(loss.sum())
                if maps is not None:
                    maps[number][where] = loss
                if gradient is None:
                    continue
                if weights is not None:
                    gradient.mul_(weights[number][where].unsqueeze(1))
                stripe = of_gradients[number if weights is None else 0]
                student.add_tile_gradient(stripe, gradient, rows)
        for gradient, stripe in zip(into, of_gradients, strict=True):
            student.add_stripe_gradient(gradient[images], stripe, columns)
    return torch.stack(sums).view(-1, terms.n_terms).sum(dim=0)
