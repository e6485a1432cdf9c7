"""A later step of any method on batches in memory: 16 old and 5 new classes."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from avalanche_seg.models import BiSeNet
from avalanche_seg.training import SegmentationTemplate, sgd
from profiling.data import synthetic_benchmark

__all__ = ["BATCH", "NEW", "OLD", "later_step"]

OLD, NEW, BATCH = 16, 5, 4
"""Classes before the step and of the step; images of a batch."""


@contextmanager
def later_step(
    kind: type[SegmentationTemplate], crop: int, n_batches: int, plugins: Sequence[Any] = ()
) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """A method that has trained its second step once, with BiSeNet-R18.

    Args:
        kind: the method.
        crop: rows and columns of the images.
        n_batches: of a call.
        plugins: after the method's own.

    Yields:
        the strategy, and a function that trains the step again: on the same images, 30 % of their
        pixels labelled with a new class.
    """

    class FromMemory(kind):  # type: ignore[misc, valid-type]
        def make_train_dataloader(self, **kwargs: Any) -> None:
            self.dataloader = batches

    generator = torch.Generator().manual_seed(0)
    shape = (BATCH, crop, crop)
    batches = [
        (
            torch.randint(0, 256, (BATCH, 3, crop, crop), generator=generator, dtype=torch.uint8),
            torch.randint(0, NEW + 1, shape, generator=generator).add_(OLD - 1).fmod_(OLD + NEW)
            * (torch.rand(shape, generator=generator) < 0.3),
        )
        for _ in range(n_batches)
    ]
    torch.manual_seed(0)
    model = BiSeNet("resnet18", **getattr(kind, "model_options", {}))
    model.grow(OLD)
    strategy = FromMemory(
        model=model, optimizer=sgd(), train_mb_size=BATCH, evaluator=None, plugins=list(plugins)
    )
    with tempfile.TemporaryDirectory() as folder:
        step = synthetic_benchmark(folder, size=(48, 64)).train_stream[1]
        train = partial(strategy.train, step, eval_streams=[])
        train()
        yield strategy, train
