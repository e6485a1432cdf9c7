"""Worker processes: throughput by their number, with and without decoded images, and their start.

Avalanche's loaders, and ours before, start workers anew for every experience; now they live through
all of them.
"""

import os
import tempfile
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from avalanche_seg.benchmarks import segmentation_benchmark, train_preset
from avalanche_seg.loading import WorkerPool, train_loader
from profiling.measuring import Comparison, compare, in_fresh_process, seconds, single_thread
from profiling.photographs import write_photographs
from profiling.report import Section, main

__all__ = ["measure"]

_BATCH = 4
_WORKERS = (0, 1, 2)
_CACHES = (False, "memory", "disk")


def measure(*, quick: bool = False) -> list[Section]:
    """Throughput by number of workers and cache; what starting workers costs."""
    n_images, crop = (8, 64) if quick else (256, 512)
    rates = in_fresh_process(_rates, n_images, crop, 1 if quick else 3)
    starts = in_fresh_process(_starts, n_images, crop, quick)
    return [
        Section(
            "Workers and decoded images",
            f"Training samples a second at crop {crop}, by the training process alone (0, one "
            f"thread) or by workers, on {os.cpu_count()} cores; the best of some epochs, workers "
            "running.",
            ["workers", "from files", "decoded, in memory", "decoded, on the disk"],
            [
                [str(workers), *(f"{rates[workers, cache]:.0f}" for cache in _CACHES)]
                for workers in _WORKERS
            ],
            notes=["Decoded images take four bytes a pixel, the mask included."],
        ),
        Section(
            "Start of an experience",
            f"Milliseconds from asking for the loader of an experience to its first batch of "
            f"{_BATCH}, two experiences of {n_images} images in turn.",
            ["workers", "started by", "restarted, ms", "living, ms", "ratio"],
            [
                [
                    str(workers),
                    method,
                    f"{1e3 * times.theirs_median / 2:.1f}",
                    f"{1e3 * times.ours_median / 2:.1f}",
                    times.text(),
                ]
                for (workers, method), times in starts.items()
            ],
            notes=[
                "Fork is Python 3.11's way on Linux; this program is small, and one with a GPU has "
                "more to copy. Spawn is the way of macOS and Windows: every start imports the "
                "whole program anew.",
            ],
        ),
    ]


def _benchmark(folder: Path, n_images: int, crop: int, task: str, cache: Any) -> Any:
    os.environ["AVALANCHE_SEG_CACHE"] = str(folder / "cache")
    return segmentation_benchmark(
        write_photographs(folder, n_images),
        task=task,
        setting="overlapped",
        train_transform=train_preset(crop),
        progress=False,
        cache_images=cache,
    )


def _rates(n_images: int, crop: int, rounds: int) -> dict[tuple[int, Any], float]:
    rates = {}
    with tempfile.TemporaryDirectory() as name, single_thread():
        for cache in _CACHES:
            benchmark = _benchmark(Path(name), n_images, crop, "offline", cache)
            for workers in _WORKERS:
                options = _options(workers, "fork")
                dataset = benchmark.train_stream[0].dataset
                loader = train_loader(dataset, _BATCH, options)
                epoch = partial(_consume, loader)
                best = min(seconds(epoch) for _ in range(rounds + 1))
                rates[workers, cache] = n_images / best
    return rates


def _starts(n_images: int, crop: int, quick: bool) -> dict[tuple[int, str], Comparison]:
    results = {}
    with tempfile.TemporaryDirectory() as name:
        stream = _benchmark(Path(name), n_images, crop, "10-10", False).train_stream
        datasets = [experience.dataset for experience in stream]
        cases = ((1, "fork", 9), (2, "fork", 9), (1, "spawn", 2))
        for workers, method, rounds in cases[: 1 if quick else None]:
            pool = WorkerPool()
            options = _options(workers, method)
            living, restarted = (
                partial(_first_batches, datasets, options, one) for one in (pool, None)
            )
            results[workers, method] = compare(living, restarted, rounds=1 if quick else rounds)
            pool.close()
    return results


def _options(workers: int, method: str) -> dict[str, Any]:
    if workers == 0:
        return {}
    return {
        "num_workers": workers,
        "persistent_workers": True,
        "multiprocessing_context": method,
    }


def _first_batches(datasets: list[Any], options: dict[str, Any], pool: WorkerPool | None) -> None:
    for dataset in datasets:
        _consume(islice(train_loader(dataset, _BATCH, options, pool=pool), 1))


def _consume(batches: Iterable[Any]) -> None:
    for _ in batches:
        pass


if __name__ == "__main__":
    main(measure)
