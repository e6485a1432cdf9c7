"""Pseudo-labels and local POD."""

from collections.abc import Sequence
from typing import Unpack

from avalanche_seg.losses import ExtraChannels, ThresholdRule
from avalanche_seg.plugins import (
    BalancedInitPlugin,
    LocalPODPlugin,
    PseudoLabelPlugin,
    SegmentationPlugin,
)
from avalanche_seg.system import check_flags, check_number
from avalanche_seg.training import SegmentationTemplate, TemplateOptions, own_plugins

__all__ = ["PLOP", "PLOPOptions"]


class PLOPOptions(TemplateOptions, total=False):
    """The keyword arguments of :class:`PLOP`, for methods that are built on it."""

    pod_weight: float
    pod_logits_weight: float
    taps: Sequence[str] | None
    extra_channels: ExtraChannels
    pseudo_labels: bool
    threshold: ThresholdRule
    least_threshold: float
    weigh_images: bool


class PLOP(SegmentationTemplate):
    """PLOP (Douillard et al., CVPR 2021): CE on pseudo-labels, local POD, balanced classifiers.

    Step 0 is plain cross entropy. Later, background becomes the class of the previous model where
    that is sure, else void; every image's cross entropy, on the main and the auxiliary outputs, is
    weighed by the accepted share of its background; and feature maps and main logits are kept near
    the previous model's. It takes a benchmark with ``train_void="ignore"``.

    Args:
        pod_weight: factor of every feature map; 0.01 on VOC, 0.001 on ADE20K.
        pod_logits_weight: factor of the logits; 5e-4 on VOC, 1e-5 on ADE20K.
        taps: the feature maps by name; None for all that the model has.
        extra_channels: how new logits join the background's, "sum" (as published) or "lse".
        pseudo_labels: learn from pseudo-labels; off for steps that bring other images and no class.
        threshold: "code" (as published) or "paper", the rule of the thresholds.
        least_threshold: smallest threshold of a class, 0 to 1.
        weigh_images: weigh images by their accepted share.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own.

    Example:
        >>> from avalanche_seg import BiSeNet, sgd
        >>> strategy = PLOP(model=BiSeNet(), optimizer=sgd(lr=0.01), threshold="paper")
        >>> [type(plugin).__name__ for plugin in strategy.plugins[:3]]
        ['BalancedInitPlugin', 'PseudoLabelPlugin', 'LocalPODPlugin']
    """

    train_void = "ignore"
    first_step_of = "FineTuning"

    def __init__(
        self,
        *,
        pod_weight: float = 0.01,
        pod_logits_weight: float = 5e-4,
        taps: Sequence[str] | None = None,
        extra_channels: ExtraChannels = "sum",
        pseudo_labels: bool = True,
        threshold: ThresholdRule = "code",
        least_threshold: float = 0.001,
        weigh_images: bool = True,
        **options: Unpack[TemplateOptions],
    ) -> None:
        check_flags(pseudo_labels=pseudo_labels)
        labels = PseudoLabelPlugin(
            threshold=threshold,
            least=check_number("least_threshold", least_threshold, most=1),
            weigh_images=weigh_images,
        )
        pod = LocalPODPlugin(
            check_number("pod_weight", pod_weight),
            logits_weight=check_number("pod_logits_weight", pod_logits_weight),
            taps=taps,
            extra_channels=extra_channels,
        )
        own: list[SegmentationPlugin] = [BalancedInitPlugin(), *[labels] * pseudo_labels, pod]
        super().__init__(**own_plugins(options, *own))
