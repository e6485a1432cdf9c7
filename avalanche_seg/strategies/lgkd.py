"""Label-guided knowledge distillation."""

from typing import Literal, Unpack

from avalanche_seg.losses import LabelGuidedDistillationTerm
from avalanche_seg.plugins import TeacherTermPlugin
from avalanche_seg.strategies.plop import PLOP, PLOPOptions
from avalanche_seg.system import check_number, shown
from avalanche_seg.training import own_plugins

__all__ = ["LGKD"]


class LGKD(PLOP):
    """LGKD (Yang et al., ICCV 2023): PLOP and a distillation that the labels guide.

    A step is trained as :class:`PLOP`; besides, the main output learns the previous model's
    probabilities, whose background goes to the new class where a pixel is labelled with one. Where
    the pseudo-labels are void, that costs nothing.

    Args:
        guided_old_weight: factor where a pixel is background or of an old class; 10 is the default
            of the published code, whose scripts choose it by task.
        guided_new_weight: factor where a pixel is of a new class; 2 by default, as above.
        guided_reduction: "mean" over the pixels that are not void (as published), or "mean_all";
            with the former the parts of a batch, or its shares in several processes, are means of
            their own.
        **options: as in :class:`PLOP`.
    """

    first_step_of = "FineTuning"

    def __init__(
        self,
        *,
        guided_old_weight: float = 10.0,
        guided_new_weight: float = 2.0,
        guided_reduction: Literal["mean", "mean_all"] = "mean",
        **options: Unpack[PLOPOptions],
    ) -> None:
        if guided_reduction not in ("mean", "mean_all"):
            raise ValueError(
                f"guided_reduction={shown(guided_reduction)}; expected 'mean' or 'mean_all'"
            )
        term = LabelGuidedDistillationTerm(
            1.0,
            check_number("guided_old_weight", guided_old_weight),
            check_number("guided_new_weight", guided_new_weight),
            guided_reduction,
        )
        super().__init__(**own_plugins(options, TeacherTermPlugin(term)))
