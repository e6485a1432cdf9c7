"""Endpoint weight fusion."""

from typing import Unpack

from avalanche_seg.plugins import FreezePlugin, SegmentationPlugin, WeightFusionPlugin
from avalanche_seg.strategies.mib import MiB, MiBOptions
from avalanche_seg.strategies.plop import PLOP, PLOPOptions
from avalanche_seg.system import check_number
from avalanche_seg.training import own_plugins

__all__ = ["EWF", "EWFPLOP"]


class EWF(MiB):
    """EWF over MiB (Xiao et al., CVPR 2023): old classifiers rest, weights are fused after a step.

    A step is trained as :class:`MiB`, the classifiers of earlier steps (that of the background with
    them) left as the balanced initialisation made them. After its last epoch all weights of the
    previous model are fused: (1 - m) old + m new.

    Args:
        fusion_share: m, 0 to 1, by default sqrt(N / (N + K)) of N new and K earlier classes.
        **options: as in :class:`MiB`.

    Example:
        >>> from avalanche_seg import BiSeNet, sgd
        >>> strategy = EWF(model=BiSeNet(), optimizer=sgd(lr=0.01), kd_weight=100.0)
        >>> [type(plugin).__name__ for plugin in strategy.plugins[:4]]
        ['BalancedInitPlugin', 'UnbiasedDistillationPlugin', 'FreezePlugin', 'WeightFusionPlugin']
    """

    first_step_of = "FineTuning"

    def __init__(self, *, fusion_share: float | None = None, **options: Unpack[MiBOptions]) -> None:
        super().__init__(**own_plugins(options, *_fusion(fusion_share)))


class EWFPLOP(PLOP):
    """EWF over PLOP (Xiao et al., CVPR 2023): a step is trained as :class:`PLOP`, else as EWF.

    Args:
        fusion_share: m, 0 to 1, by default sqrt(N / (N + K)) of N new and K earlier classes.
        **options: as in :class:`PLOP`.
    """

    first_step_of = "FineTuning"

    def __init__(
        self, *, fusion_share: float | None = None, **options: Unpack[PLOPOptions]
    ) -> None:
        super().__init__(**own_plugins(options, *_fusion(fusion_share)))


def _fusion(share: float | None) -> list[SegmentationPlugin]:
    if share is not None:
        check_number("fusion_share", share, most=1)
    return [FreezePlugin(old_heads=True), WeightFusionPlugin(share)]
