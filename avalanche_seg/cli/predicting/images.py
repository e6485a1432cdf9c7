"""The images of ``predict``: which they are, what their results are called, pixels."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets import image_head, image_suffixes, read_bands, read_image
from avalanche_seg.models import SegmentationModel

__all__ = ["UNKNOWN_SIZE", "find_images", "name_results", "read_for", "read_rgb", "size_of"]

UNKNOWN_SIZE = (0, 0)
"""Of a file that :func:`size_of` cannot read."""


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The images themselves and those that lie in the folders, each once, in order.

    Args:
        paths: files, taken whatever their name, and folders, whose own folders are left alone.

    Raises:
        ValueError: naming a path that does not exist, or when there is no image at all.
    """
    found: list[Path] = []
    suffixes = image_suffixes()
    for path in paths:
        if path.is_dir():
            found += sorted(
                p for p in path.iterdir() if p.is_file() and p.suffix.lower() in suffixes
            )
        elif path.is_file():
            found.append(path)
        else:
            raise ValueError(f"{path} does not exist; pass images or folders of images")
    if not found:
        raise ValueError(
            f"{', '.join(map(str, paths))} holds no image; expected files that "
            "Pillow reads, such as .jpg, .png or .tif: pass another folder"
        )
    return list({path.resolve(): path for path in found}.values())


def name_results(images: Sequence[Path]) -> list[str]:
    """A name for every image's results: its own without suffix, longer where two would be alike.

    Raises:
        ValueError: naming two images that no rule tells apart.

    Example:
        >>> name_results([Path("a/cat.png"), Path("b/cat.png"), Path("b/dog.png")])
        ['a_cat', 'b_cat', 'dog']
        >>> name_results([Path("cat.png"), Path("cat.jpg")])
        ['cat_png', 'cat_jpg']
    """
    rules: tuple[Callable[[Path], str], ...] = (
        lambda path: path.stem,
        lambda path: f"{path.resolve().parent.name}_{path.stem}",
        lambda path: f"{path.stem}_{path.suffix[1:]}",
        lambda path: f"{path.resolve().parent.name}_{path.stem}_{path.suffix[1:]}",
        lambda path: "_".join(path.resolve().with_suffix("").parts[1:]) + f"_{path.suffix[1:]}",
    )
    chosen = [0] * len(images)
    while True:
        names = [rules[rule](path) for rule, path in zip(chosen, images, strict=True)]
        # Some disks take Cat.png and cat.png for the same file.
        times = Counter(name.casefold() for name in names)
        alike = [i for i, name in enumerate(names) if times[name.casefold()] > 1]
        if not alike:
            return names
        stuck = [i for i in alike if chosen[i] + 1 == len(rules)]
        if stuck:
            raise ValueError(
                f"{images[alike[0]]} and {images[alike[1]]} would write the same file "
                f"{names[alike[0]]}.png; rename one, or predict them one after the other"
            )
        for i in alike:
            chosen[i] += 1


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) as shown, from the file's head; ``UNKNOWN_SIZE`` when it cannot be read."""
    try:
        head = image_head(path, path.read_bytes())
    except (OSError, ValueError):
        return UNKNOWN_SIZE
    return head.height, head.width


def read_for(model: SegmentationModel, path: Path) -> NDArray[np.uint8]:
    """Read any image as the model's training did, uint8, H x W x channels, upright.

    Raises:
        ValueError: as :func:`read_rgb`; for other channels than the model's.
    """
    images = model.normalization
    if images.in_channels == 3 and images.value_range is None:
        return read_rgb(path)
    return read_bands(path, images.in_channels, images.value_range)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read any image as uint8, H x W x 3, RGB, upright: the pixels that training sees.

    Raises:
        ValueError: as :func:`avalanche_seg.datasets.read_image`.
    """
    return read_image(path).permute(1, 2, 0).numpy()
