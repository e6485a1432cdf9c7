"""The one way from score maps to a label map that models and metrics share."""

import torch
from torch import Tensor

from avalanche_seg.resize import TileResize, tiles

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
    with torch.autocast(scores.device.type, enabled=False):
        for images, rows, columns in tiles(scores, size):
            tile = resize.tile(scores[images], (rows, columns))
            # Of several maxima max() gives the first, as argmax() does, in less time.
            labels[images, rows, columns] = tile.max(dim=1).indices
    return labels
