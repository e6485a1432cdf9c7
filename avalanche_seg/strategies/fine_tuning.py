"""Fine-tuning: the lower bound."""

from avalanche_seg.training import SegmentationTemplate

__all__ = ["FineTuning"]


class FineTuning(SegmentationTemplate):
    """FT: cross entropy on every step, nothing against forgetting.

    Arguments as in :class:`~avalanche_seg.training.SegmentationTemplate`.
    """

    first_step_of = "FineTuning"
