"""A split of three masks whose pixels can be counted by hand."""

from pathlib import Path

from avalanche_seg.datasets import Split, read_folder
from tests.devkits import write_devkit

MASKS = {
    "a": [[0, 1, 1], [255, 2, 2]],
    "b": [[3, 3], [3, 3], [0, 255]],
    "c": [[0]],
}


def small_split(folder: Path) -> Split:
    """The training split of a devkit in ``folder / "kit"``."""
    names = ["background", "ant", "bee", "cat"]
    return read_folder(
        write_devkit(folder / "kit", {"train": MASKS, "val": {"z": [[1]]}}, names)
    ).train
