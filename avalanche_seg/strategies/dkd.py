"""Decomposed knowledge distillation."""

from typing import Any, ClassVar, Unpack

from avalanche_seg.losses import AuxiliaryClassification, OldClassesTerm
from avalanche_seg.plugins import (
    DecomposedDistillationPlugin,
    ExtraInitPlugin,
    FreezePlugin,
    TeacherTermPlugin,
)
from avalanche_seg.system import check_number
from avalanche_seg.training import (
    RoleOptions,
    SegmentationTemplate,
    TemplateOptions,
    check_channels_of,
    own_plugins,
    with_roles,
)

__all__ = ["DKD"]


class DKD(SegmentationTemplate):
    """DKD (Baek et al., NeurIPS 2022): mBCE + 5 KD + 5 DKD+ + 5 DKD- + AC, no background channel.

    Classes are sigmoids, and background is where none of them exceeds 1/2. Every pixel that does
    not show a class is its negative, void ones too. An auxiliary channel (AC) learns that no pixel
    is its own, without a gradient to the features, and new classes start from it. At later steps
    old classes' logits, and their parts of positive and of negative weights, are distilled; network
    and batch norms are held in evaluation mode. The published network is :class:`DeepLabV3`, whose
    last 3x3 layer gives a map that is not negative; so is that under BiSeNet's head.

    Args:
        kd_weight: factor of the old classes' distillation; 5 as published.
        decomposed_weight: factor of the distillation of either part; 5 as published.
        positive_weight: weight of positive pixels at step 0; 2 on VOC, 35 on ADE20K.
        positive_weight_later: weight of positive pixels at later steps; 1 on VOC, 35 on ADE20K.
        head_lr: factor on the rate of all that is not the backbone.
        old_decay: factor on the weight decay of all but the new classes' rows, at later steps.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own. ``optimizer=sgd(...)`` gets the factors unless it has roles of
            its own.

    Raises:
        ValueError: for a model without the method's channels, or a weight that is negative or not
            finite; before a step's first update, for a head that is no 1x1 convolution.

    Example:
        >>> from avalanche_seg import BiSeNet, sgd
        >>> model = BiSeNet("resnet18", **DKD.model_options)
        >>> strategy = DKD(model=model, optimizer=sgd(lr=0.001))
        >>> [type(plugin).__name__ for plugin in strategy.plugins[:4]]
        ['ExtraInitPlugin', 'FreezePlugin', 'TeacherTermPlugin', 'DecomposedDistillationPlugin']
    """

    model_options: ClassVar[dict[str, Any]] = {
        "head": "1x1-kaiming",
        "n_extra": 1,
        "background": "none",
    }
    first_step_of = "DKD"
    later_arguments = ("kd_weight", "decomposed_weight", "positive_weight_later", "old_decay")

    def __init__(
        self,
        *,
        kd_weight: float = 5.0,
        decomposed_weight: float = 5.0,
        positive_weight: float = 2.0,
        positive_weight_later: float = 1.0,
        head_lr: float = 10.0,
        old_decay: float = 0.0,
        **options: Unpack[TemplateOptions],
    ) -> None:
        check_channels_of(type(self).__name__, options.get("model"), self.model_options)
        rate = check_number("head_lr", head_lr)
        decay = check_number("old_decay", old_decay)
        fast = RoleOptions(lr=rate, weight_decay=decay)
        later = {"body": RoleOptions(weight_decay=decay), "new": RoleOptions(lr=rate)}
        later |= dict.fromkeys(("neck", "old", "extra"), fast)
        first = dict.fromkeys(("neck", "new", "extra"), RoleOptions(lr=rate))
        if "optimizer" in options:
            optimizer = with_roles(options["optimizer"], roles=later, first_step_roles=first)
            options = {**options, "optimizer": optimizer}
        own = (
            ExtraInitPlugin(detach=True),
            FreezePlugin(norm_affine=True, evaluation=("network",), first_step=1),
            TeacherTermPlugin(OldClassesTerm(check_number("kd_weight", kd_weight))),
            DecomposedDistillationPlugin(check_number("decomposed_weight", decomposed_weight)),
        )
        objective = AuxiliaryClassification(positive_weight, positive_weight_later)
        super().__init__(objective=objective, **own_plugins(options, *own))
