"""The one way from score maps to a label map that models, losses and metrics share."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from avalanche_seg.kernels.tile_resize import TileResize, stripes
from avalanche_seg.kernels.workspace import Workspace

__all__ = ["LabelledTile", "labelled_tiles", "predicted_labels"]


@torch.no_grad()
def predicted_labels(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """The channel of highest score at every pixel, the first of several.

    The argmax over the channels of :func:`avalanche_seg.kernels.resize.resize_logits`, a tile
    at a time: the resized scores are never there all at once.

    Args:
        logits: floating point, B x C x h x w, finite; half precision is resized in float32.
        size: wanted (H, W) in pixels; the logits are resized to it bilinearly.

    Returns:
        channels, int64, B x H x W.

    Example:
        >>> predicted_labels(torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]]), (1, 4)).tolist()
        [[[1, 1, 0, 0]]]
    """
    labels = torch.empty(len(logits), *size, dtype=torch.int64, device=logits.device)
    for tile in labelled_tiles(logits, size):
        labels[tile.where] = tile.labels
    return labels


class LabelledTile(NamedTuple):
    """A tile of resized scores and what they predict; n images, R x S pixels.

    Attributes:
        where: its images, rows and columns in the result.
        labels: channels, whole numbers of the scores' type, n x R x S.
        best: their scores, n x 1 x R x S.
        scores: n x C x R x S, may be overwritten; None unless wanted.
    """

    where: tuple[slice, slice, slice]
    labels: Tensor
    best: Tensor
    scores: Tensor | None


def labelled_tiles(
    logits: Tensor, size: tuple[int, int], *, with_scores: bool = False
) -> Iterator[LabelledTile]:
    """Resize logits a tile at a time, in float32 at least, and find the best channels.

    To be called without gradients. A tile's tensors are good until the next one is asked for.

    Args:
        logits: as in :func:`predicted_labels`.
        size: likewise.
        with_scores: leave the scores as they are, for a caller who needs them too.
    """
    # Products of matrices copy each of them when channels lie last in memory.
    maps = (logits if logits.dtype == torch.float64 else logits.float()).contiguous()
    resize, spare = TileResize(maps, size), Workspace()
    last = maps.shape[1] - 1
    ranks = torch.arange(last, -1, -1, dtype=maps.dtype, device=maps.device).view(-1, 1, 1)
    with torch.autocast(maps.device.type, enabled=False):
        for images, columns, tiles in stripes(maps, size):
            stripe = resize.across(images, columns)
            for rows in tiles:
                scores = resize.down(stripe, rows)
                best = scores.amax(dim=1, keepdim=True)
                # argmax() goes against the order in memory and takes four times as long.
                into = spare.like(scores) if with_scores else scores
                is_best = torch.eq(scores, best, out=into)
                labels = last - is_best.mul_(ranks).amax(dim=1)
                where = (images, rows, columns)
                yield LabelledTile(where, labels, best, scores if with_scores else None)
