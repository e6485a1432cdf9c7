"""Another number of epochs for later steps."""

from typing import Any

from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.system import check_whole

__all__ = ["EpochsPlugin"]


class EpochsPlugin(SegmentationPlugin):
    """Trains later steps for another number of epochs than step 0, as published for some tasks.

    It takes the place of the strategy's ``train_epochs`` and belongs in front of plugins that count
    iterations, such as schedules of the learning rate.

    Args:
        first: epochs of step 0.
        later: epochs of every later step.

    Raises:
        ValueError: for numbers that are none.

    Example:
        >>> EpochsPlugin(30, 10).later  # PLOP on VOC 10-1
        10
    """

    def __init__(self, first: int, later: int) -> None:
        super().__init__()
        self.first = check_whole("first", first)
        self.later = check_whole("later", later)

    def before_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Tell the strategy, before anything of the step asks it."""
        strategy.train_epochs = self.later if strategy.experience.previous_classes else self.first
