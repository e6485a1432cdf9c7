"""What every plugin here has in common."""

from typing import Any

from avalanche.core import SupervisedPlugin
from torch import Tensor

from avalanche_seg.labels import VOID
from avalanche_seg.system import check_number

__all__ = ["SegmentationPlugin", "check_label_depth", "check_weight", "record_term"]


def check_weight(weight: float) -> float:
    """The factor of a term, unless it is negative or not finite: that is a ValueError."""
    return check_number("weight", weight)


def check_label_depth(plugin: object, experience: Any) -> None:
    """Refuse label maps that use 255, or more than 8 bits, to a plugin that writes its own.

    Raises:
        ValueError: for a benchmark of more classes than labels of 8 bits can tell.
    """
    space = getattr(experience, "label_space", None)
    if space is not None and space.n_channels >= VOID:
        raise ValueError(
            f"{type(plugin).__name__} writes labels of 8 bits; expected fewer than {VOID} classes, "
            f"and this benchmark has {space.n_channels}: take a method without pseudo-labels and "
            "extra channels, such as MiB or EWC"
        )


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
