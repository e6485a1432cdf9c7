"""The one way from score maps to a label map that models and metrics share."""

import torch
from torch import Tensor

from avalanche_seg.tiling import TileResize, stripes

__all__ = ["predicted_labels"]


@torch.no_grad()
def predicted_labels(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """The channel of highest score at every pixel, the first of several.

    The argmax over the channels of :func:`avalanche_seg.resize.resize_logits`, a tile at a time:
    the resized scores are never there all at once.

    Args:
        logits: floating point, B x C x h x w, finite; half precision is resized in float32.
        size: wanted (H, W) in pixels; the logits are resized to it bilinearly.

    Returns:
        channels, int64, B x H x W.

    Example:
        >>> predicted_labels(torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]]), (1, 4)).tolist()
        [[[1, 1, 0, 0]]]
    """
    # Products of matrices copy each of them when channels lie last in memory.
    scores = (logits if logits.dtype == torch.float64 else logits.float()).contiguous()
    resize = TileResize(scores, size)
    labels = torch.empty(len(scores), *size, dtype=torch.int64, device=scores.device)
    last = scores.shape[1] - 1
    ranks = torch.arange(last, -1, -1, dtype=scores.dtype, device=scores.device).view(-1, 1, 1)
    with torch.autocast(scores.device.type, enabled=False):
        for images, columns, tiles in stripes(scores, size):
            stripe = resize.across(images, columns)
            for rows in tiles:
                tile = resize.down(stripe, rows)
                # argmax() goes against the order in memory and takes four times as long.
                is_best = torch.eq(tile, tile.amax(dim=1, keepdim=True), out=tile)
                labels[images, rows, columns] = last - is_best.mul_(ranks).amax(dim=1)
    return labels
