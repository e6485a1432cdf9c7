"""Path integral."""

from typing import Unpack

from avalanche_seg.plugins import PIPlugin
from avalanche_seg.system import check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["PI"]


class PI(SegmentationTemplate):
    """PI (Zenke et al., ICML 2017): CE + 500 Omega.

    Args:
        penalty_weight: factor of the penalty; 500 in MiB's comparison.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.
    """

    first_step_of = "PI"
    later_arguments = ("penalty_weight",)

    def __init__(
        self, *, penalty_weight: float = 500.0, **options: Unpack[TemplateOptions]
    ) -> None:
        super().__init__(
            **own_plugins(options, PIPlugin(check_number("penalty_weight", penalty_weight)))
        )
