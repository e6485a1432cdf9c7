"""The loop of ``avalanche-seg predict``: batches of files, label maps, files of results."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional
from tqdm import tqdm

from avalanche_seg.cli.predicting.drawing import mask_image, overlay
from avalanche_seg.cli.predicting.images import UNKNOWN_SIZE, read_for, size_of
from avalanche_seg.datasets import as_rgb
from avalanche_seg.kernels import predicted_labels
from avalanche_seg.models import SegmentationModel
from avalanche_seg.system import atomic_write

__all__ = ["label_maps", "predict"]


def predict(
    model: SegmentationModel,
    images: Sequence[Path],
    names: Sequence[str],
    folder: Path,
    *,
    batch_size: int = 1,
    size: int | None = None,
    opacity: float = 0.5,
) -> list[ValueError]:
    """Write ``NAME.png`` and ``NAME_overlay.jpg`` for every image, and ``classes.txt``.

    Args:
        model: in evaluation mode, with class names.
        images: the files.
        names: of every image's results.
        folder: where to write; made where it is missing.
        batch_size: images of the same size that go through the network together.
        size: the shorter side of the images in the network, in pixels; None keeps theirs.
        opacity: of the overlays' colours, 0..1.

    Returns:
        an error for every image that could not be read; the others are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / "classes.txt") as temporary:
        # A name of several lines would move the names after it.
        lines = (" ".join(name.splitlines()) for name in model.class_names)
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    failed = []
    with tqdm(total=len(images), unit="image") as bar:
        for batch in _batches(images, names, batch_size):
            read = {}
            for path, name in batch:
                try:
                    read[name] = read_for(model, path)
                except ValueError as error:
                    failed.append(error)
            maps = label_maps(model, list(read.values()), size=size) if read else []
            for (name, pixels), labels in zip(read.items(), maps, strict=True):
                _write(folder, name, pixels, labels, model, opacity)
            bar.update(len(batch))
    return failed


@torch.inference_mode()
def label_maps(
    model: SegmentationModel, images: Sequence[NDArray[np.uint8]], *, size: int | None = None
) -> list[NDArray[np.int32]]:
    """The class of every pixel.

    Args:
        model: in evaluation mode.
        images: uint8, H x W x channels, all of the same size.
        size: the shorter side of the images in the network, in pixels; None keeps theirs.

    Returns:
        a map per image, int32, H x W of the images as given: logits are resized, not labels.
    """
    device = next(model.parameters()).device
    pixels = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
    logits = model(_resized(pixels, size)).logits
    height, width = images[0].shape[:2]
    # One after the other: logits at the images' size are the largest tensors of all.
    return [
        predicted_labels(one, (height, width), model.scores)[0].to(torch.int32).cpu().numpy()
        for one in logits.split(1)
    ]


def _resized(pixels: Tensor, size: int | None) -> Tensor:
    if size is None:
        return pixels
    height, width = pixels.shape[-2:]
    scale = size / min(height, width)
    wanted = [max(1, round(height * scale)), max(1, round(width * scale))]
    return functional.resize(pixels, wanted, antialias=True)


def _batches(
    images: Sequence[Path], names: Sequence[str], batch_size: int
) -> Iterator[list[tuple[Path, str]]]:
    """Batches of images of one size."""
    by_size: dict[tuple[int, int], list[tuple[Path, str]]] = {}
    for path, name in zip(images, names, strict=True):
        by_size.setdefault(size_of(path), []).append((path, name))
    for size, alike in by_size.items():
        together = 1 if size == UNKNOWN_SIZE else batch_size
        for start in range(0, len(alike), together):
            yield alike[start : start + together]


def _write(
    folder: Path,
    name: str,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int32],
    model: SegmentationModel,
    opacity: float,
) -> None:
    ids = model.class_ids
    if ids and not model.has_background:  # Black, the colour of id 0, is for a background.
        ids = tuple(number + 1 for number in ids)
    with atomic_write(folder / f"{name}.png") as temporary:
        mask_image(labels, ids, n_classes=model.n_classes).save(temporary, "PNG")
    shown = as_rgb(torch.from_numpy(pixels).movedim(-1, 0)).movedim(0, -1).numpy()
    drawn = overlay(
        shown,
        labels,
        model.class_names,
        opacity=opacity,
        class_ids=ids,
        has_background=model.has_background,
    )
    with atomic_write(folder / f"{name}_overlay.jpg") as temporary:
        drawn.save(temporary, "JPEG", quality=90)
