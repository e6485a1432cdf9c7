"""The methods' objectives: forward and backward from stride-8 logits, against full-size logits.

The original resizes the logits of both models to the label map and computes each term from them;
every intermediate is as large as the resized logits and most are kept for the backward pass.
"""

import statistics
from collections.abc import Callable
from functools import partial, reduce
from operator import add

import torch
import torch.nn.functional as F
from torch import Tensor

from avalanche_seg import losses
from avalanche_seg.labels import VOID
from profiling.measuring import Comparison, compare, in_fresh_process, in_passes
from profiling.memory import extra_memory
from profiling.report import Section, Target, main

__all__ = [
    "OBJECTIVES",
    "Objective",
    "forward_backward",
    "measure",
    "original_mib",
    "our_mib",
    "problem",
]

Objective = Callable[[Tensor, Tensor, Tensor], Tensor]
_WEIGHT, _TEACHER_SCALE = 10.0, 1.0
_STRIDE = 8


def original_mib(logits: Tensor, target: Tensor, teacher: Tensor) -> Tensor:
    """Unbiased cross entropy + 10 unbiased distillation."""
    logits, teacher = _full_size(logits, target), _full_size(teacher, target)
    n_old = teacher.shape[1]
    log_all = torch.logsumexp(logits, dim=1)
    outputs = torch.zeros_like(logits)
    outputs[:, 0] = torch.logsumexp(logits[:, :n_old], dim=1) - log_all
    outputs[:, n_old:] = logits[:, n_old:] - log_all.unsqueeze(1)
    labels = target.clone()
    labels[target < n_old] = 0
    ce = F.nll_loss(outputs, labels, ignore_index=VOID, reduction="none").mean()

    background = torch.tensor([0, *range(n_old, logits.shape[1])], device=logits.device)
    log_old = logits[:, 1:n_old] - log_all.unsqueeze(1)
    log_background = torch.logsumexp(logits.index_select(1, background), dim=1) - log_all
    q = torch.softmax(teacher * _TEACHER_SCALE, dim=1)
    kd = -(q[:, 0] * log_background + (q[:, 1:] * log_old).sum(dim=1)).mean() / n_old
    return ce + _WEIGHT * kd


def original_lwf(logits: Tensor, target: Tensor, teacher: Tensor) -> Tensor:
    """Cross entropy + 10 distillation."""
    logits, teacher = _full_size(logits, target), _full_size(teacher, target)
    ce = F.cross_entropy(logits, target, ignore_index=VOID, reduction="none").mean()
    log_old = torch.log_softmax(logits[:, : teacher.shape[1]], dim=1)
    q = torch.softmax(teacher * _TEACHER_SCALE, dim=1)
    return ce - _WEIGHT * (q * log_old).mean(dim=1).mean()


def original_lwf_mc(logits: Tensor, target: Tensor, teacher: Tensor) -> Tensor:
    """Binary cross entropy + 10 iCaRL distillation."""
    logits, teacher = _full_size(logits, target), _full_size(teacher, target)
    valid = target != VOID
    one_hot = F.one_hot(torch.where(valid, target, 0), logits.shape[1]).movedim(3, 1).float()
    bce = F.binary_cross_entropy_with_logits(logits, one_hot, reduction="none").sum(dim=1) * valid
    old = logits[:, : teacher.shape[1]]
    kd = F.binary_cross_entropy_with_logits(old, torch.sigmoid(teacher), reduction="none")
    return bce.mean() + _WEIGHT * kd.sum(dim=1).mean()


def our_mib(logits: Tensor, target: Tensor, teacher: Tensor) -> Tensor:
    """The same by ``mib_loss``."""
    ce, kd = losses.mib_loss(logits, target, teacher, n_old=teacher.shape[1])
    return ce + _WEIGHT * kd


def our_separate_mib(logits: Tensor, target: Tensor, teacher: Tensor) -> Tensor:
    """The same by the two functions, as the strategy's criterion and plugin call them."""
    ce = losses.unbiased_cross_entropy(logits, target, n_old=teacher.shape[1])
    kd = losses.unbiased_distillation(logits, teacher, size=_size(target))
    return ce + _WEIGHT * kd


def our_lwf(logits: Tensor, target: Tensor, teacher: Tensor) -> Tensor:
    """The same by the public functions."""
    kd = losses.distillation(logits, teacher, size=_size(target))
    return losses.cross_entropy(logits, target) + _WEIGHT * kd


def our_lwf_mc(logits: Tensor, target: Tensor, teacher: Tensor) -> Tensor:
    """The same by the public functions."""
    kd = losses.icarl_distillation(logits, teacher, size=_size(target))
    return losses.binary_cross_entropy(logits, target) + _WEIGHT * kd


# Name: ours, the original, and at least how many times faster and leaner it is to be.
OBJECTIVES: dict[str, tuple[Objective, Objective, tuple[int, int] | None]] = {
    "UNCE + UNKD, mib_loss (MiB)": (our_mib, original_mib, (8, 12)),
    "UNCE, UNKD called apart (MiB)": (our_separate_mib, original_mib, None),
    "CE + KD (LwF, ILT)": (our_lwf, original_lwf, (4, 8)),
    "BCE + iCaRL (LwF-MC)": (our_lwf_mc, original_lwf_mc, (4, 8)),
}


def measure(*, quick: bool = False) -> list[Section]:
    """Forward and backward of the objectives, and how they grow with classes and pixels."""
    return [_objectives(quick), _growth(quick)]


