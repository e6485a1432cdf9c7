"""Importance of parameters: EWC, PI and RW as objects that know no training loop.

All three see the same three moments: the start of a step, every iteration (with the gradient of the
loss without the penalty, before the optimizer's step) and the end of a step. Tensors stay on the
parameters' device and are handled by torch's foreach kernels, a block at a time (see
:mod:`avalanche_seg.plugins.importance.blocks`), so that others can go over the same block in the
same sweep.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.plugins.importance.blocks import Block, blocks, pick
from avalanche_seg.system import check_number, check_whole

__all__ = ["EWCImportance", "Importance", "PIImportance", "RWImportance", "min_max"]

Tensors = dict[str, Tensor]


def min_max(values: Tensor, eps: float = 1e-8) -> Tensor:
    """Scale a tensor to 0..1: (m - min) / (max - min + eps).

    Example:
        >>> min_max(torch.tensor([1.0, 2.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    low, high = values.aminmax()
    return (values - low) / (high - low + eps)


class Importance(ABC):
    """Statistics by parameter name, from which a step's importances are computed."""

    #: Names of the dictionaries that a checkpoint must hold.
    _state: tuple[str, ...] = ()

    @abstractmethod
    def begin_step(self, parameters: Mapping[str, Tensor]) -> None:
        """Prepare for a step; parameters that are new get their initial statistics."""

    def begin_iteration(self, parameters: Mapping[str, Tensor]) -> None:  # noqa: B027
        """Prepare for an iteration, before its first block."""

    @abstractmethod
    def update_block(
        self, block: Block, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        """Take in one block of an iteration.

        Args:
            block: the part of the tensors to work on.
            parameters: by name, as they stand before the optimizer's step.
            gradients: by name, of the loss without the penalty.
        """

    def update(self, parameters: Mapping[str, Tensor], gradients: Sequence[Tensor]) -> None:
        """Take in one iteration.

        Args:
            parameters: by name, as they stand before the optimizer's step.
            gradients: of the loss without the penalty, in the order of ``parameters``.
        """
        by_name = dict(zip(parameters, gradients, strict=True))
        self.begin_iteration(parameters)
        for block in blocks(parameters):
            self.update_block(block, parameters, by_name)

    @abstractmethod
    def end_step(self, parameters: Mapping[str, Tensor]) -> Tensors:
        """Finish a step and return the importance of every parameter, normalised, by name."""

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on after a checkpoint: tensors and numbers by name."""
        return {name: getattr(self, name) for name in self._state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        for name in self._state:
            setattr(self, name, state[name])


class EWCImportance(Importance):
    """The running squared gradient of EWC (Kirkpatrick et al., PNAS 2017; online, as in RW).

    F starts at 1, becomes decay g^2 + (1 - decay) F every iteration, and is carried from step to
    step as it is; the importance is min-max(F).

    Args:
        decay: weight of the newest squared gradient, 0.9 as published.

    Raises:
        ValueError: when the decay is not in 0..1.
    """

    _state: tuple[str, ...] = ("fisher",)

    def __init__(self, decay: float = 0.9) -> None:
        self.decay = check_number("decay", decay, most=1)
        self.fisher: Tensors = {}

    def begin_step(self, parameters: Mapping[str, Tensor]) -> None:
        """Give new parameters F = 1."""
        for name, parameter in parameters.items():
            if name not in self.fisher:
                self.fisher[name] = torch.ones_like(parameter)

    def update_block(
        self, block: Block, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        """F <- decay g^2 + (1 - decay) F."""
        fisher, gradient = pick(self.fisher, block), pick(gradients, block)
        torch._foreach_mul_(fisher, 1 - self.decay)
        torch._foreach_addcmul_(fisher, gradient, gradient, value=self.decay)

    def end_step(self, parameters: Mapping[str, Tensor]) -> Tensors:
        """min-max(F)."""
        return {name: min_max(self.fisher[name]) for name in parameters}


class PIImportance(Importance):
    """Path integral (Zenke et al., ICML 2017; "synaptic intelligence").

    From a step's second iteration on, delta += g (theta_previous - theta). At the end of the step,
    score = relu(delta / ((theta - theta_start)^2 + 1e-20)) + the previous score; the importance is
    min-max(score).
    """

    _state: tuple[str, ...] = ("score", "delta", "start", "previous")

    def __init__(self) -> None:
        self.score: Tensors = {}
        self.delta: Tensors = {}
        self.start: Tensors = {}
        self.previous: Tensors = {}

    def begin_step(self, parameters: Mapping[str, Tensor]) -> None:
        """Start a new path at the parameters as they are."""
        self.start = _copies(parameters)
        self.delta = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.previous = {}

    def begin_iteration(self, parameters: Mapping[str, Tensor]) -> None:
        """At a step's first iteration note where the path begins: it adds nothing to delta."""
        if not self.previous:
            self.previous = _copies(parameters)

    def update_block(
        self, block: Block, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        """Delta += g (theta_previous - theta)."""
        current, previous = pick(parameters, block), pick(self.previous, block)
        torch._foreach_sub_(previous, current)
        torch._foreach_addcmul_(pick(self.delta, block), pick(gradients, block), previous)
        torch._foreach_copy_(previous, current)

    def end_step(self, parameters: Mapping[str, Tensor]) -> Tensors:
        """min-max(score)."""
        for name, theta in parameters.items():
            path = (theta - self.start[name]).square_().add_(1e-20)
            score = torch.relu(self.delta[name] / path)
            self.score[name] = score + self.score[name] if name in self.score else score
        self.start, self.delta, self.previous = {}, {}, {}
        return {name: min_max(self.score[name]) for name in parameters}


class RWImportance(EWCImportance):
    """Riemannian walk (Chaudhry et al., ECCV 2018).

    F as EWC's. At the iterations 0, k, 2k, ... of a step, before F's update, s += g (theta_ref -
    theta) / (0.5 F (theta - theta_ref)^2 + 1e-8) if there is a reference, and the reference becomes
    theta. At the end of the step score = relu(s), averaged half and half with the previous score;
    the importance is min-max(F) + min-max(score).

    Args:
        decay: of F, 0.9 as published.
        interval: k, 10 as published.

    Raises:
        ValueError: when the interval is less than one.
    """

    _state: tuple[str, ...] = ("fisher", "score", "path", "reference", "iteration")

    def __init__(self, decay: float = 0.9, interval: int = 10) -> None:
        super().__init__(decay)
        self.interval = check_whole(
            "interval", interval, least=1, expected="one iteration or more, a whole number"
        )
        self.score: Tensors = {}
        self.path: Tensors = {}
        self.reference: Tensors = {}
        self.iteration = 0
        self._due = False  # Whether the current iteration extends the path.

    def begin_step(self, parameters: Mapping[str, Tensor]) -> None:
        """Start a new path; new parameters get F = 1."""
        super().begin_step(parameters)
        self.path = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.reference = {}
        self.iteration = 0

    def begin_iteration(self, parameters: Mapping[str, Tensor]) -> None:
        """Count; the first iteration's reference is where the path begins: it adds nothing."""
        self._due = self.iteration % self.interval == 0
        self.iteration += 1
        if not self.reference:
            self.reference = _copies(parameters)

    def update_block(
        self, block: Block, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        """At every k-th iteration the path, then F."""
        if self._due:
            self._extend_path(block, parameters, gradients)
        super().update_block(block, parameters, gradients)

    def _extend_path(
        self, block: Block, parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> None:
        current, reference = pick(parameters, block), pick(self.reference, block)
        displacement = torch._foreach_sub(reference, current)
        below = torch._foreach_mul(displacement, displacement)
        torch._foreach_mul_(below, pick(self.fisher, block))
        torch._foreach_mul_(below, 0.5)
        torch._foreach_add_(below, 1e-8)
        torch._foreach_mul_(displacement, pick(gradients, block))
        torch._foreach_addcdiv_(pick(self.path, block), displacement, below)
        torch._foreach_copy_(reference, current)

    def end_step(self, parameters: Mapping[str, Tensor]) -> Tensors:
        """min-max(F) + min-max(score)."""
        for name in parameters:
            score = torch.relu(self.path[name])
            known = self.score.get(name)
            self.score[name] = score if known is None else 0.5 * score + 0.5 * known
        self.path, self.reference = {}, {}
        fisher = super().end_step(parameters)
        return {name: fisher[name] + min_max(self.score[name]) for name in parameters}


def _copies(parameters: Mapping[str, Tensor]) -> Tensors:
    return {name: value.detach().clone() for name, value in parameters.items()}
