"""Which images of a user's own folders are trained and tested on."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.lists import IMAGE_SUFFIXES, MASK_SUFFIXES, check_pairs, read_pairs
from avalanche_seg.datasets.suffixes import FilesOfIds, image_suffixes
from avalanche_seg.system import check_number, expand_home

__all__ = ["OwnSplit", "find_splits", "split_ids"]

OwnSplit = float | tuple[Any, Any]
"""A share of the images to test on, or (train, test): folders, list files or IDs."""


def split_ids(ids: Sequence[Any], share: float, seed: int) -> tuple[list[Any], list[Any]]:
    """Draw a share of the ids, one at least, as test ids; both parts keep the order.

    Args:
        ids: all.
        share: of the tests, between 0 and 1.
        seed: of the draw.

    Raises:
        ValueError: when the share is out of range or leaves no id to train on.

    Example:
        >>> split_ids("abcde", 0.4, 0)
        (['a', 'b', 'd'], ['c', 'e'])
    """
    check_number("split", share, above=0, most=1)
    n_test = max(1, round(share * len(ids)))
    if n_test >= len(ids):
        raise ValueError(
            f"split={share} leaves none of {len(ids)} images to train on; expected a smaller share"
        )
    drawn = set(np.random.default_rng(seed).permutation(len(ids))[:n_test].tolist())
    train = [one for i, one in enumerate(ids) if i not in drawn]
    return train, [one for i, one in enumerate(ids) if i in drawn]


def find_splits(
    images: Path, masks: Path, split: OwnSplit, seed: int, *, any_suffix: bool
) -> list[Split]:
    """The splits of two folders with matching names.

    Args:
        images: folder of the images.
        masks: folder of the masks.
        split: as of :func:`avalanche_seg.datasets.from_folders`.
        seed: of a drawn split.
        any_suffix: images may have suffixes of no image.

    Raises:
        ValueError: naming what is missing, there twice, or does not fit.
    """
    root = images.parent
    if isinstance(split, float | int):
        ids = _ids(images, any_suffix, but=masks)
        _check_halves(images, masks, "", ids)
        parts = split_ids(ids, split, seed)
        return [
            _listed(root, images, masks, name, part, any_suffix)
            for name, part in zip(("train", "test"), parts, strict=True)
        ]
    if not isinstance(split, tuple | list) or len(split) != 2:
        raise ValueError(
            f"split={split!r}; expected a share of the images to test on, or (train, test): names "
            "of folders, list files or sequences of IDs"
        )
    found = []
    for name, part in zip(("train", "test"), split, strict=True):
        if not isinstance(part, str | Path):
            found.append(_listed(root, images, masks, name, list(part), any_suffix))
        elif (images / part).is_dir():
            ids = [f"{part}/{one}" for one in _ids(images / part, any_suffix)]
            _check_halves(images, masks, str(part), ids)
            found.append(_listed(root, images, masks, str(part), ids, any_suffix))
        elif expand_home(part).is_file():
            found.append(
                read_pairs(
                    expand_home(part),
                    root=root,
                    image_dir=images,
                    mask_dir=masks,
                    any_suffix=any_suffix,
                )
            )
        else:
            raise ValueError(
                f"split: {part} is neither a folder below {images} nor a list file; pass such "
                "folders or files for training and tests, or a share such as split=0.2"
            )
    return found


def _ids(folder: Path, any_suffix: bool, but: Path | None = None) -> list[str]:
    """Names, below the folder, of all images without their suffixes, ascending.

    A folder of masks below it is left out.
    """
    found = [
        path.relative_to(folder).with_suffix("").as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and (but == folder or but not in path.parents)
        and not path.name.startswith(".")
        and (any_suffix or path.suffix.lower() in image_suffixes())
    ]
    if not found:
        raise ValueError(f"{folder} holds no image; expected the images in it, or in folders below")
    doubled = next((one for one, times in Counter(found).items() if times > 1), None)
    if doubled is not None:
        raise ValueError(
            f"{folder} holds two files {doubled!r} of different suffixes; expected one: remove or "
            "rename the other, and keep masks in a folder of their own"
        )
    return found


def _check_halves(images: Path, masks: Path, below: str, ids: Sequence[str]) -> None:
    """ValueError for masks without an image; images without a mask are named later."""
    folder = masks / below
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; expected the masks of {images / below}")
    prefix = f"{below}/" if below else ""
    spare = sorted({f"{prefix}{one}" for one in _ids(folder, False)} - set(ids))
    if spare:
        more = f" and {len(spare) - 1} more" if len(spare) > 1 else ""
        raise ValueError(
            f"{masks} holds a mask {spare[0]!r}{more} without an image in {images}; restore the "
            "image, remove the mask, or list the IDs to take by split"
        )


def _listed(
    root: Path, images: Path, masks: Path, name: str, ids: Sequence[str], any_suffix: bool
) -> Split:
    if not ids:
        raise ValueError(f"split: got no ID for {name}; expected one at least")
    image_files = FilesOfIds(images, IMAGE_SUFFIXES, any_suffix=any_suffix)
    mask_files = FilesOfIds(masks, MASK_SUFFIXES)
    pairs = [(image_files.find(one), mask_files.find(one)) for one in ids]
    check_pairs(f"the split {name}", pairs)
    return Split(root, name, tuple(i for i, _ in pairs), tuple(m for _, m in pairs))
