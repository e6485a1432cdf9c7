"""Training samples per second on one core, from files to batches, at crop 512.

Ours is the loader of a strategy over the data set of an experience; the original re-maps labels in
Python and hands out normalised float32 images, which ours leaves to the device.
"""

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from avalanche_seg.benchmarks import incremental_benchmark, train_preset
from avalanche_seg.loading import train_loader
from profiling.measuring import Comparison, seconds
from profiling.original_samples import OriginalSamples, step_channels
from profiling.photographs import paths, photographs, write_photographs
from profiling.report import Section, Target, main

__all__ = ["measure"]

_BATCH = 4
_WANTED = 12
# What runs, and the cache that ours has.
_KINDS: dict[str, Any] = {
    "ours": False,
    "original": None,
    "original, plain": None,
    "ours, decoded": True,
}
_PAIRS = {
    "as trained": ("ours", "original"),
    "original without re-mapping": ("ours", "original, plain"),
    "ours with decoded images": ("ours, decoded", "original"),
}


def measure(*, quick: bool = False) -> list[Section]:
    """Training samples per second and core, from the disk, at crop 512."""
    n_images, crop = (8, 64) if quick else (32, 512)
    results, n_bytes = _compare(n_images, crop, 1 if quick else 9)
    rows = [
        [
            name,
            f"{1e3 * times.theirs_median / n_images:.2f}",
            f"{1e3 * times.ours_median / n_images:.2f}",
            f"{n_images / times.ours_median:.0f}",
            times.text(),
        ]
        for name, times in results.items()
    ]
    first = next(iter(results.values()))
    return [
        Section(
            "Training samples",
            f"Random crop to {crop} x {crop} of 500 x 375 images and masks, batches of {_BATCH}, "
            "one thread, files in the system's cache; milliseconds a sample.",
            ["what", "original, ms", "ours, ms", "ours, samples/s", "ratio"],
            rows,
            notes=[
                f"A JPEG has {n_bytes / 1024:.0f} kB on average; decoding it is a third or more of "
                "our time, and none of it is saved.",
                "Ours decodes to uint8 and stays so; normalisation takes place on the device.",
            ],
            targets=[
                Target(
                    "training samples per second and core", _WANTED, first.ratio, text=first.text()
                )
            ],
        )
    ]


def _compare(n_images: int, crop: int, rounds: int) -> tuple[dict[str, Comparison], float]:
    """Seconds of an epoch of ours and of the original by name, and the mean size of a JPEG."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["avalanche_seg.strategies", "profiling.original_samples"])
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        write_photographs(Path(name), n_images)
        # A process each, as they would run: memory that one gives back slows the other.
        pools = {
            kind: stack.enter_context(ProcessPoolExecutor(1, mp_context=context)) for kind in _KINDS
        }
        times: dict[str, list[float]] = {kind: [] for kind in _KINDS}
        for number in range(rounds + 2):
            for kind, pool in pools.items():
                spent = pool.submit(_epoch, kind, name, n_images, crop).result()
                if number >= 2:  # The first ones warm up.
                    times[kind].append(spent)
        sizes = [path.stat().st_size for path in Path(name).glob("*.jpg")]
    results = {what: Comparison(times[a], times[b]) for what, (a, b) in _PAIRS.items()}
    return results, sum(sizes) / len(sizes)


def _epoch(kind: str, folder: str, n_images: int, crop: int) -> float:
    loader = _loader(kind, folder, n_images, crop)
    return seconds(lambda: [len(batch[0]) for batch in loader])


@cache
def _loader(kind: str, folder: str, n_images: int, crop: int) -> Any:
    torch.set_num_threads(1)
    os.environ["AVALANCHE_SEG_CACHE"] = str(Path(folder) / "cache")
    files = photographs(Path(folder), n_images)
    if kind.startswith("original"):
        channels = step_channels(range(1, 16)) if kind == "original" else None
        images, masks = paths(files.train.images), paths(files.train.masks)
        samples = OriginalSamples(images, masks, crop, channels)
        return DataLoader(samples, _BATCH, shuffle=True, drop_last=True)
    benchmark = incremental_benchmark(
        files,
        task="offline",
        train_transform=train_preset(crop),
        progress=False,
        cache_images=_KINDS[kind],
    )
    return train_loader(benchmark.train_stream[0].dataset, _BATCH, {})


if __name__ == "__main__":
    main(measure)
