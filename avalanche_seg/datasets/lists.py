"""List files: which images and masks a split holds."""

from collections.abc import Sequence
from pathlib import Path

from avalanche_seg.datasets.description import Split

__all__ = ["read_pairs", "read_text"]


def read_pairs(split_file: Path, *, root: Path, image_dir: Path, mask_dir: Path) -> Split:
    """Read a list file: one ID, or one pair ``/images/ID.jpg /masks/ID.png``, per line.

    Args:
        split_file: the list file.
        root: the data set's folder, which pairs are relative to.
        image_dir: folder of ``ID.jpg`` (``.jpeg`` and ``.png`` are tried as well).
        mask_dir: folder of ``ID.png``.

    Raises:
        ValueError: when the list is missing, empty or malformed, names an ID twice, or when one of
            the files does not exist.
    """
    if not split_file.is_file():
        raise ValueError(
            f"{split_file} is missing; expected a text file with one image ID per line"
        )
    lines = read_text(split_file).split("\n")
    entries = [line.split() for line in lines if line.strip()]
    if not entries:
        raise ValueError(f"{split_file} is empty; expected one image ID per line")
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
    return Split(root, split_file.stem, tuple(images), tuple(masks))


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without a byte order mark; ValueError names it otherwise."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error


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
