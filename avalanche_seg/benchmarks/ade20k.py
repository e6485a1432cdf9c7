"""ADE20K as class-incremental streams."""

from functools import partial
from pathlib import Path
from typing import Unpack

from avalanche_seg.benchmarks.classic import with_full_signature
from avalanche_seg.benchmarks.incremental import incremental_benchmark
from avalanche_seg.benchmarks.options import BenchmarkOptions
from avalanche_seg.benchmarks.scenario import SegmentationScenario
from avalanche_seg.datasets import UnlabelledIs, download_ade20k, read_ade20k
from avalanche_seg.system import broadcast, is_main

__all__ = ["ADE20KIncremental"]

_TASK = "100-50"


@partial(with_full_signature, task=_TASK)
def ADE20KIncremental(  # noqa: N802 - benchmarks are named like classes in Avalanche
    root: str | Path,
    *,
    zero_is: UnlabelledIs = "unlabelled",
    download: bool = False,
    **options: Unpack[BenchmarkOptions],
) -> SegmentationScenario:
    """ADE20K (scene parsing challenge) as class-incremental streams; 150 classes.

    Ids are by falling share of pixels, so step 0 of "100-50" learns the most frequent classes.
    Tasks of the literature: "100-50" (the default), "100-10", "100-5", "50" (the same as "50-50"),
    "100-25", "50-10", "50-20", and in MiB's other orders "100-50b", "100-10b", "50b", "100-50c",
    "100-10c", "50c". Nearly everyone uses ``setting="overlapped"`` and the first order. What MiB
    calls disjoint here is ``setting="partitioned"``: its own lists for "100-50", "100-10", "50"
    and their order b; other tasks draw a partition. ``setting="disjoint"`` is the strict filter of
    VOC, which leaves 4,838 of 20,210 images to step 0 of "50".

    Args:
        root: the data set's folder, or the folder that holds it; see
            :func:`avalanche_seg.datasets.ade20k.read_ade20k`.
        zero_is: what pixels without a label are. "unlabelled": in training what ``train_void``
            says, in tests void (MiB); "background": background in both (PLOP, RCIL, DKD).
        download: fetch the 923 MB into ``root`` first, unless they are there; a download that was
            stopped is gone on with.
        **options: as in :func:`incremental_benchmark`.

    Raises:
        ValueError: as :func:`incremental_benchmark`; for a partition of MiB's on other than its
            20,210 training images.
    """
    if download:
        # One of several processes fetches; the others wait for the path.
        progress = options.get("progress", True)
        broadcast(str(download_ade20k(Path(root), progress=progress)) if is_main() else None)
    options.setdefault("task", _TASK)
    return incremental_benchmark(read_ade20k(Path(root), zero_is=zero_is), **options)
