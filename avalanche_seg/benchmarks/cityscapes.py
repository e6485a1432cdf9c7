"""Cityscapes as streams of classes and of cities."""

from functools import partial
from pathlib import Path
from typing import Unpack

from avalanche_seg.benchmarks.classic import with_full_signature
from avalanche_seg.benchmarks.domain_incremental import (
    DomainOptions,
    domain_incremental_benchmark,
)
from avalanche_seg.benchmarks.incremental import incremental_benchmark
from avalanche_seg.benchmarks.options import BenchmarkOptions
from avalanche_seg.benchmarks.scenario import SegmentationScenario
from avalanche_seg.datasets import read_cityscapes, read_cityscapes_domains

__all__ = ["CityscapesDomains", "CityscapesIncremental"]

_CLASS_TASK, _DOMAIN_TASK = "13-6", "11-5"


@partial(with_full_signature, task=_CLASS_TASK)
def CityscapesIncremental(  # noqa: N802 - benchmarks are named like classes in Avalanche
    root: str | Path, **options: Unpack[BenchmarkOptions]
) -> SegmentationScenario:
    """Cityscapes as class-incremental streams; 19 classes, 2,975 and 500 images.

    Tasks of the literature: "13-6" (the default), "13-1", "14-1", "14-5", "10-9", "10-1", "17-2",
    "18-1". Nearly every image shows classes of the first step, so ``setting="overlapped"`` gives
    nearly all images to it and many again to later steps (13-6: 2975, 2936), and "disjoint" leaves
    it few: ``setting="partitioned"``, which gives every image to one step, is the honest one.

    What has no class is background in training (``train_void``), as in UCD's line, and void in
    tests. Images must be got by hand; the error says which archives.

    Args:
        root: the folder that holds ``leftImg8bit`` and ``gtFine``; see
            :func:`avalanche_seg.datasets.cityscapes.read_cityscapes`.
        **options: as in :func:`incremental_benchmark`.

    Raises:
        ValueError: as :func:`incremental_benchmark`.
    """
    options.setdefault("task", _CLASS_TASK)
    return incremental_benchmark(read_cityscapes(Path(root)), **options)


@partial(
    with_full_signature, benchmark=domain_incremental_benchmark, task=_DOMAIN_TASK, split="clean"
)
def CityscapesDomains(  # noqa: N802 - benchmarks are named like classes in Avalanche
    root: str | Path, **options: Unpack[DomainOptions]
) -> SegmentationScenario:
    """Cityscapes as a domain-incremental stream: steps are cities, all with the same 19 classes.

    Tasks of the literature (Douillard et al., CVPR 2021): "11-5" (the default), "11-1" and "1-1".
    The training and validation images, 3,475 of 21 cities, are one pool. ``split="clean"``, the
    default, tests on a fifth of every city's images that no step trains on. ``split="legacy"``
    draws as the published code does, for its numbers: a test set shuffles the images of all seen
    cities anew, so that 71 to 78 % of the images of the last one were trained on. With 11-5 it
    trains on 1504, 702 and 573 images.

    Args:
        root: as in :func:`CityscapesIncremental`.
        **options: as in :func:`domain_incremental_benchmark`.

    Raises:
        ValueError: as :func:`domain_incremental_benchmark`.
    """
    options.setdefault("task", _DOMAIN_TASK)
    options.setdefault("split", "clean")
    return domain_incremental_benchmark(read_cityscapes_domains(Path(root)), **options)
