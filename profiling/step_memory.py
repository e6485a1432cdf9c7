"""Peak memory of a later step's iteration of every newer method, beside its networks alone."""

import copy
from functools import partial
from typing import Any

from torch import Tensor

from avalanche_seg import strategies
from avalanche_seg.models import SegmentationModel
from avalanche_seg.plugins import SegmentationPlugin
from profiling.later_step import BATCH, later_step
from profiling.measuring import in_fresh_process
from profiling.memory import extra_memory
from profiling.networks import networks_alone
from profiling.report import Section, main

__all__ = ["measure"]

_METHODS = ("MiB", "PLOP", "EWF", "EWFPLOP", "LGKD", "DKD", "SSUL")


class Copied(SegmentationPlugin):
    """Copies the model as it is in training, with what is frozen then, and keeps the batch."""

    model: SegmentationModel | None = None
    batch: tuple[Tensor, Tensor]

    def before_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Of the first iteration."""
        if self.model is None:
            self.model = copy.deepcopy(strategy.model)
            self.batch = strategy.mbatch[0], strategy.mbatch[1]


def measure(*, quick: bool = False) -> list[Section]:
    """All methods, one process each."""
    crop, rows = 64 if quick else 512, []
    for name in _METHODS[-2:] if quick else _METHODS:
        networks, method = in_fresh_process(_peaks, name, crop)
        over = method - networks
        rows.append([name, *(f"{size / 2**20:.0f}" for size in (networks, method, over))])
    return [
        Section(
            "Memory of later steps",
            f"Extra peak memory of an iteration, BiSeNet-R18, crop {crop}, batch {BATCH}, float32, "
            "16 old and 5 new classes; beside models, gradients and batch, which are there before. "
            "Seed 0.",
            ["method", "networks alone, MiB", "method, MiB", "difference, MiB"],
            rows,
            notes=[
                "Networks alone: student forward, backward from given gradients of its outputs, "
                "and forward of what of the previous model has to run: all of it, of SSUL's the "
                "two heads that learn.",
                "A method's iteration holds the normalised images and the optimizer's momentum "
                "too; on the first batch of a step SSUL's runs the network once more, to see that "
                "teacher and student can share it.",
            ],
        )
    ]


def _peaks(name: str, crop: int) -> tuple[int, int]:
    """Bytes of the networks alone and of the method."""
    copied = Copied()
    with later_step(getattr(strategies, name), crop, 1, [copied]) as (_, train):
        assert copied.model is not None
        alone = networks_alone(whole_teacher=name != "SSUL")(copied.model)
        networks = partial(alone, *copied.batch)
        networks()  # So that gradients are there before, as the method's are.
        return extra_memory(networks), extra_memory(train)


if __name__ == "__main__":
    main(measure)
