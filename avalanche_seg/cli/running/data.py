"""From options to the description of a data set."""

from dataclasses import replace
from typing import Any

from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.options.own_data import OWN_DATA
from avalanche_seg.datasets import (
    SegmentationFiles,
    from_coco,
    from_folders,
    read_files,
    with_extra_maps,
)

__all__ = ["read_data"]


def read_data(options: Options) -> SegmentationFiles:
    """The data set of the options.

    Raises:
        ValueError: as the reader does; for a ``--split`` that is neither a share nor two parts.
    """
    files = _read(options)
    if options.saliency is not None:
        files = with_extra_maps(files, "saliency", options.saliency)
    if options.in_channels is None and options.value_range is None:
        return files
    ends = _range(options.value_range) or files.value_range
    return replace(files, n_channels=options.in_channels or files.n_channels, value_range=ends)


def _range(words: tuple[float, ...] | None) -> tuple[float, float] | None:
    return None if words is None else (words[0], words[1])


def _read(options: Options) -> SegmentationFiles:
    if options.dataset not in OWN_DATA:
        return read_files(options.dataset, options.data_root)
    images, masks = options.images or "", options.masks or ""
    split = _share_or_pair(options.split)
    if options.dataset == "folders":
        more = {} if split is None else {"split": split}
        if options.in_channels is not None:  # Numbering the classes reads the images already.
            more["n_channels"] = options.in_channels
        return from_folders(
            images,
            masks,
            class_names=options.classes,
            value_range=_range(options.value_range),
            **more,
        )
    if isinstance(split, tuple):
        raise ValueError(
            f"--split {options.split} on --dataset coco; expected a share, such as 0.2: give the "
            "files of a split as --masks TRAIN.json,TEST.json"
        )
    more = {} if split is None else {"split": split}
    return from_coco(_one_or_pair(images), _one_or_pair(masks), **more)


def _one_or_pair(text: str) -> Any:
    parts = text.split(",")
    return text if len(parts) == 1 else tuple(parts)


def _share_or_pair(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pair = _one_or_pair(text)
    if isinstance(pair, str) or len(pair) != 2:
        raise ValueError(
            f"--split {text}; expected a share of the images to test on, such as 0.2, or "
            "TRAIN,TEST: folders or list files"
        )
    return pair
