"""Images and label maps that are in memory, in whatever form: to the pixels that files give."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from avalanche_seg.datasets.images import pixels_of
from avalanche_seg.labels import WIDE_VOID

__all__ = ["image_pixels", "label_values"]

_GREY, _RGB = 1, 3


def image_pixels(image: Any, what: str, n_channels: int = _RGB) -> NDArray[np.uint8]:
    """An image as uint8, H x W x n_channels.

    Args:
        image: a Pillow image; a uint8 tensor, channels x H x W or H x W; or a uint8 array,
            H x W x channels or H x W.
        what: names it in messages.
        n_channels: three make RGB of Pillow images and of one channel; with others the image must
            have so many.

    Raises:
        ValueError: for anything else.

    Example:
        >>> image_pixels(torch.zeros(3, 4, 5, dtype=torch.uint8), "image 0").shape
        (4, 5, 3)
    """
    if isinstance(image, Image.Image) and n_channels != _RGB:
        image = np.asarray(image)
    if isinstance(image, Image.Image):
        try:
            return pixels_of(image)
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from error
    shape = tuple(getattr(image, "shape", ()))
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
        image = image.transpose(1, 2, 0) if image.ndim == 3 else image
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f"{what}: got an image of type {type(image).__name__}; expected a Pillow image, a "
            "tensor or a NumPy array"
        )
    if image.dtype != np.uint8:
        raise ValueError(
            f"{what}: got an image of {image.dtype}; expected uint8 in 0..255: leave out what "
            "scales or normalises it, such as ToTensor (PILToTensor keeps the values)"
        )
    pixels = image[..., None] if image.ndim == 2 else image
    allowed = (_GREY, _RGB) if n_channels == _RGB else (n_channels,)
    if pixels.ndim != 3 or pixels.shape[-1] not in allowed or 0 in pixels.shape:
        raise ValueError(
            f"{what}: got an image of shape {shape}; expected {n_channels} x H x W as a tensor or "
            f"H x W x {n_channels} as an array"
            f"{', or one channel' if n_channels == _RGB else ', by n_channels'}"
        )
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], n_channels)))


def label_values(labels: Any, what: str, negatives: frozenset[int] = frozenset()) -> NDArray[Any]:
    """A label map as uint8, or as uint16 where a label is above 255; H x W.

    Args:
        labels: a Pillow image of indices, or a tensor or array of whole numbers, H x W or
            1 x H x W.
        what: names it in messages.
        negatives: negative labels that are void; they become 65535.

    Raises:
        ValueError: for anything else, or labels outside 0..65535.

    Example:
        >>> label_values(torch.tensor([[0, 7], [-1, 300]]), "labels 0", frozenset([-1])).tolist()
        [[0, 7], [65535, 300]]
    """
    if isinstance(labels, Image.Image):
        if labels.mode not in ("P", "L", "I") and not labels.mode.startswith("I;16"):
            raise ValueError(
                f"{what}: got a label map of mode {labels.mode}; expected palette (P) or grey (of "
                "8 or 16 bits), where a pixel's value is its class id: convert colours to indices"
            )
        labels = np.asarray(labels)
    values = labels.detach().cpu().numpy() if isinstance(labels, torch.Tensor) else labels
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iub":
        kind = getattr(labels, "dtype", type(labels).__name__)
        raise ValueError(
            f"{what}: got a label map of {kind}; expected whole numbers, one per pixel, as a "
            "Pillow image, a tensor or a NumPy array"
        )
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{what}: got a label map of shape {values.shape}; expected H x W")
    if values.dtype in (np.uint8, np.bool_):
        return np.ascontiguousarray(values, dtype=np.uint8)
    if negatives:
        values = np.where(np.isin(values, list(negatives)), WIDE_VOID, values)
    least, most = int(values.min()), int(values.max())
    if least < 0 or most > WIDE_VOID:
        raise ValueError(
            f"{what}: got labels {least}..{most}; expected 0..{WIDE_VOID}: list a negative label "
            "in void_ids, and renumber larger ones"
        )
    deep = (values > np.iinfo(np.uint8).max).any()
    return np.ascontiguousarray(values, dtype=np.uint16 if deep else np.uint8)
