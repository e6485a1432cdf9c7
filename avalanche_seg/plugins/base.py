"""What every plugin here has in common."""

import math
from typing import Any

from avalanche.core import SupervisedPlugin

__all__ = ["SegmentationPlugin", "check_weight"]


def check_weight(weight: float) -> float:
    """The factor of a term, unless it is negative or not finite: that is a ValueError."""
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"weight={weight}; expected a finite number, zero or more")
    return weight


class SegmentationPlugin(SupervisedPlugin):
    """A supervised plugin that declares support for distributed training.

    Avalanche resets the declaration in every subclass; the plugins here hold the same state on
    every rank, so it is made once.
    """

    def __init_subclass__(cls, supports_distributed: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(supports_distributed=supports_distributed, **kwargs)
