"""Argmax of bilinearly resized logits, tile by tile: models, losses and metrics share it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from avalanche_seg.kernels.tile_resize import TileResize, stripes
from avalanche_seg.kernels.workspace import Workspace

__all__ = ["LabelledTile", "labelled_tiles", "predicted_labels"]


Scores = Callable[[Tensor], Tensor]


@torch.no_grad()
def predicted_labels(logits: Tensor, size: tuple[int, int], scores: Scores | None = None) -> Tensor:
    """The class of highest score at every pixel, the first of several.

    The argmax over the channels of :func:`avalanche_seg.kernels.resize_logits`, a tile at a time:
    the resized scores never exist all at once.

    Args:
        logits: floating point, B x C x h x w, finite; half precision is resized in float32.
        size: wanted (H, W) in pixels; the logits are resized to it bilinearly.
        scores: what the classes' scores are, given resized logits n x C x R x S of some n images
            and a rectangle of their pixels: floating point, n x K x R x S. It must treat pixels
            alone, and may change its input. None: the logits are the scores.

    Returns:
        classes, int64 in 0..K-1 (C-1 without ``scores``), B x H x W.

    Example:
        >>> logits = torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]])
        >>> predicted_labels(logits, (1, 4)).tolist()
        [[[1, 1, 0, 0]]]
        >>> predicted_labels(logits, (1, 4), scores=lambda tile: tile.flip(1)).tolist()
        [[[0, 0, 1, 1]]]
    """
    labels = torch.empty(len(logits), *size, dtype=torch.int64, device=logits.device)
    for tile in labelled_tiles(logits, size, scores=scores):
        labels[tile.where] = tile.labels
    return labels


class LabelledTile(NamedTuple):
    """A tile of resized scores of K classes and what they predict; n images, R x S pixels.

    Attributes:
        where: its images, rows and columns in the result.
        labels: classes, whole numbers of the scores' type, n x R x S.
        best: their scores, n x 1 x R x S.
        scores: n x K x R x S, may be overwritten; None unless wanted.
    """

    where: tuple[slice, slice, slice]
    labels: Tensor
    best: Tensor
    scores: Tensor | None


def labelled_tiles(
    logits: Tensor,
    size: tuple[int, int],
    *,
    with_scores: bool = False,
    scores: Scores | None = None,
) -> Iterator[LabelledTile]:
    """Resize logits a tile at a time, in float32 at least, and find the best classes.

    To be called without gradients. A tile's tensors are good until the next one is asked for.

    Args:
        logits: as in :func:`predicted_labels`.
        size: as in :func:`predicted_labels`.
        with_scores: leave the scores as they are, for a caller who needs them too.
        scores: as in :func:`predicted_labels`; with it a tile's scores are what it returns.

    Yields:
        the tiles; together they cover every pixel of every image once.

    Example:
        >>> (tile,) = labelled_tiles(torch.eye(2).view(1, 2, 1, 2), (1, 2), with_scores=True)
        >>> tile.where, tile.labels.tolist(), tile.best.flatten().tolist()
        ((slice(0, 1, None), slice(0, 1, None), slice(0, 2, None)), [[[0.0, 1.0]]], [1.0, 1.0])
    """
    # Products of matrices copy each of them when channels lie last in memory.
    maps = (logits if logits.dtype == torch.float64 else logits.float()).contiguous()
    resize, spare, ranks = TileResize(maps, size), Workspace(), _ranks(maps.shape[1], maps)
    with torch.autocast(maps.device.type, enabled=False):
        for images, columns, tiles in stripes(maps, size):
            stripe = resize.across(images, columns)
            for rows in tiles:
                tile = resize.down(stripe, rows)
                of_classes = tile if scores is None else scores(tile)
                if of_classes.shape[1] != len(ranks):
                    ranks = _ranks(of_classes.shape[1], of_classes)
                best = of_classes.amax(dim=1, keepdim=True)
                # argmax() goes against the order in memory and takes four times as long. What a
                # caller's function returns is the caller's: only our own tile is overwritten.
                own = of_classes is tile and not with_scores
                is_best = torch.eq(of_classes, best, out=tile if own else spare.like(of_classes))
                labels = len(ranks) - 1 - is_best.mul_(ranks).amax(dim=1)
                where = (images, rows, columns)
                yield LabelledTile(where, labels, best, of_classes if with_scores else None)


def _ranks(n_classes: int, like: Tensor) -> Tensor:
    """Numbers of classes in reverse, K x 1 x 1: the largest of several is of the first class."""
    ranks = torch.arange(n_classes - 1, -1, -1, dtype=like.dtype, device=like.device)
    return ranks.view(-1, 1, 1)
