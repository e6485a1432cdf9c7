"""EWC, PI and RW: statistics, penalty and its gradient, an iteration; ResNet-50's parameters.

The original keeps dictionaries by parameter name and goes through them in Python. It holds the
statistics of PI and RW on the host, with a fresh copy of the parameters at every update, and adds
the penalty to the loss, so that its gradient takes a second backward pass.
"""

import statistics
from collections.abc import Callable
from functools import partial, reduce
from operator import add
from types import SimpleNamespace

import torch
import torchvision
from torch import Tensor, nn

from avalanche_seg.plugins import EWCPlugin, ImportancePlugin, PIPlugin, RWPlugin
from profiling.measuring import Comparison, compare, in_passes
from profiling.memory import extra_memory
from profiling.report import Section, Target, main

__all__ = ["METHODS", "Ours", "give_gradients", "measure", "network"]

_ITERATIONS = 10  # A call; RW extends its path at one in ten.
_WEIGHT = 1e-3


class OriginalEWC:
    """The running squared gradient, one parameter after the other."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.fisher = {n: torch.ones_like(p).detach() for n, p in model.named_parameters()}
        self.old = {n: p.detach().clone() for n, p in model.named_parameters()}
        self.importance = {n: torch.rand_like(p) for n, p in model.named_parameters()}

    def update(self) -> None:
        """Take in the gradients."""
        for name, parameter in self.model.named_parameters():
            assert parameter.grad is not None
            self.fisher[name] = 0.9 * parameter.grad.detach() ** 2 + 0.1 * self.fisher[name]

    def penalty(self) -> Tensor:
        """The penalty as a term of the loss."""
        loss = torch.zeros(())
        for name, parameter in self.model.named_parameters():
            moved = parameter - self.old[name].to(parameter.device)
            loss = loss + (self.importance[name].to(parameter.device) * moved**2).sum()
        return _WEIGHT * loss

    def iteration(self) -> None:
        """Statistics, penalty and its gradient."""
        self.update()
        self.penalty().backward()


class OriginalPI(OriginalEWC):
    """The path integral; every iteration each parameter is copied to the host."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.last = _host_copies(model)
        self.delta = {n: torch.zeros_like(p) for n, p in self.last.items()}

    def update(self) -> None:
        """Extend the path."""
        for name, parameter in self.model.named_parameters():
            assert parameter.grad is not None
            moved = parameter.detach().cpu() - self.last[name]
            self.delta[name] -= parameter.grad.detach().cpu() * moved
        self.last = _host_copies(self.model)


class OriginalRW(OriginalEWC):
    """EWC's statistics, and at one iteration in ten the path on the host."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.last = _host_copies(model)
        self.score = {n: torch.zeros_like(p) for n, p in self.last.items()}
        self.count = 0

    def update(self) -> None:
        """Extend the path, then take in the gradients."""
        if self.count % _ITERATIONS == 0:
            for name, parameter in self.model.named_parameters():
                assert parameter.grad is not None
                moved = parameter.detach().cpu() - self.last[name]
                below = 0.5 * self.fisher[name].cpu() * moved**2 + 1e-8
                self.score[name] -= parameter.grad.detach().cpu() * moved / below
            self.last = _host_copies(self.model)
        self.count += 1
        super().update()


def _host_copies(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().cpu().clone() for name, p in model.named_parameters()}


METHODS: dict[str, tuple[Callable[[float], ImportancePlugin], type[OriginalEWC]]] = {
    "EWC": (EWCPlugin, OriginalEWC),
    "PI": (PIPlugin, OriginalPI),
    "RW": (RWPlugin, OriginalRW),
}


def measure(*, quick: bool = False) -> list[Section]:
    """Statistics, penalty and gradient of the penalty methods, an iteration."""
    rows, targets = [], []
    results = in_passes(_compare, METHODS, quick=quick)
    for name, measured in results.items():
        timed, *memory = zip(*measured, strict=True)
        times = reduce(add, timed)
        rows.append(
            [
                name,
                f"{1e3 * times.theirs_median / _ITERATIONS:.1f}",
                f"{1e3 * times.ours_median / _ITERATIONS:.1f}",
                times.text(),
                *(f"{statistics.median(sizes) / 2**20:.0f}" for sizes in memory),
            ]
        )
        targets.append(Target(f"{name}, an iteration", 3, times.ratio, text=times.text()))
    size = sum(p.numel() for p in network(quick).parameters())
    return [
        Section(
            "Penalty methods",
            f"Statistics + penalty + its gradient on {size / 1e6:.1f} M parameters, float32; the "
            "original loops over named parameters and takes the gradient by a second backward.",
            ["method", "original, ms", "ours, ms", "ratio", "original, MiB", "ours, MiB"],
            rows,
            notes=[
                f"MiB: extra peak memory over {_ITERATIONS} iterations, gradients and statistics "
                "there before; the median over processes.",
                "On a CPU copies to the host are plain copies; on a GPU they also wait for it.",
            ],
            targets=targets,
        )
    ]


def _compare(name: str, quick: bool) -> tuple[Comparison, int, int]:
    """Seconds of both, then extra memory of the original and of ours."""
    plugin_class, original_class = METHODS[name]
    ours, theirs = Ours(plugin_class, network(quick)), original_class(network(quick))
    give_gradients(theirs.model)
    ours.iteration()  # A step's first notes where the path begins: statistics, not extra memory.
    calls = [partial(_repeat, work.iteration) for work in (ours, theirs)]
    our_memory, their_memory = (extra_memory(call) for call in calls)
    times = compare(*calls, rounds=1 if quick else 7)
    return times, their_memory, our_memory


class Ours:
    """A plugin on a network that was held once, as from the second step on."""

    def __init__(self, plugin_class: Callable[[float], ImportancePlugin], model: nn.Module) -> None:
        self.plugin = plugin_class(_WEIGHT)
        self.strategy = SimpleNamespace(model=model, loss_terms={})
        self.plugin.before_training_exp(self.strategy)
        give_gradients(model)
        self.plugin.before_update(self.strategy)
        self.plugin.after_training_exp(self.strategy)
        self.plugin.before_training_exp(self.strategy)

    def iteration(self) -> None:
        """What the plugin does right before the optimizer's step."""
        self.plugin.before_update(self.strategy)


def network(quick: bool) -> nn.Module:
    """A ResNet-50; quick, a convolution."""
    return nn.Conv2d(3, 8, 3) if quick else torchvision.models.resnet50()


def give_gradients(model: nn.Module) -> None:
    """Random gradients."""
    for parameter in model.parameters():
        parameter.grad = 1e-3 * torch.randn_like(parameter)


def _repeat(iteration: Callable[[], None]) -> None:
    for _ in range(_ITERATIONS):
        iteration()


if __name__ == "__main__":
    main(measure)
