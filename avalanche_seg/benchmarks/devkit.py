"""What a reader finds on the disk: pairs of image and mask files, and the class names."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from avalanche_seg.benchmarks.plain_png import plain_rows

__all__ = [
    "UNREADABLE",
    "Devkit",
    "Samples",
    "open_label_map",
    "read_image",
    "read_label_map",
    "read_pairs",
    "read_text",
]

LABEL_MODES = ("P", "L")

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file it cannot read."""


@dataclass(frozen=True)
class Samples:
    """The image and mask files of one split, in the order of its list file."""

    root: Path
    split: str
    images: tuple[Path, ...]
    masks: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Devkit:
    """A data set on the disk: its class names by dataset id, its train and its test split."""

    name: str
    class_names: tuple[str, ...]
    train: Samples
    test: Samples

    @property
    def n_foreground(self) -> int:
        """Number of foreground classes."""
        return len(self.class_names) - 1


def read_pairs(split_file: Path, *, root: Path, image_dir: Path, mask_dir: Path) -> Samples:
    """Read a list file: one ID a line, or one pair ``/images/ID.jpg /masks/ID.png`` a line.

    Args:
        split_file: the list file.
        root: the devkit's folder, which pairs are relative to.
        image_dir: folder of ``ID.jpg`` (``.jpeg`` and ``.png`` are tried as well).
        mask_dir: folder of ``ID.png``.

    Raises:
        ValueError: when the list is missing, empty or malformed, names an ID twice, or when one of
            the files does not exist.
    """
    if not split_file.is_file():
        raise ValueError(f"{split_file} is missing; expected a text file with one image ID a line")
    lines = read_text(split_file).split("\n")
    entries = [line.split() for line in lines if line.strip()]
    if not entries:
        raise ValueError(f"{split_file} is empty; expected one image ID a line")
    suffixes = _Suffixes(image_dir)
    images, masks = [], []
    for entry in entries:
        if len(entry) == 2:
            images.append(root / entry[0].lstrip("/"))
            masks.append(root / entry[1].lstrip("/"))
        elif len(entry) == 1:
            images.append(suffixes.find(entry[0]))
            masks.append(mask_dir / f"{entry[0]}.png")
        else:
            raise ValueError(
                f"{split_file}: got the line {' '.join(entry)!r}; expected one ID, or an image and "
                "a mask path"
            )
    _check_files(split_file, images, masks)
    return Samples(root, split_file.stem, tuple(images), tuple(masks))


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without a byte order mark; ValueError names it otherwise."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error


def open_label_map(path: Path) -> Image.Image:
    """Open and decode a mask; its pixel values are dataset ids.

    Raises:
        ValueError: when the file is missing, unreadable, or does not hold one 8-bit index a pixel.
    """
    try:
        mask = Image.open(path)
        # Pillow stretches grey values of under 8 bits to 0..255; their raw mode is "L;4" or so.
        stretched = mask.mode == "L" and any(";" in str(tile[3]) for tile in mask.tile)
        mask.load()
    except UNREADABLE as error:
        raise ValueError(
            f"{path}: the mask cannot be read ({error}); replace the file or take it off the list"
        ) from error
    if mask.mode not in LABEL_MODES or stretched:
        raise ValueError(
            f"{path}: got a mask of mode {mask.mode}; expected palette (P) or 8-bit grey (L), "
            "where a pixel's value is its class id: convert colours to indices"
        )
    return mask


def read_label_map(path: Path) -> NDArray[np.uint8]:
    """Read a mask as dataset ids, uint8, H x W, read-only.

    Raises:
        ValueError: as :func:`open_label_map`.
    """
    try:
        rows = plain_rows(path.read_bytes())
    except OSError:
        rows = None  # Reading it again names what is wrong.
    return np.asarray(open_label_map(path), dtype=np.uint8) if rows is None else rows[:, 1:]


def read_image(path: Path) -> Tensor:
    """Read an image as uint8, 3 x H x W, RGB, 0..255, with the channels last in memory.

    Raises:
        ValueError: when the file is missing or unreadable.
    """
    try:
        content = np.fromfile(path, dtype=np.uint8)
        pixels = _decode_jpeg(content)
        if pixels is None:
            with Image.open(io.BytesIO(content.data)) as image:
                pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    except UNREADABLE as error:
        raise ValueError(
            f"{path}: the image cannot be read ({error}); replace the file or take it off the list"
        ) from error
    return pixels


def _decode_jpeg(content: NDArray[np.uint8]) -> Tensor | None:
    """A colour photograph's pixels by torchvision: the same as Pillow's, sooner.

    None leaves other files to Pillow: grey and CMYK ones, damaged ones, and all where torchvision
    has no decoder (it is announced to go: a warning, and an error for those who make it one).
    """
    if bytes(content[:3]) != b"\xff\xd8\xff":
        return None
    try:
        pixels = torchvision.io.decode_jpeg(torch.from_numpy(content))
    except (AttributeError, RuntimeError, DeprecationWarning):
        return None
    return pixels if len(pixels) == 3 else None


class _Suffixes:
    """Finds an ID's image file; the suffix of the first image is tried first for the rest."""

    def __init__(self, image_dir: Path) -> None:
        self.image_dir = image_dir
        self.known = [".jpg", ".jpeg", ".png", ".JPG"]

    def find(self, image_id: str) -> Path:
        for suffix in self.known:
            path = self.image_dir / f"{image_id}{suffix}"
            if path.is_file():
                if suffix != self.known[0]:
                    self.known.remove(suffix)
                    self.known.insert(0, suffix)
                return path
        return self.image_dir / f"{image_id}.jpg"


def _check_files(split_file: Path, images: Sequence[Path], masks: Sequence[Path]) -> None:
    if len(set(images)) != len(images):
        doubled = next(path for path in images if images.count(path) > 1)
        raise ValueError(f"{split_file} lists {doubled.stem} twice; list each image once")
    missing = [path for path in (*images, *masks) if not path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(
            f"{split_file} lists {missing[0]}{more}, which does not exist; restore the file or "
            "take it off the list"
        )
