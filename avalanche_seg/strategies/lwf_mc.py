"""Learning without forgetting, multi-class."""

from typing import Unpack

from avalanche_seg.losses import BinaryCrossEntropy
from avalanche_seg.plugins import ICaRLDistillationPlugin
from avalanche_seg.system import check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["LwFMC"]


class LwFMC(SegmentationTemplate):
    """LwF-MC (Rebuffi et al., CVPR 2017): BCE + 10 iCaRL distillation; BCE alone at step 0.

    Args:
        kd_weight: factor of the distillation; 10 in MiB's comparison.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.
    """

    first_step_of = "LwFMC"
    later_arguments = ("kd_weight",)

    def __init__(self, *, kd_weight: float = 10.0, **options: Unpack[TemplateOptions]) -> None:
        super().__init__(
            criterion=BinaryCrossEntropy(),
            **own_plugins(options, ICaRLDistillationPlugin(check_number("kd_weight", kd_weight))),
        )
