"""What it brings on a CPU that a program keeps freed memory, as the command line does.

The allocator is set for a whole process, so every time is taken in a process of its own.
"""

import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from resource import RUSAGE_SELF, getrusage
from typing import NamedTuple

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.system import keep_freed_memory
from profiling import evaluation, training_step
from profiling.data import synthetic_benchmark
from profiling.measuring import Comparison, in_fresh_process, seconds
from profiling.report import Section, main

__all__ = ["measure"]


class Cost(NamedTuple):
    """A unit of work: seconds, pages the system had to clear, and the process's peak in MiB."""

    seconds: float
    pages: float
    peak: float


def measure(*, quick: bool = False) -> list[Section]:
    """Training steps of MiB and evaluated images, freed memory given back and kept."""
    works: dict[str, Callable[[bool, bool], Cost]] = {
        "training step of MiB, float32": partial(_training_step, "off"),
        "training step of MiB, bf16": partial(_training_step, "bf16"),
        "evaluated image": _evaluated_image,
    }
    rows = []
    for name, work in works.items():
        pairs = [
            [in_fresh_process(work, keep, quick) for keep in (True, False)]
            for _ in range(1 if quick else 3)
        ]
        kept, given_back = zip(*pairs, strict=True)
        times = Comparison([cost.seconds for cost in kept], [cost.seconds for cost in given_back])
        rows.append(
            [
                name,
                f"{1e3 * times.theirs_median:.0f}",
                f"{1e3 * times.ours_median:.0f}",
                times.text(),
                *(f"{_median(costs, 1):.0f}" for costs in (given_back, kept)),
                *(f"{_median(costs, 2):.0f}" for costs in (given_back, kept)),
            ]
        )
    return [
        Section(
            "Freed memory kept",
            "Ours with the allocator as it is and with `keep_freed_memory`, which the command line "
            "calls; BiSeNet-R18, crop 512, batch 4; images of 375 x 500, float32.",
            [
                *("what", "as it is, ms", "kept, ms", "as it is / kept"),
                *("pages cleared", "pages, kept", "peak, MiB", "peak, kept, MiB"),
            ],
            rows,
        )
    ]


def _median(costs: tuple[Cost, ...], field: int) -> float:
    return statistics.median(cost[field] for cost in costs)


def _training_step(amp: str, keep: bool, quick: bool) -> Cost:
    size, crop, n_batches = ((48, 64), 64, 1) if quick else ((375, 500), 512, 3)
    if keep:
        keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        stream = synthetic_benchmark(
            folder, size=size, n_train=40, train_transform=train_preset(crop)
        ).train_stream
        strategy = training_step.our_strategy(amp=amp)
        strategy.n_batches = n_batches
        return _cost(partial(strategy.train, stream[1], eval_streams=[]), n_batches)


def _evaluated_image(keep: bool, quick: bool) -> Cost:
    height, width, n_images = (48, 64, 2) if quick else (375, 500, 20)
    if keep:
        keep_freed_memory()
    strategy = evaluation.our_strategy(21, evaluation.made_up_batches(21, height, width, n_images))
    with tempfile.TemporaryDirectory() as folder:
        stream = synthetic_benchmark(folder, size=(48, 64)).test_stream
        return _cost(partial(strategy.eval, stream[1]), n_images)


def _cost(work: Callable[[], object], n_units: int) -> Cost:
    """Of one of the units that a call does, once another call has warmed up."""
    work()
    before = getrusage(RUSAGE_SELF).ru_minflt
    time = seconds(work)
    after = getrusage(RUSAGE_SELF)
    return Cost(time / n_units, (after.ru_minflt - before) / n_units, after.ru_maxrss / 2**10)


if __name__ == "__main__":
    main(measure)
