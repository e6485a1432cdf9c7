"""SSUL's labels and loss: an unknown channel in front of the background, sigmoids for all."""

from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.kernels import labelled_tiles
from avalanche_seg.labels import BACKGROUND, VOID
from avalanche_seg.losses.binary import binary_cross_entropy
from avalanche_seg.losses.classification import Classification
from avalanche_seg.losses.objective import StepBatch
from avalanche_seg.losses.reduction import weighted_reduction
from avalanche_seg.system import check_number

__all__ = [
    "ChannelClassification",
    "complete_labels",
    "confident_channels",
    "unknown_channels",
]


def unknown_channels(target: Tensor, unknown: Tensor | None = None) -> Tensor:
    """Labels as channels of [unknown, background, classes].

    Of SSUL (Cha et al., NeurIPS 2021, section 3.2): background that is salient, and so shows some
    object, is unknown.

    Args:
        target: class labels, int64, B x H x W; ``VOID`` stays.
        unknown: bool, B x H x W: where background is unknown; None: everywhere, as SSUL has it on
            ADE20K.

    Returns:
        channels, int64, B x H x W: class c is c + 1.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> target = torch.tensor([[[0, 0, 3, 255]]])
        >>> unknown_channels(target, torch.tensor([[[True, False, True, True]]])).tolist()
        [[[0, 1, 4, 255]]]
        >>> unknown_channels(target).tolist()
        [[[0, 0, 4, 255]]]
    """
    if unknown is not None and unknown.shape != target.shape:
        raise ValueError(
            f"got a map of unknown pixels {tuple(unknown.shape)} for labels {tuple(target.shape)}; "
            "expected the same shape"
        )
    is_unknown = target == BACKGROUND
    if unknown is not None:
        is_unknown &= unknown
    return (target + 1).masked_fill_(target == VOID, VOID).masked_fill_(is_unknown, 0)


@torch.no_grad()
def confident_channels(logits: Tensor, size: tuple[int, int], *, threshold: float = 0.7) -> Tensor:
    """The channel of the highest sigmoid at every pixel, where that is high enough.

    Tile by tile: the logits never exist at the size of the label map.

    Args:
        logits: floating point, B x C x h x w; resized bilinearly.
        size: (H, W).
        threshold: least sigmoid, 0..1.

    Returns:
        channels, int64, B x H x W; -1 where the highest sigmoid is below the threshold.

    Raises:
        ValueError: for a threshold out of range.

    Example:
        >>> logits = torch.tensor([[1.0, -1.0], [0.0, 0.0]]).view(1, 2, 1, 2)  # sigmoids .73, .5
        >>> confident_channels(logits, (1, 2)).tolist()
        [[[0, -1]]]
    """
    check_number("threshold", threshold, most=1)
    found = torch.empty(len(logits), *size, dtype=torch.int64, device=logits.device)
    for tile in labelled_tiles(logits, size):
        unsure = tile.best.squeeze(1).sigmoid() < threshold
        found[tile.where] = tile.labels.masked_fill_(unsure, -1)
    return found


def complete_labels(channels: Tensor, confident: Tensor) -> Tensor:
    """Labels with a class of the previous model where they are unknown or background.

    Args:
        channels: of :func:`unknown_channels`, int64, B x H x W.
        confident: of :func:`confident_channels` of the previous model, whose first two channels are
            unknown and background too.

    Returns:
        channels, int64, B x H x W.

    Example:
        >>> channels, confident = torch.tensor([[[0, 1, 9, 1]]]), torch.tensor([[[5, 0, 5, -1]]])
        >>> complete_labels(channels, confident).tolist()
        [[[5, 1, 9, 1]]]
    """
    return torch.where((channels <= 1) & (confident > 1), confident, channels)


@dataclass(frozen=True)
class ChannelClassification(Classification):
    """The binary cross entropy of every channel with labels that are channels, not classes.

    The sum over the channels and the mean over the pixels that are not void, as SSUL has it; see
    :func:`avalanche_seg.losses.binary_cross_entropy`.
    """

    def level(self, logits: Tensor, batch: StepBatch) -> Tensor:
        """The loss of one output."""
        if batch.weight is None:
            return binary_cross_entropy(logits, batch.target, reduction="mean")
        pixels = binary_cross_entropy(logits, batch.target, reduction="none")
        return weighted_reduction(
            pixels, batch.weight, reduction="mean", valid=batch.target != VOID
        )
