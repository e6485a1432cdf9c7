"""Pixel losses from logits of any size, tile by tile.

A loss at the size of the label map needs the logits at that size: at 21 classes and 512 x 512
pixels 22 MB per image, and a plain implementation holds several copies of them for the backward
pass. Here a tile is resized, turned into losses and gradients while it is in the cache, and the
gradient is resized back. So the memory beside the logits is that of a tile, and what is kept for
the backward pass is one gradient of the logits' own size for each loss.

The plain formula at full size takes its place where the fast way does not apply: in a backward pass
that is to be differentiated itself (``create_graph=True``), and under ``torch.compile``, which does
the fusing on its own.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.kernels.channel_groups import score_bound
from avalanche_seg.kernels.choice import fuses
from avalanche_seg.kernels.pixel_terms import Pixels, PixelTerms
from avalanche_seg.kernels.resize import compute_dtype, resize_logits
from avalanche_seg.kernels.threads import in_threads
from avalanche_seg.kernels.tile_resize import Stripe, TileResize, stripes
from avalanche_seg.kernels.workspace import Workspace

__all__ = ["pixel_losses"]


def pixel_losses(
    terms: PixelTerms,
    logits: Tensor,
    size: tuple[int, int],
    *,
    target: Tensor | None = None,
    teacher_logits: Tensor | None = None,
    maps: bool = False,
) -> tuple[Tensor, ...]:
    """Losses at a size of their own, differentiable with regard to the logits.

    Gradients are computed with the losses, tile by tile. A gradient that can be differentiated
    itself (``create_graph=True``) and a compiled loss are those of the plain formula, which needs
    the scores and several copies of them at full size.

    Args:
        terms: the losses.
        logits: floating point, B x C x h x w; resized bilinearly; half precision in float32.
        size: (H, W) at which the losses are taken.
        target: int64, B x H x W, when the losses need it.
        teacher_logits: floating point, B x K x h' x w', when the losses need it; gets no gradient.
        maps: give the losses of the pixels instead of their sums.

    Returns:
        for each loss its sum over all pixels, a scalar, or the map B x H x W: float64 for float64
        logits, else float32.

    Example:
        >>> from avalanche_seg.kernels import SoftmaxTerms
        >>> logits, target = torch.zeros(1, 2, 1, 1), torch.tensor([[[0, 1], [1, 255]]])
        >>> (total,) = pixel_losses(
        ...     SoftmaxTerms(n_old=1, distil=False), logits, (2, 2), target=target
        ... )
        >>> round(total.item(), 4)  # 3 log 2
        2.0794
    """
    if teacher_logits is not None:
        teacher_logits = teacher_logits.detach()
    if torch.compiler.is_compiling():
        return _plain_losses(terms, size, logits, teacher_logits, target, maps)
    gradient = logits.requires_grad and torch.is_grad_enabled()
    losses: tuple[Tensor, ...] = _PixelLosses.apply(
        logits, teacher_logits, target, terms, size, maps, gradient
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
        ctx.sweep = sweep = _sweep_of(terms, logits, teacher, size)
        dtype, gradients = compute_dtype(logits), None
        if maps:  # The gradient waits for the weight of each pixel.
            losses = logits.new_empty((terms.n_terms, len(logits), *size), dtype=dtype)
            sweep(terms, size, logits, teacher, target, maps=losses)
        else:
            if gradient:
                gradients = logits.new_zeros((terms.n_terms, *logits.shape), dtype=dtype)
            losses = sweep(terms, size, logits, teacher, target, gradients=gradients)
        ctx.save_for_backward(logits, teacher, target, gradients)
        return losses.unbind()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        logits, teacher, target, gradients = ctx.saved_tensors
        if torch.is_grad_enabled():  # By create_graph=True.
            losses = _plain_losses(ctx.terms, ctx.size, logits, teacher, target, ctx.maps)
            (total,) = torch.autograd.grad(losses, logits, upstream, create_graph=True)
            return total, *[None] * 6
        weights = torch.stack(upstream)
        if ctx.maps:
            gradients = logits.new_zeros((1, *logits.shape), dtype=weights.dtype)
            ctx.sweep(
                ctx.terms, ctx.size, logits, teacher, target, gradients=gradients, weights=weights
            )
            return gradients[0].to(logits.dtype), *[None] * 6
        with torch.autocast(logits.device.type, enabled=False):
            total = torch.tensordot(weights, gradients, dims=1)
        return total.to(logits.dtype), *[None] * 6


def _plain_losses(
    terms: PixelTerms,
    size: tuple[int, int],
    logits: Tensor,
    teacher: Tensor | None,
    target: Tensor | None,
    maps: bool,
) -> tuple[Tensor, ...]:
    """What :func:`pixel_losses` returns, by torch's own operations at full size."""
    dtype = compute_dtype(logits)
    with torch.autocast(logits.device.type, enabled=False):
        losses = terms.plain(
            resize_logits(logits.to(dtype), size),
            target,
            None if teacher is None else resize_logits(teacher.to(dtype), size),
        )
    return losses if maps else tuple(loss.sum() for loss in losses)


