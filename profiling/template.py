"""Avalanche and our template over a plain loop: fine-tuning, BiSeNet-R18, samples in memory."""

import tempfile
from functools import partial, reduce
from operator import add
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.losses import cross_entropy
from avalanche_seg.models import BiSeNet
from avalanche_seg.normalization import normalize_images
from avalanche_seg.strategies import FineTuning
from avalanche_seg.system import keep_freed_memory
from avalanche_seg.training import sgd
from profiling.data import synthetic_benchmark
from profiling.measuring import Comparison, compare, in_passes
from profiling.report import Section, Target, main

__all__ = ["measure"]

_CHANNELS, _BATCH = 16, 4

Batch = tuple[Tensor, Tensor]


class FromMemory(FineTuning):
    """Trains on given batches, whatever the experience holds."""

    batches: list[Batch]

    def make_train_dataloader(self, **kwargs: Any) -> None:
        """The given batches."""
        self.dataloader = self.batches


def plain(model: BiSeNet, optimizer: torch.optim.Optimizer, batches: list[Batch]) -> None:
    """The same training without Avalanche."""
    model.train()
    for pixels, labels in batches:
        images = normalize_images(pixels).contiguous(memory_format=torch.channels_last)
        targets = labels.long()
        optimizer.zero_grad()
        output = model(images)
        loss = torch.stack([cross_entropy(z, targets) for z in (output.logits, *output.aux)]).sum()
        loss.backward()
        optimizer.step()


def measure(*, quick: bool = False) -> list[Section]:
    """What Avalanche and the template add to a plain loop at 512, batches of 4."""
    crop = 64 if quick else 512
    times = reduce(add, in_passes(_compare, (crop,), quick=quick)[crop])
    overhead, low, high = (100 * (1 / x - 1) for x in (times.ratio, times.high, times.low))
    text = f"{overhead:+.1f} % ({low:+.1f} to {high:+.1f})"
    return [
        Section(
            "Avalanche and the template",
            "Fine-tuning, BiSeNet-R18, crop 512, batch 4, float32: the same network, optimizer, "
            "loss and batches in memory, in a plain loop and through the strategy.",
            ["plain loop, s a step", "strategy, s a step", "strategy over plain loop"],
            [[f"{times.theirs_median:.3f}", f"{times.ours_median:.3f}", text]],
            notes=["Freed memory is kept, for both (see below)."],
            targets=[
                Target(
                    "Avalanche + template over a plain loop",
                    2,
                    overhead,
                    at_least=False,
                    unit=" %",
                    text=text,
                )
            ],
        )
    ]


def _compare(crop: int, quick: bool) -> Comparison:
    """Seconds a step."""
    keep_freed_memory()
    n_batches, rounds = (1, 1) if quick else (3, 4)
    generator = torch.Generator().manual_seed(0)
    batches = [_batch(crop, generator) for _ in range(n_batches)]
    strategy = FromMemory(model=_model(), optimizer=sgd(), train_mb_size=_BATCH, evaluator=None)
    strategy.batches = batches
    other = _model().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        other.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4
    )
    with tempfile.TemporaryDirectory() as folder:
        step = synthetic_benchmark(folder, size=(48, 64)).train_stream[0]
        times = compare(
            partial(strategy.train, step, eval_streams=[]),
            partial(plain, other, optimizer, batches),
            rounds=rounds,
        )
    return Comparison([t / n_batches for t in times.ours], [t / n_batches for t in times.theirs])


def _batch(crop: int, generator: torch.Generator) -> Batch:
    shape = (_BATCH, crop, crop)
    pixels = torch.randint(0, 256, (_BATCH, 3, crop, crop), generator=generator, dtype=torch.uint8)
    return pixels, torch.randint(0, _CHANNELS, shape, generator=generator, dtype=torch.uint8)


def _model() -> BiSeNet:
    torch.manual_seed(0)
    model = BiSeNet("resnet18")
    model.grow(_CHANNELS)
    return model


if __name__ == "__main__":
    main(measure)
