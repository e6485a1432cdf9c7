"""What data and machine cannot do, said before any training."""

import os

from avalanche_seg.benchmarks import SegmentationScenario
from avalanche_seg.cli.options.options import Options
from avalanche_seg.cli.running.steps import check_step
from avalanche_seg.system import world_size

__all__ = ["check_feasible", "check_memory", "physical_memory"]


def check_feasible(options: Options, benchmark: SegmentationScenario) -> None:
    """Refuse a run that is sure to fail later.

    Raises:
        ValueError: when the task has no such step, a step has too few images, exemplars are more
            than there are images, or a batch does not fit the machine's memory.
    """
    check_step(options, len(benchmark.train_stream))
    for experience in benchmark.train_stream:
        n_images = len(experience.dataset)
        if n_images < 2 * world_size():
            images = "one training image" if n_images == 1 else f"{n_images} training images"
            raise ValueError(
                f"step {experience.current_experience} has {images}; batch norm needs "
                "two in every process: choose another setting, task or data set, or fewer processes"
            )
    n_all = len(benchmark.train_stream[0].data.split)
    if options.exemplars is not None and options.exemplars > n_all:
        raise ValueError(
            f"--exemplars_size {options.exemplars} is more than the {n_all} training images that "
            "there are; expected exemplars of one class: lower it"
        )
    together = options.batch_size // world_size() // options.micro_batches
    check_memory(together, options.crop_size, "lower --crop_size or --batch_size")


def check_memory(n_images: int, side: int, remedy: str) -> None:
    """Refuse images that alone, as float32, are more than the machine's memory.

    Args:
        n_images: that are in memory at once.
        side: of the images, in pixels.
        remedy: ends the message.

    Raises:
        ValueError: with both sizes.
    """
    needed, there = n_images * 3 * side * side * 4, physical_memory()
    if there is not None and needed > there:
        images = "one image" if n_images == 1 else f"{n_images} images"
        raise ValueError(
            f"{images} of {side} x {side} pixels take {needed / 2**30:.1f} GiB, before any "
            f"network; the machine has {there / 2**30:.1f} GiB of memory: {remedy}"
        )


def physical_memory() -> int | None:
    """The machine's memory in bytes; None where the system does not tell it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # AttributeError: Windows.
        return None
