"""What every plugin here has in common."""

import math
from typing import Any

from avalanche.core import SupervisedPlugin
from torch import Tensor

__all__ = ["SegmentationPlugin", "check_weight", "record_term"]


def check_weight(weight: float) -> float:
    """The factor of a term, unless it is negative or not finite: that is a ValueError."""
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"weight={weight}; expected a finite number, zero or more")
    return weight


def record_term(strategy: Any, name: str, value: Tensor) -> None:
    """Note a part of the current batch's objective; strategies without ``loss_terms`` take none.

    Args:
        strategy: the strategy, a :class:`~avalanche_seg.training.SegmentationTemplate` or other.
        name: of the part, such as "unkd".
        value: weighted as it enters the objective, a scalar tensor; its graph is not kept.
    """
    terms = getattr(strategy, "loss_terms", None)
    if terms is not None:
        terms[name] = value.detach()


class SegmentationPlugin(SupervisedPlugin):
    """A supervised plugin that declares support for distributed training.

    Avalanche resets the declaration in every subclass; the plugins here hold the same state on
    every rank, so it is made once.
    """

    def __init_subclass__(cls, supports_distributed: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(supports_distributed=supports_distributed, **kwargs)
