"""Learning without forgetting."""

from typing import Unpack

from avalanche_seg.plugins import DistillationPlugin
from avalanche_seg.system import check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["LwF"]


class LwF(SegmentationTemplate):
    """LwF (Li and Hoiem, ECCV 2016), as in MiB's comparison: CE + 100 KD.

    Args:
        kd_weight: factor of the distillation; 100 in MiB's comparison.
        teacher_scale: factor on the teacher's logits.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.
    """

    first_step_of = "FineTuning"

    def __init__(
        self,
        *,
        kd_weight: float = 100.0,
        teacher_scale: float = 1.0,
        **options: Unpack[TemplateOptions],
    ) -> None:
        distillation = DistillationPlugin(
            check_number("kd_weight", kd_weight), teacher_scale=teacher_scale
        )
        super().__init__(**own_plugins(options, distillation))
