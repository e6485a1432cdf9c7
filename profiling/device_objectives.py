"""Objectives and penalties on one device, against plain implementations of the same."""

from functools import partial

import torch
from torch import Tensor

from avalanche_seg.kernels import (
    Kernels,
    predicted_labels,
    prediction_entropy,
    tile_resize,
    use_kernels,
)
from avalanche_seg.losses import label_guided_distillation
from profiling import penalties
from profiling.device import Device
from profiling.losses import OBJECTIVES, Objective, forward_backward, problem
from profiling.report import Section, Target

__all__ = ["BATCH", "compiled", "kernels_of", "objectives", "penalty_methods", "tile_sizes"]

BATCH = 24
_COLUMNS = [
    *("objective", "way", "original, ms", "ours, ms", "ratio"),
    *("original, MiB", "ours, MiB", "difference"),
]
_NOTES = ["difference: of the two gradients, largest relative to the largest entry."]


def kernels_of(device: Device) -> tuple[Kernels, ...]:
    """Those that compute losses on a device."""
    return ("tiles", "triton") if device.is_cuda else ("tiles",)


def objectives(name: str, quick: bool) -> list[Section]:
    """The methods' objectives by each kind of kernels.

    Args:
        name: of the device.
        quick: tiny sizes, to see that it runs.
    """
    device, rows, targets = Device(name), [], []
    for objective, (ours, theirs, wanted) in OBJECTIVES.items():
        for kernels in kernels_of(device):
            measured = _Measured(device, partial(_by, kernels, ours), theirs, quick)
            rows.append([objective, kernels, *measured.row()])
            if wanted is not None and objective.endswith("(MiB)"):
                what = f"{objective}, {kernels}"
                times = measured.times
                targets += [
                    Target(f"{what}, time", 10, times.ratio, text=times.text()),
                    Target(f"{what}, extra peak memory", 12, measured.leaner),
                ]
    batch, size = _size(quick)
    text = (
        f"Forward + backward, {batch} x 21 x {size} x {size} (16 old classes) from stride-8 "
        "logits, float32."
    )
    return [Section("Objectives", text, _COLUMNS, rows, notes=_NOTES, targets=targets)]


def compiled(name: str, quick: bool) -> list[Section]:
    """The originals' functions as ``torch.compile`` makes them, where a device has a compiler.

    Args:
        name: of the device.
        quick: tiny sizes, to see that it runs.
    """
    device = Device(name)
    if not device.is_cuda:
        return []
    rows = []
    for objective, (_, theirs, wanted) in OBJECTIVES.items():
        if wanted is not None:
            measured = _Measured(device, torch.compile(theirs), theirs, quick)
            rows.append([objective, "torch.compile", *measured.row()])
    text = 'The table of the objectives with "ours" being the original\'s function, compiled.'
    return [Section("Compiled objectives", text, _COLUMNS, rows, notes=_NOTES)]


def tile_sizes(name: str, quick: bool) -> list[Section]:
    """What is computed by tiles everywhere, with tiles of several sizes.

    Args:
        name: of the device.
        quick: tiny sizes, to see that it runs.
    """
    device, (batch, side) = Device(name), _size(quick)
    logits, target, _ = (tensor.to(device.name) for tensor in problem(batch, 21, side))
    teacher, size = torch.randn_like(logits[:, :16]), (side, side)

    def distil() -> None:
        leaf = logits.detach().requires_grad_()
        label_guided_distillation(leaf, target, teacher).backward()

    works = (
        distil,
        partial(predicted_labels, logits, size),
        partial(prediction_entropy, logits, size),
    )
    of_device = "_DEVICE_TILE" if device.is_cuda else "_CPU_TILE"
    before, rows = getattr(tile_resize, of_device), []
    try:
        for part in (0.25, 0.5, 1, 2, 4):
            setattr(tile_resize, of_device, int(part * before))
            row = [f"{part * before / 2**20:g}"]
            for work in works:
                row.append(f"{1e3 * device.median(work, rounds=1 if quick else 5):.2f}")
                row.append(f"{device.extra_memory(work) / 2**20:.0f}")
            rows.append(row)
    finally:
        setattr(tile_resize, of_device, before)
    return [
        Section(
            "Sizes of tiles",
            f"{batch} x 21 x {side} x {side} from stride-8 logits, float32; LGKD's distillation "
            f"with its gradient. The middle row, {before / 2**20:g} MiB, is what is used.",
            [
                *("tile, MiB", "distillation, ms", "MiB", "predicted labels, ms", "MiB"),
                *("labels and entropies, ms", "MiB"),
            ],
            rows,
        )
    ]


def _by(kernels: Kernels, objective: Objective, *given: Tensor) -> Tensor:
    with use_kernels(kernels):
        return objective(*given)


def _size(quick: bool) -> tuple[int, int]:
    """Images of a batch, and their side."""
    return (2, 32) if quick else (BATCH, 512)


class _Measured:
    def __init__(self, device: Device, ours: Objective, theirs: Objective, quick: bool) -> None:
        batch, size = _size(quick)
        given = tuple(tensor.to(device.name) for tensor in problem(batch, 21, size))
        plain = partial(forward_backward, theirs, *given)
        fast = partial(forward_backward, ours, *given)
        expected = plain()
        self.gap = (fast() - expected).abs().max() / expected.abs().max()
        self.memory, self.their_memory = (device.extra_memory(work) for work in (fast, plain))
        self.leaner = self.their_memory / max(self.memory, 1)
        self.times = device.compare(fast, plain, rounds=1 if quick else 5)

    def row(self) -> list[str]:
        return [
            f"{1e3 * self.times.theirs_median:.2f}",
            f"{1e3 * self.times.ours_median:.2f}",
            self.times.text(),
            f"{self.their_memory / 2**20:.0f}",
            f"{self.memory / 2**20:.1f}",
            f"{self.gap.item():.0e}",
        ]


def penalty_methods(name: str, quick: bool) -> list[Section]:
    """An iteration of each penalty method.

    Args:
        name: of the device.
        quick: tiny sizes, to see that it runs.
    """
    device, rows = Device(name), []
    for method, (plugin, original) in penalties.METHODS.items():
        networks = [penalties.network(quick).to(device.name) for _ in range(2)]
        ours, theirs = penalties.Ours(plugin, networks[0]), original(networks[1])
        penalties.give_gradients(theirs.model)
        times = device.compare(ours.iteration, theirs.iteration, rounds=1 if quick else 20)
        rows.append(
            [
                method,
                f"{1e3 * times.theirs_median:.2f}",
                f"{1e3 * times.ours_median:.2f}",
                times.text(),
            ]
        )
    return [
        Section(
            "Penalty methods",
            "Statistics + penalty + its gradient on the parameters of a ResNet-50, float32.",
            ["method", "original, ms", "ours, ms", "ratio"],
            rows,
        )
    ]
