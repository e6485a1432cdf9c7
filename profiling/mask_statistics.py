"""The mask statistics of a data set: the first scan, and what a later construction costs.

The original looks through every sample for every step: it opens and decodes image and mask and
takes the mask's unique values, one after the other.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from avalanche_seg.benchmarks import incremental_benchmark
from avalanche_seg.datasets import SegmentationFiles, Split, mask_statistics
from avalanche_seg.datasets.mask_scan import scan
from profiling.measuring import Comparison, in_fresh_process
from profiling.photographs import paths, write_photographs
from profiling.report import Section, Target, main

__all__ = ["measure"]

Times = dict[str, list[float]]


def measure(*, quick: bool = False) -> list[Section]:
    """The statistics of masks, and the construction of a benchmark after it."""
    n_masks = 8 if quick else 1024
    cpu, wall = in_fresh_process(_measure, n_masks, 1 if quick else 9)
    per_core = Comparison(cpu["scan"], cpu["original"])
    later = 100 * statistics.median(wall["later"]) / statistics.median(wall["original"])
    rows = [
        [name, *(f"{1e3 * statistics.median(times[key]) / n_masks:.4f}" for times in (cpu, wall))]
        for key, name in (
            ("original", "original's scan"),
            ("masks", "original's scan without decoding images"),
            ("one", "our scan, one thread"),
            ("scan", f"our scan, {os.cpu_count()} threads, the default"),
            ("later", "a later construction of the benchmark"),
        )
    ]
    ours = 100 * statistics.median(wall["later"]) / statistics.median(wall["scan"])
    return [
        Section(
            "Mask statistics",
            f"{n_masks} masks of 500 x 375 in the system's cache; milliseconds per mask, of "
            f"processor time (all threads) and on the clock, {os.cpu_count()} cores.",
            ["what", "processor, ms", "clock, ms"],
            rows,
            notes=[
                f"Original over ours: {per_core.text()} of processor time with all threads and "
                f"{Comparison(wall['scan'], wall['original']).text()} on the clock; on one thread "
                f"{Comparison(cpu['one'], cpu['original']).text()}, and with masks alone decoded "
                f"{Comparison(cpu['one'], cpu['masks']).text()}.",
                "A later construction, of any task, looks at the files' sizes and times and at the "
                f"contents of 16 samples, and decodes no mask: {later:.2f} % of the original's "
                f"scan, which takes place for every step, and {ours:.1f} % of ours.",
            ],
            targets=[
                Target(
                    "mask statistics, masks per core-second, all threads",
                    5,
                    per_core.ratio,
                    text=per_core.text(),
                ),
                Target(
                    "later construction, share of the original's scan",
                    1,
                    later,
                    at_least=False,
                    unit=" %",
                ),
            ],
        )
    ]


def _measure(n_masks: int, rounds: int) -> tuple[Times, Times]:
    """Seconds of processor and on the clock, by what was done."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["AVALANCHE_SEG_CACHE"] = str(Path(name) / "cache")
        files = write_photographs(Path(name), n_masks)
        values = files.train.values
        assert values is not None
        mask_statistics(files.train, progress=False)
        works: dict[str, Callable[[], object]] = {
            "one": lambda: scan(files.train, values=values, progress=False, threads=1),
            "scan": lambda: scan(files.train, values=values, progress=False),
            "original": lambda: _original(files.train, decode=True),
            "masks": lambda: _original(files.train, decode=False),
            "later": lambda: _construct(files),
        }
        cpu: Times = {key: [] for key in works}
        wall: Times = {key: [] for key in works}
        for _ in range(rounds):
            for key, work in works.items():
                start, processor = time.perf_counter(), time.process_time()
                work()
                wall[key].append(time.perf_counter() - start)
                cpu[key].append(time.process_time() - processor)
    return cpu, wall


def _original(samples: Split, *, decode: bool) -> list[np.ndarray]:
    found = []
    for image_file, mask_file in zip(paths(samples.images), paths(samples.masks), strict=True):
        with Image.open(image_file) as image:
            if decode:
                image.convert("RGB")
        found.append(np.unique(np.array(Image.open(mask_file))))
    return found


def _construct(files: SegmentationFiles) -> None:
    incremental_benchmark(files, task="15-5", setting="overlapped", progress=False)


if __name__ == "__main__":
    main(measure)
