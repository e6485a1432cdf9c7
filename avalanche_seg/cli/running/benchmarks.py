"""From options to streams."""

from collections.abc import Sequence
from typing import Any

from avalanche_seg.benchmarks import (
    SegmentationScenario,
    domain_incremental_benchmark,
    eval_preset,
    incremental_benchmark,
    train_preset,
)
from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.running.data import read_data

__all__ = ["make_benchmarks"]


def make_benchmarks(options: Options) -> tuple[SegmentationScenario, SegmentationScenario]:
    """The task's benchmark, and the one to train on: for JOINT the same classes in one step.

    A data set with domains makes a domain-incremental stream.

    Raises:
        ValueError: as the benchmarks; for a partition where steps are domains.
    """
    files = read_data(options)
    if files.domains is not None and options.partition is not None:
        raise ValueError(
            f"--partition has no effect on --dataset {options.dataset}, whose steps are domains; "
            "leave it out"
        )
    chosen: Any = options.setting  # Each kind of stream checks that it is one of its own.
    shared: dict[str, Any] = {
        "train_transform": train_preset(options.crop_size),
        "eval_transform": eval_preset(None if options.full_resolution else options.crop_size),
        "val_fraction": 0.2 if options.cross_val else 0.0,
        "seed": options.random_seed,
        "cache_images": options.cache_images,
    }

    def build(task: str, class_order: Sequence[int] | None = None) -> SegmentationScenario:
        if files.domains is not None:
            return domain_incremental_benchmark(files, task=task, split=chosen, **shared)
        return incremental_benchmark(
            files,
            task=task,
            setting=chosen,
            old_labels=options.old_labels,
            train_void=options.train_void,
            class_order=class_order,
            partition=options.partition,
            **shared,
        )

    benchmark = build(options.task)
    if options.method == "JOINT":
        return benchmark, build("offline", benchmark.class_order[1:])
    return benchmark, benchmark
