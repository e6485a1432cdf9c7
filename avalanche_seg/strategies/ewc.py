"""Elastic weight consolidation."""

from typing import Unpack

from avalanche_seg.plugins import EWCPlugin
from avalanche_seg.system import check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["EWC"]


class EWC(SegmentationTemplate):
    """EWC (Kirkpatrick et al., PNAS 2017): CE + 500 Omega.

    Args:
        penalty_weight: factor of the penalty; 500 in MiB's comparison.
        decay: weight of the newest squared gradient.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.
    """

    first_step_of = "EWC"
    later_arguments = ("penalty_weight",)

    def __init__(
        self,
        *,
        penalty_weight: float = 500.0,
        decay: float = 0.9,
        **options: Unpack[TemplateOptions],
    ) -> None:
        super().__init__(
            **own_plugins(
                options, EWCPlugin(check_number("penalty_weight", penalty_weight), decay=decay)
            )
        )
