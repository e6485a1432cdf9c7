"""The published pre-processing, ready to use as ``train_transform`` and ``eval_transform``."""

from torchvision.transforms import v2

from avalanche_seg.benchmarks.transforms import Normalize, RandomResizedCrop, ResizeShorterSide
from avalanche_seg.normalization import Normalization
from avalanche_seg.system import check_flags, check_number, check_whole

__all__ = ["eval_preset", "train_preset"]


def train_preset(
    crop_size: int = 512,
    *,
    scale: tuple[float, float] = (0.5, 2.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    flip_p: float = 0.5,
    normalize: bool | Normalization = False,
) -> v2.Compose:
    """Random resized crop and horizontal flip, as MiB trains (Cermelli et al., CVPR 2020).

    Args:
        crop_size: side of the square output, in pixels.
        scale: range of the crop's area, as a share of the image's area. A drawn crop that is larger
            than the image is drawn again, and falls back to a central crop, as in torchvision.
        ratio: range of the crop's aspect ratio (width / height).
        flip_p: probability of a horizontal flip.
        normalize: False: samples stay uint8 and the strategy normalises on the device. True:
            float32 images and int64 label maps, for any other training loop; a
            :class:`~avalanche_seg.normalization.Normalization` in place of ImageNet's, as a model
            for images of other channels has (``model.normalization``).

    Raises:
        ValueError: for a size below one, a range that is none, or a probability outside 0..1.

    Example:
        >>> import torch
        >>> from torchvision import tv_tensors
        >>> image = tv_tensors.Image(torch.zeros(3, 40, 60, dtype=torch.uint8))
        >>> image, labels = train_preset(32)(image, tv_tensors.Mask(image[0]))
        >>> image.shape, labels.shape
        (torch.Size([3, 32, 32]), torch.Size([32, 32]))
    """
    check_whole("crop_size", crop_size, least=1)
    _check_range("scale", scale)
    _check_range("ratio", ratio)
    check_number("flip_p", flip_p, most=1)
    _check_normalize(normalize)
    crop = RandomResizedCrop((crop_size, crop_size), scale=scale, ratio=ratio, antialias=True)
    steps = [crop, v2.RandomHorizontalFlip(flip_p)]
    return v2.Compose([*steps, *_normalized(normalize)])


def eval_preset(
    crop_size: int | None = 512, *, normalize: bool | Normalization = False
) -> v2.Compose:
    """Shorter side resized to the crop size, then a centre crop, as MiB tests.

    Args:
        crop_size: side of the square output in pixels; None evaluates at full resolution.
        normalize: as in :func:`train_preset`.

    Raises:
        ValueError: for a size below one.

    Example:
        >>> import torch
        >>> from torchvision import tv_tensors
        >>> image = tv_tensors.Image(torch.zeros(3, 40, 60, dtype=torch.uint8))
        >>> eval_preset(32)(image).shape, eval_preset(None)(image).shape
        (torch.Size([3, 32, 32]), torch.Size([3, 40, 60]))
    """
    _check_normalize(normalize)
    if crop_size is not None:
        check_whole("crop_size", crop_size, least=1)
    steps: list[v2.Transform] = []
    if crop_size is not None:
        steps = [ResizeShorterSide(crop_size), v2.CenterCrop(crop_size)]
    return v2.Compose([*steps, *_normalized(normalize)] or [v2.Identity()])


def _check_normalize(normalize: bool | Normalization) -> None:
    if not isinstance(normalize, Normalization):
        check_flags(normalize=normalize)


def _normalized(normalize: bool | Normalization) -> list[v2.Transform]:
    if isinstance(normalize, Normalization):
        return [Normalize(normalize)]
    return [Normalize()] if normalize else []


def _check_range(name: str, values: tuple[float, float]) -> None:
    """ValueError unless there are two positive numbers, the smaller first."""
    if not isinstance(values, tuple | list) or len(values) != 2:
        raise ValueError(f"{name}={values!r}; expected two numbers, the smaller first")
    low, high = (check_number(f"{name}[{i}]", value, above=0) for i, value in enumerate(values))
    if low > high:
        raise ValueError(f"{name}={values!r}; expected two numbers, the smaller first")
