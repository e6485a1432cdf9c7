"""Modelling the background."""

from typing import Unpack

from avalanche_seg.losses import UnbiasedCrossEntropy
from avalanche_seg.plugins import BalancedInitPlugin, UnbiasedDistillationPlugin
from avalanche_seg.system import check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["MiB", "MiBOptions"]


class MiBOptions(TemplateOptions, total=False):
    """The keyword arguments of :class:`MiB`, for methods that are built on it."""

    kd_weight: float
    teacher_scale: float


class MiB(SegmentationTemplate):
    """MiB (Cermelli et al., CVPR 2020): UNCE + lambda UNKD, balanced initial classifiers.

    Step 0 is plain cross entropy. Later steps use the unbiased cross entropy on the main and the
    auxiliary outputs, and the unbiased distillation on the main output, there both in one pass.

    Args:
        kd_weight: lambda; 10 as published (100 on 15-5s, which the command line sets by itself).
        teacher_scale: factor on the teacher's logits.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.

    Example:
        >>> from avalanche_seg import BiSeNet, PolyLRPlugin, sgd
        >>> strategy = MiB(model=BiSeNet(), optimizer=sgd(lr=0.01), plugins=[PolyLRPlugin()])
        >>> [type(plugin).__name__ for plugin in strategy.plugins[:3]]
        ['BalancedInitPlugin', 'UnbiasedDistillationPlugin', 'PolyLRPlugin']
    """

    first_step_of = "FineTuning"

    def __init__(
        self,
        *,
        kd_weight: float = 10.0,
        teacher_scale: float = 1.0,
        **options: Unpack[TemplateOptions],
    ) -> None:
        weight = check_number("kd_weight", kd_weight)
        own = (
            BalancedInitPlugin(),
            UnbiasedDistillationPlugin(weight, teacher_scale=teacher_scale),
        )
        super().__init__(criterion=UnbiasedCrossEntropy(), **own_plugins(options, *own))
