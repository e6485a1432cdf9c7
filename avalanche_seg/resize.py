"""The one bilinear resize that models, losses and metrics share.

Models return logits at their own stride. Everything that compares logits with a label map goes
through this function, so training, evaluation and prediction see the same pixels.
"""

import torch.nn.functional as F
from torch import Tensor

__all__ = ["resize_logits"]


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize score maps bilinearly, ``align_corners=False``.

    Args:
        logits: floating point, B x C x h x w.
        size: wanted (H, W) in pixels.

    Returns:
        B x C x H x W, the same dtype; ``logits`` itself when the size already fits.
    """
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
