"""The quadratic penalty on important parameters, and the plugins of EWC, PI and RW."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from avalanche_seg.kernels import Workspace
from avalanche_seg.plugins.base import SegmentationPlugin, check_weight, record_term
from avalanche_seg.plugins.importance.blocks import Block, blocks, pick
from avalanche_seg.plugins.importance.statistics import (
    EWCImportance,
    Importance,
    PIImportance,
    RWImportance,
)

__all__ = ["EWCPlugin", "ImportancePlugin", "PIPlugin", "QuadraticPenalty", "RWPlugin"]


class QuadraticPenalty:
    """Omega = sum of w (theta - theta_old)^2, with its gradient in closed form.

    Attributes:
        importances: w by parameter name, none negative; empty before the end of the first step.
            Parameters that are not in it, such as those of a new head, are left out.
        anchors: theta_old by parameter name.
    """

    def __init__(self) -> None:
        self.importances: dict[str, Tensor] = {}
        self.anchors: dict[str, Tensor] = {}
        self._scratch = Workspace()

    def anchor(self, parameters: Mapping[str, Tensor], importances: Mapping[str, Tensor]) -> None:
        """Hold the parameters where they are, by these importances."""
        self.importances = dict(importances)
        self.anchors = {name: parameters[name].detach().clone() for name in importances}

    @torch.no_grad()
    def add_gradient(
        self,
        parameters: Mapping[str, nn.Parameter],
        weight: float,
        *,
        importance: Importance | None = None,
    ) -> Tensor:
        """Add weight * dOmega/dtheta to the gradients.

        Args:
            parameters: trainable parameters by name; a gradient that is None counts as zero, and
                is created for those that are anchored.
            weight: factor of the penalty.
            importance: takes in the gradients before the penalty's are added, in the same sweep
                over memory; None for the penalty alone.

        Returns:
            weight * Omega before the optimizer's step, a scalar on the parameters' device.
        """
        gradients = {
            name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            for name, parameter in parameters.items()
        }
        for name in self.importances.keys() & parameters.keys():
            parameters[name].grad = gradients[name]
        if importance is not None:
            importance.begin_iteration(parameters)
        terms: list[Tensor] = []
        for block in blocks(parameters):
            if importance is not None:
                importance.update_block(block, parameters, gradients)
            anchored = [part for part in block if part[0] in self.importances]
            if anchored:
                terms += self._add_penalty_gradient_block(anchored, parameters, gradients, weight)
        if not terms:
            return torch.zeros((), device=next(iter(parameters.values())).device)
        return weight * torch.stack(terms).sum()

    def _add_penalty_gradient_block(
        self,
        block: Block,
        parameters: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        weight: float,
    ) -> list[Tensor]:
        """Add a block's gradients; returns its terms of Omega."""
        thetas, gradient = pick(parameters, block), pick(gradients, block)
        anchors, importances = pick(self.anchors, block), pick(self.importances, block)
        if thetas[0].device.type != "cpu":
            return _add_penalty_gradient_foreach_(
                thetas, anchors, importances, gradient, 2 * weight
            )
        return [
            _add_penalty_gradient_(theta, anchor, importance, g, 2 * weight, self._scratch)
            for theta, anchor, importance, g in zip(
                thetas, anchors, importances, gradient, strict=True
            )
        ]

    def state_dict(self) -> dict[str, Any]:
        """Tensors by name."""
        return {"importances": self.importances, "anchors": self.anchors}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        self.importances, self.anchors = dict(state["importances"]), dict(state["anchors"])


