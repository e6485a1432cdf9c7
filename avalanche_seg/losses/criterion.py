"""What the Modules of losses from logits and a label map share."""

from typing import ClassVar

from torch import nn

from avalanche_seg.labels import VOID
from avalanche_seg.losses.reduction import Reduction, check_reduction
from avalanche_seg.system import check_whole

__all__ = ["LabelCriterion"]


class LabelCriterion(nn.Module):
    """A criterion that takes logits at the model's own stride; base of the Modules.

    Args:
        ignore_index: label of pixels that cost nothing.
        reduction: one of :data:`~avalanche_seg.losses.REDUCTIONS`.

    Attributes:
        resizes_logits: tells it from a criterion of another library, which needs
            :class:`~avalanche_seg.losses.AtTargetSize`.

    Raises:
        ValueError: when the reduction is unknown.
    """

    resizes_logits: ClassVar[bool] = True

    def __init__(self, *, ignore_index: int = VOID, reduction: Reduction = "mean_all") -> None:
        super().__init__()
        check_reduction(reduction)
        self.ignore_index = check_whole(
            "ignore_index", ignore_index, least=-(2**31), expected="a label, a whole number"
        )
        self.reduction: Reduction = reduction
