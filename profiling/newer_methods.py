"""PLOP's parts and LGKD's term beside plain implementations; steps over their networks alone.

The plain implementations resize logits to the label map, hold probabilities of that size, and pool
squared feature maps scale by scale and window by window.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial, reduce
from operator import add
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from avalanche_seg import losses, strategies
from avalanche_seg.kernels import prediction_entropy
from avalanche_seg.labels import VOID
from avalanche_seg.plugins import PseudoLabelPlugin
from avalanche_seg.system import keep_freed_memory
from profiling.later_step import BATCH, NEW, OLD, later_step
from profiling.measuring import Comparison, compare, in_passes
from profiling.memory import extra_memory
from profiling.report import Section, Target, main
from profiling.training_step import alone

__all__ = ["measure"]

# Channels and stride of what PLOP compares in BiSeNet-R18; the last are the merged logits.
_MAPS = ((64, 4), (128, 8), (256, 16), (512, 32), (128, 8), (OLD, 8))
_METHODS = ("MiB", "PLOP", "EWF", "EWFPLOP", "LGKD")

Problem = tuple[Any, ...]
Work = Callable[..., Any]


def original_pod(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Local POD of every map, window by window; the maps' gradients."""
    total = torch.zeros(())
    for x, y in zip(ours, theirs, strict=True):
        embeddings = []
        for squares in (x.square(), y.square()):
            parts = []
            for scale in (1, 2, 4):
                side = squares.shape[-1] // scale
                for i in range(scale):
                    for j in range(scale):
                        window = squares[..., i * side : (i + 1) * side, j * side : (j + 1) * side]
                        parts += [window.mean(dim).flatten(1) for dim in (3, 2)]
            embeddings.append(torch.cat(parts, dim=1))
        total = total + (embeddings[0] - embeddings[1]).norm(dim=1).mean()
    return _gradients(total, ours)