class ImportancePlugin(SegmentationPlugin):
    """Connects an importance and the penalty with the training loop.

    Right before the optimizer's step, when gradients are unscaled and accumulated, the importance
    takes in the gradient, then the penalty's is added. There is no penalty at the first step.

    Args:
        importance: the statistics.
        weight: factor of the penalty, finite and not negative.

    Attributes:
        penalty: the quadratic penalty.
        value: weight * Omega at the last iteration, a scalar tensor on the model's device.

    Raises:
        ValueError: for a weight that is negative or not finite.
    """

    def __init__(self, importance: Importance, weight: float) -> None:
        super().__init__()
        self.importance = importance
        self.weight = check_weight(weight)
        self.penalty = QuadraticPenalty()
        self.value = torch.zeros(())

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Begin the step; the model has grown already."""
        self.importance.begin_step(_trainable(strategy.model))

    def before_update(self, strategy: Any, **kwargs: Any) -> None:
        """Take in the gradient, then add the penalty's."""
        self.value = self.penalty.add_gradient(
            _trainable(strategy.model), self.weight, importance=self.importance
        )
        record_term(strategy, "penalty", self.value)

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Compute the importances that hold the parameters from the next step on."""
        parameters = _trainable(strategy.model)
        with torch.no_grad():
            self.penalty.anchor(parameters, self.importance.end_step(parameters))

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on after a checkpoint."""
        return {
            "importance": self.importance.state_dict(),
            "penalty": self.penalty.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
        self.importance.load_state_dict(state["importance"])
        self.penalty.load_state_dict(state["penalty"])


class EWCPlugin(ImportancePlugin):
    """EWC's penalty (Kirkpatrick et al., PNAS 2017) on important parameters.

    See :class:`~avalanche_seg.plugins.importance.statistics.EWCImportance`.

    Args:
        weight: 500 in MiB's comparison.
        decay: of the running squared gradient.
    """

    def __init__(self, weight: float = 500.0, *, decay: float = 0.9) -> None:
        super().__init__(EWCImportance(decay), weight)


class PIPlugin(ImportancePlugin):
    """PI's penalty (Zenke et al., ICML 2017) on important parameters.

    See :class:`~avalanche_seg.plugins.importance.statistics.PIImportance`.

    Args:
        weight: 500 in MiB's comparison.
    """

    def __init__(self, weight: float = 500.0) -> None:
        super().__init__(PIImportance(), weight)


class RWPlugin(ImportancePlugin):
    """RW's penalty (Chaudhry et al., ECCV 2018) on important parameters.

    See :class:`~avalanche_seg.plugins.importance.statistics.RWImportance`.

    Args:
        weight: 100 in MiB's comparison.
        decay: of the running squared gradient.
        interval: iterations between two points of the path.
    """

    def __init__(self, weight: float = 100.0, *, decay: float = 0.9, interval: int = 10) -> None:
        super().__init__(RWImportance(decay, interval), weight)


def _add_penalty_gradient_(
    theta: Tensor,
    anchor: Tensor,
    importance: Tensor,
    gradient: Tensor,
    factor: float,
    into: Workspace,
) -> Tensor:
    """Add factor * w (theta - anchor) to a gradient; returns the sum of w (theta - anchor)^2."""
    displacement = torch.sub(theta, anchor, out=into.like(theta, 0))
    pull = torch.mul(displacement, importance, out=into.like(theta, 1))
    gradient.add_(pull, alpha=factor)
    return torch.dot(_flat(displacement), _flat(pull))


def _add_penalty_gradient_foreach_(
    thetas: list[Tensor],
    anchors: list[Tensor],
    importances: list[Tensor],
    gradients: list[Tensor],
    factor: float,
) -> list[Tensor]:
    """As :func:`_add_penalty_gradient_` for many tensors, in few kernels."""
    displacement = torch._foreach_sub(thetas, anchors)
    pull = torch._foreach_mul(displacement, importances)
    torch._foreach_add_(gradients, pull, alpha=factor)
    torch._foreach_mul_(displacement, pull)
    return list(torch._foreach_norm(displacement, 1))  # A sum, as none is negative.


def _flat(dense: Tensor) -> Tensor:
    """The elements in the order of memory, as a view."""
    return dense.as_strided((dense.numel(),), (1,))


def _trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}
