"""List files: which images and masks a split holds."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.suffixes import FilesOfIds
from avalanche_seg.system import expand_home

__all__ = ["IMAGE_SUFFIXES", "MASK_SUFFIXES", "check_pairs", "read_pairs", "read_text"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".JPG", ".JPEG", ".png", ".PNG")
MASK_SUFFIXES = (".png", ".PNG")

Pair = tuple[Path, Path]


def read_pairs(
    split_file: Path,
    *,
    root: Path,
    image_dir: Path,
    mask_dir: Path,
    any_suffix: bool = False,
) -> Split:
    """Read a list file: one ID, or one pair ``/images/ID.jpg /masks/ID.png``, per line.

    IDs and paths may hold spaces: a line of several words is a pair where both parts are files, and
    else an ID.

    Args:
        split_file: the list file.
        root: the data set's folder, which pairs are relative to. A path that begins with ``/`` and
            is no file below it is absolute; ``~`` is the home folder.
        image_dir: folder of ``ID.jpg``, or with any other suffix of an image, in any case.
        mask_dir: folder of ``ID.png``; the same.
        any_suffix: images may have suffixes of no image, as readers of one's own read.

    Raises:
        ValueError: when the list is missing, empty or malformed, names an ID twice, when one of
            the files does not exist, is both image and mask, or is one of several of its ID.
    """
    if not split_file.is_file():
        raise ValueError(
            f"{split_file} is missing; expected a text file with one image ID per line"
        )
    lines = (line.strip() for line in read_text(split_file).split("\n"))
    entries = [line for line in lines if line]
    if not entries:
        raise ValueError(f"{split_file} is empty; expected one image ID per line")
    images = FilesOfIds(image_dir, IMAGE_SUFFIXES, any_suffix=any_suffix)
    masks = FilesOfIds(mask_dir, MASK_SUFFIXES)
    pairs = []
    for entry in entries:
        pair = _pair(entry, root)
        if pair is None:
            pair = images.find(entry), masks.find(entry)
            if " " in entry and not pair[0].is_file():
                raise ValueError(
                    f"{split_file}: got the line {entry!r}; expected one ID, or an image and a "
                    f"mask path: {image_dir} holds no image of this name, and nowhere in it does "
                    "a space part two files"
                )
        pairs.append(pair)
    check_pairs(split_file, pairs)
    images_of_pairs, masks_of_pairs = zip(*pairs, strict=True)
    return Split(root, split_file.stem, images_of_pairs, masks_of_pairs)


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without a byte order mark; ValueError names it otherwise."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error


def _pair(entry: str, root: Path) -> Pair | None:
    """Image and mask of a line that is a pair; None for an ID, which may hold spaces too."""
    pairs = list(_cuts(entry, root))
    for pair in pairs:
        if all(path.is_file() for path in pair):
            return pair
    # Of one cut, between what can only be paths, the files are missing.
    return pairs[0] if len(pairs) == 1 and "/" in entry else None


def _cuts(entry: str, root: Path) -> Iterator[Pair]:
    """The line cut in two at every space."""
    for space in re.finditer(r"\s+", entry):
        yield _path(entry[: space.start()], root), _path(entry[space.end() :], root)


def _path(text: str, root: Path) -> Path:
    """A path of the list: below the root, with or without ``/`` at its start, or absolute."""
    below, absolute = root / text.lstrip("/"), expand_home(text)
    return (
        absolute if absolute.is_absolute() and not below.is_file() and absolute.is_file() else below
    )


def check_pairs(split_file: object, pairs: Sequence[Pair]) -> None:
    """Check that files exist, once each.

    Args:
        split_file: what lists them, for messages.
        pairs: images and masks.

    Raises:
        ValueError: naming the first that does not, is there twice, or is image and mask.
    """
    images = [image for image, _ in pairs]
    if len(set(images)) != len(images):
        doubled = next(path for path, times in Counter(images).items() if times > 1)
        raise ValueError(f"{split_file} lists {doubled.stem} twice; list each image once")
    for image, mask in pairs:
        if image == mask:
            raise ValueError(
                f"{split_file}: {image} is found as image and as mask; expected two files: keep "
                "masks in a folder of their own, or list pairs of paths"
            )
    missing = [path for path in (*images, *(mask for _, mask in pairs)) if not path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(
            f"{split_file} lists {missing[0]}{more}, which does not exist{_alike(missing[0])}; "
            "restore the file or take it off the list"
        )


def _alike(missing: Path) -> str:
    """A file beside a missing one whose name is the same but for its case or its suffixes."""
    folder = missing.parent
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if missing.stem.casefold() in (path.stem.casefold(), path.name.casefold()):
            return f" (there is {path.name})"
    return ""