def _sweep_of(
    terms: PixelTerms, logits: Tensor, teacher: Tensor | None, size: tuple[int, int]
) -> Callable[..., Tensor]:
    if fuses(terms, logits, teacher, size):
        from avalanche_seg.kernels.fused import fused_sweep  # Imports Triton.

        return fused_sweep
    return _sweep


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
    """Compute losses and gradients tile by tile, in float32 or float64 under autocast too.

    Args:
        terms: T losses.
        size: (H, W).
        logits: B x C x h x w, floating point.
        teacher: B x K x h' x w' or None.
        target: B x H x W or None.
        maps: T x B x H x W, filled with the losses of the pixels.
        gradients: zeros, to which the gradient of each loss's sum is added, T x B x C x h x w; with
            weights, that of the weighted sum of all losses, 1 x B x C x h x w.
        weights: of each loss and pixel, T x B x H x W.

    Returns:
        the sum of each loss, T.
    """
    dtype = compute_dtype(logits)
    # Products of matrices copy each of them when channels lie last in memory.
    logits = logits.to(dtype).contiguous()
    teacher = None if teacher is None else teacher.to(dtype).contiguous()
    bound = max(score_bound(scores) for scores in (logits, teacher) if scores is not None)
    into = () if gradients is None else gradients.unbind()

    def worker() -> Callable[[Stripe], Callable[[], list[Tensor]]]:
        student = TileResize(logits, size)
        former = None if teacher is None else TileResize(teacher, size)
        scratch = Workspace()

        def compute(stripe: Stripe) -> Callable[[], list[Tensor]]:
            images, columns, tiles = stripe
            of_student = student.across(images, columns)
            of_teacher = None if former is None else former.across(images, columns)
            of_gradients = [
                student.gradient_stripe(gradient[images], columns, number=number)
                for number, gradient in enumerate(into)
            ]
            sums = []
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
                for number, (loss, gradient) in enumerate(terms(pixels, gradient=bool(into))):
                    sums.append(loss.sum())
                    if maps is not None:
                        maps[number][where] = loss
                    if gradient is None:
                        continue
                    if weights is not None:
                        gradient.mul_(weights[number][where].unsqueeze(1))
                    sum_of = of_gradients[number if weights is None else 0]
                    student.add_tile_gradient(sum_of, gradient, rows)

            def finish() -> list[Tensor]:
                for gradient, sum_of in zip(into, of_gradients, strict=True):
                    student.add_stripe_gradient(gradient[images], sum_of, columns)
                return sums

            return finish

        return compute

    parts = list(stripes(logits, size))
    with torch.autocast(logits.device.type, enabled=False):
        if logits.device.type == "cpu":
            sums = in_threads(parts, worker)
        else:
            compute = worker()
            sums = [compute(part)() for part in parts]
        flat = [value for values in sums for value in values]
        if not flat:  # There is no pixel.
            return logits.new_zeros(terms.n_terms)
        return torch.stack(flat).view(-1, terms.n_terms).sum(dim=0)