def _objectives(quick: bool) -> Section:
    size = 32 if quick else 512
    results = in_passes(_compare, OBJECTIVES, size, quick=quick)
    rows, targets = [], []
    for name, (_, _, wanted) in OBJECTIVES.items():
        timed, *memory, errors = zip(*results[name], strict=True)
        times = reduce(add, timed)
        theirs, ours = (statistics.median(sizes) for sizes in memory)
        error = max(errors)
        leaner = theirs / max(ours, 1)
        rows.append(
            [
                name,
                f"{1e3 * times.theirs_median:.0f}",
                f"{1e3 * times.ours_median:.0f}",
                times.text(),
                f"{theirs / 2**20:.0f}",
                f"{ours / 2**20:.1f}",
                f"{leaner:.0f}x",
                f"{error:.0e}",
            ]
        )
        if wanted is not None:
            targets += [
                Target(f"{name}, time", wanted[0], times.ratio, text=times.text()),
                Target(f"{name}, extra peak memory", wanted[1], leaner),
            ]
    return Section(
        "Objectives",
        f"Forward + backward, 4 x 21 x {size} x {size} (16 old classes) from stride-{_STRIDE} "
        "logits, float32.",
        [
            *("objective", "original, ms", "ours, ms", "ratio"),
            *("original, MiB", "ours, MiB", "leaner", "difference"),
        ],
        rows,
        notes=[
            "MiB: extra peak memory of a call, logits there before; the median over processes.",
            "difference: of the two gradients, largest relative to the largest entry.",
        ],
        targets=targets,
    )


def _growth(quick: bool) -> Section:
    sizes = (32, 32, 64) if quick else (256, 512, 1024)
    base = (21, sizes[1])
    rows, targets = [], []
    for shape in [(51, sizes[1]), (151, sizes[1]), (21, sizes[0]), (21, sizes[2])]:
        ours, theirs = in_fresh_process(_compare_growth, base, shape, quick)
        linear = (shape[0] * shape[1] ** 2) / (base[0] * base[1] ** 2)
        rows.append(
            [
                f"{shape[0]} classes, {shape[1]} x {shape[1]}",
                f"{linear:.2f}",
                ours.text(),
                theirs.text(),
                f"{ours.ratio / linear:.2f}",
            ]
        )
        if linear > 1:
            what = f"mib_loss at {shape[0]} classes, {shape[1]} x {shape[1]}, per class and pixel"
            targets.append(Target(what, 1.1, ours.ratio / linear, at_least=False))
    return Section(
        "Growth of MiB's objective",
        f"Time of mib_loss relative to {base[0]} classes at {base[1]} x {base[1]}, one image.",
        ["shape", "linear", "ours", "original", "ours / linear"],
        rows,
        notes=["The bound of 1.1 is linear growth and the noise of a ratio."],
        targets=targets,
    )


def _compare(name: str, size: int, quick: bool) -> tuple[Comparison, int, int, float]:
    """Seconds of both, extra memory of the original and of ours, difference of the gradients."""
    ours, theirs, *_ = OBJECTIVES[name]
    given = problem(4, 21, size)
    small = problem(1, 21, 32)
    # Memory first: the more was computed before, the more scattered the allocator's free memory is.
    memory = [
        extra_memory(
            partial(forward_backward, f, *given), warmup=partial(forward_backward, f, *small)
        )
        for f in (theirs, ours)
    ]
    times = compare(
        partial(forward_backward, ours, *given),
        partial(forward_backward, theirs, *given),
        rounds=1 if quick else 5,
    )
    expected = forward_backward(theirs, *given)
    error = (forward_backward(ours, *given) - expected).abs().max() / expected.abs().max()
    return times, memory[0], memory[1], error.item()


def _compare_growth(
    base: tuple[int, int], shape: tuple[int, int], quick: bool
) -> tuple[Comparison, Comparison]:
    """How many times longer than ``base`` the shape takes: ours, and the original."""
    results = [
        compare(
            partial(forward_backward, objective, *problem(1, *base)),
            partial(forward_backward, objective, *problem(1, *shape)),
            rounds=1 if quick else 7,
        )
        for objective in (our_mib, original_mib)
    ]
    return results[0], results[1]


def problem(batch: int, n_channels: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, label map of blocks of 8 x 8 pixels, 5 % of them void, and the teacher's logits."""
    generator = torch.Generator().manual_seed(0)
    n_old, low = n_channels * 16 // 21, size // _STRIDE
    logits = 3 * torch.randn(batch, n_channels, low, low, generator=generator)
    teacher = 3 * torch.randn(batch, n_old, low, low, generator=generator)
    blocks = torch.randint(n_old - 1, n_channels, (batch, low, low), generator=generator)
    blocks[blocks < n_old] = 0
    blocks[torch.rand(blocks.shape, generator=generator) < 0.05] = VOID
    target = blocks.repeat_interleave(_STRIDE, 1).repeat_interleave(_STRIDE, 2)
    return logits, target, teacher


def forward_backward(
    objective: Objective, logits: Tensor, target: Tensor, teacher: Tensor
) -> Tensor:
    """One forward and backward."""
    logits = logits.detach().requires_grad_()
    objective(logits, target, teacher).backward()
    assert logits.grad is not None
    return logits.grad


def _full_size(logits: Tensor, target: Tensor) -> Tensor:
    return F.interpolate(logits, size=_size(target), mode="bilinear", align_corners=False)


def _size(target: Tensor) -> tuple[int, int]:
    return target.shape[-2], target.shape[-1]


if __name__ == "__main__":
    main(measure)
