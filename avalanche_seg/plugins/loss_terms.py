"""The parts a loss is made of, by name, so that metrics and errors can tell them apart."""

from typing import Any

from torch import Tensor

__all__ = ["record_term"]


def record_term(strategy: Any, name: str, value: Tensor) -> None:
    """Note a part of the current batch's objective; strategies without ``loss_terms`` take none.

    Args:
        strategy: the strategy, a :class:`~avalanche_seg.strategies.SegmentationTemplate` or other.
        name: of the part, such as "unkd".
        value: weighted as it enters the objective, a scalar tensor; its graph is not kept.
    """
    terms = getattr(strategy, "loss_terms", None)
    if terms is not None:
        terms[name] = value.detach()
