"""PLOP's distillation of feature maps and logits, in any Avalanche strategy."""

from collections.abc import Sequence
from typing import Any

from avalanche_seg.losses import ExtraChannels, LocalPODTerm
from avalanche_seg.models import SegmentationModel
from avalanche_seg.plugins.distillation.plugins import TeacherTermPlugin
from avalanche_seg.plugins.distillation.teacher import Teacher
from avalanche_seg.system import shown

__all__ = ["LocalPODPlugin"]


class LocalPODPlugin(TeacherTermPlugin):
    """Local POD (Douillard et al., CVPR 2021) over feature maps and the main logits.

    See :class:`avalanche_seg.losses.LocalPODTerm`. The maps are asked of the model, which returns
    them from then on. PLOP takes the stages of the ResNet before their last activation, the map
    under the classifiers and the logits.

    Args:
        weight: factor of every feature map; .01 on VOC, .001 on ADE20K.
        logits_weight: factor of the logits; 5e-4 on VOC, 1e-5 on ADE20K.
        taps: the feature maps by name; None for all that the model has.
        extra_channels: "sum" (as published) or "lse": how new logits join the background's.
        teacher: default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite, or an unknown ``extra_channels``;
            in training, before step 0, for a map that the model does not have.

    Example:
        >>> LocalPODPlugin(taps=("layer4", "head")).objective.weight
        0.01
    """

    def __init__(
        self,
        weight: float = 0.01,
        *,
        logits_weight: float = 5e-4,
        taps: Sequence[str] | None = None,
        extra_channels: ExtraChannels = "sum",
        teacher: Teacher | None = None,
    ) -> None:
        listed = isinstance(taps, Sequence) and not isinstance(taps, str)
        if taps is not None and not (listed and taps and all(isinstance(t, str) for t in taps)):
            raise ValueError(
                f"taps={shown(taps)}; expected names of feature maps, such as ['layer4', 'head']"
            )
        self.taps = None if taps is None else tuple(taps)
        term = LocalPODTerm(weight, logits_weight, taps=self.taps, extra_channels=extra_channels)
        super().__init__(term, teacher=teacher)

    def before_training(self, strategy: Any, **kwargs: Any) -> None:
        """Ask the model for the maps; one that chooses its own is looked at in the first batch.

        Raises:
            ValueError: for a map that the model does not have, naming those it has.
        """
        model = strategy.model
        if isinstance(model, SegmentationModel):
            known = ("head", *getattr(model.network, "tap_names", ()))
            model.taps = model.taps.union(known if self.taps is None else self.taps)
