"""An unknown channel and a frozen network."""

from typing import Any, ClassVar, Unpack

from avalanche_seg.losses import ChannelClassification
from avalanche_seg.plugins import (
    ExtraInitPlugin,
    FreezePlugin,
    SharedForwardPlugin,
    UnknownLabelPlugin,
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

__all__ = ["SSUL"]


class SSUL(SegmentationTemplate):
    """SSUL (Cha et al., NeurIPS 2021): BCE with an unknown channel; later steps train heads alone.

    Sigmoids of [unknown, background, classes] learn from one-hot labels, the sum over channels and
    the mean over the pixels that are not void. Salient background is unknown, and from step 1 on
    unknown and background become an old class where the previous model is sure. Then all is frozen
    but the new classes' head, which starts as the unknown's, the unknown's and, slowly, the
    background's; batch norms stay as they are, and student and teacher share one forward pass.
    Auxiliary heads learn at step 0 alone. It takes a benchmark with ``train_void="ignore"``. The
    last weights are kept; the published code keeps those that are best on images of the test set.

    Args:
        saliency: name of the samples' extra that tells salient pixels; None takes all background
            for unknown, as published on ADE20K (published numbers on VOC need maps).
        pseudo_threshold: least sigmoid of a pseudo-label, 0 to 1.
        body_lr: factor on the backbone's rate at step 0.
        background_lr: factor on the rate of the background's head at later steps.
        **options: as in :class:`~avalanche_seg.training.SegmentationTemplate`; ``plugins`` come
            after the method's own. ``optimizer=sgd(...)`` gets the factors unless it has roles of
            its own.

    Raises:
        ValueError: for a model without the method's channels, a threshold out of range; before a
            step's first update, when the samples lack the saliency.

    Example:
        >>> from avalanche_seg import BiSeNet, sgd
        >>> model = BiSeNet("resnet18", **SSUL.model_options)
        >>> strategy = SSUL(model=model, optimizer=sgd(lr=0.01, lr_later=0.01))
        >>> [type(plugin).__name__ for plugin in strategy.plugins[:4]]
        ['ExtraInitPlugin', 'FreezePlugin', 'SharedForwardPlugin', 'UnknownLabelPlugin']
    """

    model_options: ClassVar[dict[str, Any]] = {"head": "3x3", "n_extra": 1, "background": "split"}
    train_void = "ignore"
    first_step_of = "SSUL"
    later_arguments = ("pseudo_threshold", "background_lr")

    def __init__(
        self,
        *,
        saliency: str | None = None,
        pseudo_threshold: float = 0.7,
        body_lr: float = 0.1,
        background_lr: float = 1e-4,
        **options: Unpack[TemplateOptions],
    ) -> None:
        check_channels_of(type(self).__name__, options.get("model"), self.model_options)
        rates = {
            "roles": {"background": RoleOptions(lr=check_number("background_lr", background_lr))},
            "first_step_roles": {"body": RoleOptions(lr=check_number("body_lr", body_lr))},
        }
        if "optimizer" in options:
            options = {**options, "optimizer": with_roles(options["optimizer"], **rates)}
        own = (
            ExtraInitPlugin(),
            FreezePlugin(
                batch_norm=True,
                norm_affine=True,
                roles=("body", "neck", "old"),
                evaluation=("aux_heads",),
                first_step=1,
            ),
            SharedForwardPlugin(),
            UnknownLabelPlugin(saliency=saliency, threshold=pseudo_threshold),
        )
        super().__init__(objective=ChannelClassification(), **own_plugins(options, *own))
