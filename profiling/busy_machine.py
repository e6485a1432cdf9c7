"""MiB's objective beside loader workers that keep every core busy, which is how it is trained."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from avalanche_seg.benchmarks import incremental_benchmark, train_preset
from avalanche_seg.loading import train_loader
from profiling.losses import forward_backward, original_mib, our_mib, problem
from profiling.measuring import Comparison, compare, in_fresh_process
from profiling.photographs import photographs, write_photographs
from profiling.report import Section, Target, main

__all__ = ["measure"]

_WANTED = 8
_N_IMAGES = 32


def measure(*, quick: bool = False) -> list[Section]:
    """Forward and backward of MiB's objective, quiet and beside as many workers as cores."""
    n_cores = os.cpu_count() or 1
    rows, targets = [], []
    for n_workers in (0, n_cores):
        for n_threads in sorted({1, n_cores}):
            times = in_fresh_process(_compare, n_workers, n_threads, quick)
            rows.append(
                [
                    str(n_workers),
                    str(n_threads),
                    f"{1e3 * times.theirs_median:.0f}",
                    f"{1e3 * times.ours_median:.0f}",
                    times.text(),
                ]
            )
            if n_threads == n_cores:
                what = f"mib_loss (MiB) on {n_threads} threads beside {n_workers} workers, time"
                targets.append(Target(what, _WANTED, times.ratio, text=times.text()))
    return [
        Section(
            "A busy machine",
            f"MiB's objective of the table above, {n_cores} cores, beside processes that load "
            "training samples without a pause.",
            ["workers", "threads", "original, ms", "ours, ms", "ratio"],
            rows,
            targets=targets,
        )
    ]


def _compare(n_workers: int, n_threads: int, quick: bool) -> Comparison:
    torch.set_num_threads(n_threads)
    of_size = problem(4, 21, 32 if quick else 512)
    with _loading(n_workers):
        return compare(
            partial(forward_backward, our_mib, *of_size),
            partial(forward_backward, original_mib, *of_size),
            rounds=1 if quick else 7,
        )


@contextmanager
def _loading(n_workers: int) -> Iterator[None]:
    """Processes that load samples meanwhile."""
    context = multiprocessing.get_context("spawn")  # This process may have threads.
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder), _N_IMAGES)
        workers = [
            context.Process(target=_load, args=(folder, number), daemon=True)
            for number in range(n_workers)
        ]
        try:
            for worker in workers:
                worker.start()
            while len(list(Path(folder).glob("*.started"))) < n_workers:
                time.sleep(0.1)
            yield
        finally:
            for worker in workers:
                worker.kill()
                worker.join()


def _load(folder: str, number: int) -> None:
    torch.set_num_threads(1)
    os.environ["AVALANCHE_SEG_CACHE"] = str(Path(folder) / f"cache{number}")
    benchmark = incremental_benchmark(
        photographs(Path(folder), _N_IMAGES),
        task="offline",
        train_transform=train_preset(512),
        progress=False,
    )
    loader = train_loader(benchmark.train_stream[0].dataset, 4, {})
    while True:
        for _ in loader:
            Path(folder, f"{number}.started").touch()


if __name__ == "__main__":
    main(measure)
