"""Data that flags describe in place of a folder in a known layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["OWN_DATA", "check_own_data", "guess", "own_name"]

OWN_DATA = {
    "folders": "--images and --masks with matching names",
    "coco": "--images and the JSON files of --masks",
}
"""Help by the name of the data set."""

_FLAGS = ("images", "masks", "split", "classes")


def guess(given: Mapping[str, Any]) -> str | None:
    """The data set that the flags mean where none names it; None for one in a known layout."""
    if "images" not in given:
        return None
    return "coco" if str(given.get("masks", "")).endswith(".json") else "folders"


def check_own_data(given: Mapping[str, Any], dataset: str) -> None:
    """Whether the flags fit the data set.

    Args:
        given: what the command line gave, by option.
        dataset: its name.

    Raises:
        ValueError: naming the flag that is missing or has no effect.
    """
    if dataset in OWN_DATA:
        for name in ("images", "masks"):
            if name not in given:
                raise ValueError(f"--dataset {dataset} needs --{name}; add it")
        unused = [name for name in ("data_root",) if name in given]
        unused += [name for name in ("classes",) if name in given and dataset == "coco"]
    else:
        unused = [name for name in _FLAGS if name in given]
    if unused:
        raise ValueError(f"--{unused[0]} has no effect on --dataset {dataset}; leave it out")


def own_name(config: Mapping[str, Any]) -> str:
    """What tables call the data: the folder that holds the images' one.

    Example:
        >>> own_name({"dataset": "folders", "images": "data/roads/images"})
        'roads'
        >>> own_name({"dataset": "coco", "images": "train,val"})
        'coco'
    """
    first = str(config.get("images", "")).partition(",")[0]
    return Path(first).parent.name or str(config["dataset"])
