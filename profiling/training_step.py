"""A whole training step of MiB, from the disk to the updated weights.

The original reads samples with Pillow and re-maps labels pixel by pixel, runs both networks in
float32 and contiguous, resizes all logits to the label map, and takes the losses of those.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import nn

from avalanche_seg.benchmarks import train_preset
from avalanche_seg.models import SegmentationModel
from avalanche_seg.plugins.distillation.teacher import shared_teacher
from avalanche_seg.strategies import MiB
from avalanche_seg.training import sgd
from profiling.data import synthetic_benchmark
from profiling.measuring import Clock, Comparison, compare, in_fresh_process
from profiling.original_step import BATCH, Network, Original, as_published
from profiling.report import Section, Target, main

__all__ = [
    "FewBatches",
    "Versus",
    "alone",
    "compare_step",
    "measure",
    "our_strategy",
    "row",
    "section",
]


BISENET = Network("BiSeNet-R18", "bisenet", "resnet18", 512)


class FewBatches(MiB):
    """Trains on the first batches of every epoch; evaluates nothing."""

    n_batches = 2

    def make_train_dataloader(self, **kwargs: Any) -> None:
        """The usual loader, cut short."""
        super().make_train_dataloader(**kwargs)
        self.dataloader = _Few(self.dataloader, self.n_batches)


class _Few:
    def __init__(self, loader: Any, n_batches: int) -> None:
        self.loader, self.n_batches = loader, n_batches

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[Any]:
        return islice(iter(self.loader), self.n_batches)


def our_strategy(network: Network = BISENET, **options: Any) -> FewBatches:
    """MiB at its second step, the base classes known to the network."""
    chosen = {"train_mb_size": BATCH, "evaluator": None, **options}
    return FewBatches(model=network.make(), optimizer=sgd(), **chosen)


class Versus(NamedTuple):
    """A training step against others.

    Attributes:
        original: the plain loop.
        alone: our networks alone, without anything else.
        plain: the networks alone as they are published, so the time that a plain implementation
            cannot go below.
    """

    original: Comparison
    alone: Comparison
    plain: Comparison


def alone(
    strategy: FewBatches,
    crop: int,
    n_batches: int,
    networks: tuple[nn.Module, nn.Module] | None = None,
) -> None:
    """Student forward, backward from given gradients, teacher forward; nothing else.

    Args:
        strategy: was trained before.
        crop: side of the images.
        n_batches: how many times.
        networks: student and teacher; None for the strategy's, with the teacher as it was trained.
    """
    images = torch.randn(strategy.train_mb_size, 3, crop, crop, device=strategy.device)
    images = images.contiguous(memory_format=torch.channels_last)
    model, teacher = networks or (strategy.model, shared_teacher(strategy).model)
    assert teacher is not None
    model.train()
    for _ in range(n_batches):
        output = strategy.run_model(model, images)
        with torch.no_grad():
            strategy.run_model(teacher, images)
        levels = [output.logits, *output.aux]
        model.zero_grad()
        torch.autograd.backward(levels, [torch.ones_like(level) for level in levels])


def measure(*, quick: bool = False) -> list[Section]:
    """A training step of MiB with BiSeNet-R18 at 512, batches of 4, from the disk."""
    rows, targets = [], []
    for amp, wanted in (("off", 1.7), ("bf16", 3.5)):
        versus = in_fresh_process(compare_step, BISENET, amp, quick)
        rows.append(row(amp, versus))
        kind, original = rows[-1][0], versus.original
        targets += [
            Target(f"MiB training step, {kind}", wanted, original.ratio, text=original.text()),
            Target(
                f"MiB training step over plain networks alone, {kind}",
                0.97,
                1 / versus.plain.ratio,
                at_least=False,
                text=_share(versus.plain),
            ),
        ]
        if amp == "off":
            targets.append(
                Target(
                    "MiB training step over both networks alone",
                    8,
                    100 * (1 / versus.alone.ratio - 1),
                    at_least=False,
                    unit=" %",
                    text=rows[-1][6],
                )
            )
    return [section(BISENET, "Training step", rows, targets)]


def row(amp: str, versus: Versus) -> list[str]:
    """The cells of a precision, as :func:`section` heads them."""
    original, networks = versus.original, versus.alone
    spread = " to ".join(f"{100 * (1 / ratio - 1):+.1f}" for ratio in (networks.high, networks.low))
    return [
        {"off": "float32", "bf16": "bf16"}[amp],
        f"{original.theirs_median:.2f}",
        f"{original.ours_median:.2f}",
        f"{BATCH / original.ours_median:.2f}",
        original.text(),
        f"{networks.theirs_median:.2f}",
        f"{100 * (1 / networks.ratio - 1):+.1f} % ({spread})",
        f"{versus.plain.theirs_median:.2f}",
        _share(versus.plain),
    ]


def _share(versus: Comparison) -> str:
    low, high = 1 / versus.high, 1 / versus.low
    return f"{1 / versus.ratio:.2f}x ({low:.2f} to {high:.2f})"


def section(
    network: Network,
    title: str,
    rows: Sequence[Sequence[str]],
    targets: Sequence[Target] = (),
    notes: Sequence[str] = (),
) -> Section:
    """The table of a network."""
    return Section(
        title,
        f"MiB, {network.title}, crop {network.crop}, batch {BATCH}, JPEG and PNG files of 375 x "
        "500 pixels read in the process that trains. The original is in float32 in both rows.",
        [
            "ours in",
            "original, s",
            "ours, s",
            "ours, images/s",
            "original / ours",
            "networks alone, s",
            "ours over alone",
            "plain networks alone, s",
            "ours / plain alone",
        ],
        rows,
        notes=[
            "Networks alone: student forward, backward from given gradients of its outputs, "
            "teacher forward, on one batch in memory, in our memory format and precision; the "
            "teacher with its batch norms. Plain: with BiSeNet's context maps resized before they "
            "are convolved.",
            *notes,
        ],
        targets=targets,
    )


def compare_step(
    network: Network, amp: str, quick: bool, clock: Clock = time.perf_counter
) -> Versus:
    """Seconds a step against the original, and against the networks alone."""
    size, crop, n_batches, rounds = (375, 500), network.crop, network.n_batches, network.rounds
    if quick:
        size, crop, n_batches, rounds = (48, 64), 64, 1, 1
    with tempfile.TemporaryDirectory() as folder:
        benchmark = synthetic_benchmark(
            folder, size=size, n_train=40, train_transform=train_preset(crop)
        )
        strategy = our_strategy(network, amp=amp)
        strategy.n_batches = n_batches
        step = benchmark.train_stream[1]
        original = Original(network, step, crop, n_batches)
        ours = partial(strategy.train, step, eval_streams=[])
        versus_original = compare(ours, original.train, rounds=rounds, clock=clock)
        # The nearer to one, the more pairs a ratio takes.
        more = 1 if quick else 2 * rounds - 1
        teacher = shared_teacher(strategy).model
        assert isinstance(teacher, SegmentationModel)
        plain = (as_published(strategy.model), as_published(teacher))
        others = [partial(alone, strategy, crop, n_batches, pair) for pair in (None, plain)]
        networks = [compare(ours, other, rounds=more, clock=clock) for other in others]
        results = [versus_original, *networks]
    return Versus(*(_a_step(times, n_batches) for times in results))


def _a_step(times: Comparison, n_batches: int) -> Comparison:
    return Comparison([t / n_batches for t in times.ours], [t / n_batches for t in times.theirs])


if __name__ == "__main__":
    main(measure)