def our_pod(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """The same by ``local_pod``."""
    total = sum(
        (losses.local_pod(x, y) for x, y in zip(ours, theirs, strict=True)), torch.zeros(())
    )
    return _gradients(total, ours)


def original_pseudo_labels(teacher: Tensor, size: int) -> Tensor:
    """Argmax and entropy of full-size probabilities."""
    p = _full_size(teacher, size).softmax(dim=1)
    entropy = -(p * torch.log(p + 1e-8)).sum(dim=1)
    return entropy + p.argmax(dim=1)


def our_pseudo_labels(teacher: Tensor, size: int) -> Tensor:
    """The same tile by tile."""
    found = prediction_entropy(teacher, (size, size))
    return found.entropy + found.labels


def original_lgkd(logits: Tensor, teacher: Tensor, target: Tensor) -> Tensor:
    """LGKD's term from full-size logits; its gradient."""
    z, old = _full_size(logits, target.shape[-1]), _full_size(teacher, target.shape[-1])
    q = torch.cat([old.softmax(dim=1), torch.zeros_like(z[:, OLD:])], dim=1)
    is_new = (target >= OLD) & (target != VOID)
    place = torch.where(is_new, target, 0).unsqueeze(1)
    background = q[:, :1].clone()
    q[:, :1] = 0
    q = q.scatter_add(1, place, background)
    cost = -(q * z.log_softmax(dim=1)).sum(dim=1) * torch.where(is_new, 2.0, 10.0)
    return _gradients(cost[target != VOID].mean(), [logits])


def our_lgkd(logits: Tensor, teacher: Tensor, target: Tensor) -> Tensor:
    """The same by ``label_guided_distillation``."""
    return _gradients(
        losses.label_guided_distillation(logits, target, teacher, reduction="mean"), [logits]
    )


# Name: ours, the original, at least how many times faster.
PARTS: dict[str, tuple[Work, Work, float]] = {
    "local POD, five maps and logits": (our_pod, original_pod, 2),
    "pseudo-labels and entropies": (our_pseudo_labels, original_pseudo_labels, 2),
    "label-guided distillation": (our_lgkd, original_lgkd, 4),
}


def measure(*, quick: bool = False) -> list[Section]:
    """The parts beside plain implementations, and a step of each method over its networks."""
    return [_parts(quick), _steps(quick)]


def _parts(quick: bool) -> Section:
    size = 64 if quick else 512
    results = in_passes(_compare_part, PARTS, size, quick=quick)
    rows, targets = [], []
    for name, (*_, wanted) in PARTS.items():
        timed, *memory, errors = zip(*results[name], strict=True)
        times = reduce(add, timed)
        theirs, ours = (statistics.median(sizes) / 2**20 for sizes in memory)
        rows.append(
            [
                name,
                f"{1e3 * times.theirs_median:.1f}",
                f"{1e3 * times.ours_median:.1f}",
                times.text(),
                f"{theirs:.0f}",
                f"{ours:.1f}",
                f"{max(errors):.0e}",
            ]
        )
        targets.append(Target(f"{name}, time", wanted, times.ratio, text=times.text()))
    return Section(
        "Parts of PLOP and LGKD",
        f"Batch of {BATCH}, crop {size}, 16 old of 21 classes, float32, with gradients; feature "
        "maps as of BiSeNet-R18, logits at stride 8. Seed 0.",
        [
            *("part", "original, ms", "ours, ms", "ratio"),
            *("original, MiB", "ours, MiB", "difference"),
        ],
        rows,
        notes=[
            "MiB: extra peak memory of a call; the gradients that it gives are in it.",
            "difference: of the results, largest relative to the largest entry.",
        ],
        targets=targets,
    )


def _steps(quick: bool) -> Section:
    crop = 64 if quick else 512
    results = in_passes(_compare_step, _METHODS, crop, quick=quick)
    rows, targets = [], []
    for name in _METHODS:
        times = reduce(add, results[name])
        over, low, high = (100 * (1 / x - 1) for x in (times.ratio, times.high, times.low))
        text = f"{over:+.1f} % ({low:+.1f} to {high:+.1f})"
        row = [name, f"{times.theirs_median:.3f}", f"{times.ours_median:.3f}", text]
        rows.append(row)
        if name != "MiB":
            what = f"{name} training step over both networks alone"
            targets.append(Target(what, 10, over, at_least=False, unit=" %", text=text))
    return Section(
        "Steps of PLOP, EWF and LGKD",
        f"BiSeNet-R18, crop {crop}, batch {BATCH}, float32, samples in memory, 16 old and 5 new "
        "classes. Seed 0.",
        ["method", "networks alone, s a step", "method, s a step", "method over networks"],
        rows,
        notes=[
            "Networks alone: student forward, backward from given gradients of its outputs, and "
            "teacher forward, with the feature maps that the method asks for.",
            "Processor time over all threads, so that other work on the machine matters less.",
            "Without the pass over the data before a step, once a teacher forward per batch of "
            "PLOP, and without EWF's fusion after it.",
        ],
        targets=targets,
    )


def _problem(name: str, size: int) -> Problem:
    generator = torch.Generator().manual_seed(0)

    def normal(channels: int, stride: int) -> Tensor:
        shape = (BATCH, channels, size // stride, size // stride)
        values = 3 * torch.randn(shape, generator=generator)
        return values.contiguous(memory_format=torch.channels_last)

    if "POD" in name:
        return [normal(*m).requires_grad_() for m in _MAPS], [normal(*m) for m in _MAPS]
    if "pseudo" in name:
        return normal(OLD, 8), size
    target = torch.randint(OLD - 1, OLD + NEW, (BATCH, size, size), generator=generator)
    void = torch.rand(target.shape, generator=generator) < 0.3
    return normal(OLD + NEW, 8).requires_grad_(), normal(OLD, 8), target.masked_fill(void, VOID)


def _compare_part(name: str, size: int, quick: bool) -> tuple[Comparison, int, int, float]:
    """Seconds of both, extra memory of the original and of ours, difference of the results."""
    ours, theirs, _ = PARTS[name]
    problem, small = _problem(name, size), _problem(name, 64)
    memory = [extra_memory(partial(f, *problem), warmup=partial(f, *small)) for f in (theirs, ours)]
    times = compare(partial(ours, *problem), partial(theirs, *problem), rounds=1 if quick else 5)
    expected = theirs(*problem)
    error = (ours(*problem) - expected).abs().max() / expected.abs().max()
    return times, memory[0], memory[1], error.item()


def _compare_step(name: str, crop: int, quick: bool) -> Comparison:
    """Seconds of the processor a step: of the method, and of its networks alone."""
    keep_freed_memory()
    with later_step(getattr(strategies, name), crop, 1) as (strategy, train):
        for plugin in strategy.plugins:
            if isinstance(plugin, PseudoLabelPlugin):  # The thresholds are known from here on.
                plugin.prepare_step = lambda *_: None  # type: ignore[method-assign]
        networks, rounds = partial(alone, strategy, crop, 1), 1 if quick else 3
        return compare(train, networks, rounds=rounds, clock=time.process_time)


def _gradients(total: Tensor, inputs: list[Tensor]) -> Tensor:
    return torch.cat([slope.flatten() for slope in torch.autograd.grad(total, inputs)])


def _full_size(logits: Tensor, size: int) -> Tensor:
    return F.interpolate(logits, size=(size, size), mode="bilinear", align_corners=False)


if __name__ == "__main__":
    main(measure)
