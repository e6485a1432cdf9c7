"""Riemannian walk."""

from typing import Unpack

from avalanche_seg.plugins import RWPlugin
from avalanche_seg.system import check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["RW"]


class RW(SegmentationTemplate):
    """RW (Chaudhry et al., ECCV 2018): CE + 100 Omega.

    Args:
        penalty_weight: factor of the penalty; 100 in MiB's comparison.
        decay: weight of the newest squared gradient.
        interval: iterations between two points of the path.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.
    """

    first_step_of = "RW"
    later_arguments = ("penalty_weight",)

    def __init__(
        self,
        *,
        penalty_weight: float = 100.0,
        decay: float = 0.9,
        interval: int = 10,
        **options: Unpack[TemplateOptions],
    ) -> None:
        penalty = RWPlugin(
            check_number("penalty_weight", penalty_weight), decay=decay, interval=interval
        )
        super().__init__(**own_plugins(options, penalty))
