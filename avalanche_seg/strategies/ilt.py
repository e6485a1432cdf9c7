"""Incremental learning techniques."""

from typing import Unpack

from avalanche_seg.plugins import DistillationPlugin, FeatureDistillationPlugin
from avalanche_seg.system import check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["ILT"]


class ILT(SegmentationTemplate):
    """ILT (Michieli and Zanuttigh, ICCV workshops 2019): CE + 100 KD + 100 feature KD.

    Args:
        kd_weight: factor of the distillation; 100 in MiB's comparison.
        feature_weight: factor of the feature distillation; 100 in MiB's comparison, 10 in SMiB's
            BiSeNet.
        teacher_scale: factor on the teacher's logits.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.
    """

    first_step_of = "FineTuning"

    def __init__(
        self,
        *,
        kd_weight: float = 100.0,
        feature_weight: float = 100.0,
        teacher_scale: float = 1.0,
        **options: Unpack[TemplateOptions],
    ) -> None:
        own = (
            DistillationPlugin(check_number("kd_weight", kd_weight), teacher_scale=teacher_scale),
            FeatureDistillationPlugin(check_number("feature_weight", feature_weight)),
        )
        super().__init__(**own_plugins(options, *own))
