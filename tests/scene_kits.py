"""Tiny ADE20K and Cityscapes folders written by hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from tests.devkits import grey, write_image, write_list, write_mask

ADE_SPLITS = {"training": "train", "validation": "val"}


def write_ade20k(
    root: Path,
    splits: Mapping[str, list[ArrayLike]],
    *,
    names: Mapping[int, str] | None = None,
) -> Path:
    """Write an ADE20K folder.

    Args:
        root: the folder that is to hold it.
        splits: masks (H x W ids) by split ("training", "validation").
        names: with synonyms, by id 1..150, for ``objectInfo150.txt``; None writes no such file.

    Returns:
        the data set's folder. Image k, counted over all splits, is plain grey of level ``grey(k)``.
    """
    folder, n_written = root / "ADEChallengeData2016", 0
    for split, masks in splits.items():
        for k, mask in enumerate(masks):
            ids = np.asarray(mask, dtype=np.uint8)
            name = f"ADE_{ADE_SPLITS[split]}_{k + 1:08d}"
            write_mask(folder / "annotations" / split / f"{name}.png", ids)
            write_image(folder / "images" / split / f"{name}.jpg", ids.shape, grey(n_written))
            n_written += 1
    if names is not None:
        head = "Idx\tRatio\tTrain\tVal\tName"
        lines = [f"{i}\t0.1\t5\t2\t{name}" for i, name in names.items()]
        write_list(folder / "objectInfo150.txt", [head, *lines])
    return folder


def write_cityscapes(
    root: Path,
    splits: Mapping[str, Mapping[str, list[ArrayLike]]],
    *,
    kind: str = "labelIds",
) -> Path:
    """Write a Cityscapes folder.

    Args:
        root: the folder that is to hold ``leftImg8bit`` and ``gtFine``.
        splits: masks (H x W values) by city, by split ("train", "val").
        kind: end of the masks' names, "labelIds" or "labelTrainIds".

    Returns:
        ``root``. Image k, counted over all splits, is plain grey of level ``grey(k)``.
    """
    n_written = 0
    for split, cities in splits.items():
        for city, masks in cities.items():
            for k, mask in enumerate(masks):
                values = np.asarray(mask, dtype=np.uint8)
                place, name = Path(split) / city, f"{city}_{k:06d}_000019"
                write_mask(root / "gtFine" / place / f"{name}_gtFine_{kind}.png", values)
                image = root / "leftImg8bit" / place / f"{name}_leftImg8bit.png"
                write_image(image, values.shape, grey(n_written))
                n_written += 1
    return root
