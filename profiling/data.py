"""The made-up VOC that scripts read from the disk."""

from pathlib import Path
from typing import Any

from avalanche_seg.benchmarks import SegmentationScenario, VOCIncremental
from avalanche_seg.datasets import make_synthetic_voc

__all__ = ["synthetic_benchmark"]


def synthetic_benchmark(
    folder: str | Path,
    *,
    size: tuple[int, int],
    n_train: int = 20,
    n_val: int = 20,
    **options: Any,
) -> SegmentationScenario:
    """Steps 15-5, overlapped, of drawn images.

    Args:
        folder: where to write them.
        size: (H, W) of every image in pixels.
        n_train: training images, 20 or more.
        n_val: validation images, 20 or more.
        **options: of :func:`avalanche_seg.benchmarks.VOCIncremental`.
    """
    devkit = make_synthetic_voc(Path(folder) / "voc", n_train=n_train, n_val=n_val, size=size)
    arguments = {"task": "15-5", "setting": "overlapped", "progress": False, **options}
    return VOCIncremental(devkit, **arguments)
