"""Methods that change the weights once per step is trained: fusion with the old model, folding."""

from abc import abstractmethod
from typing import Any

from avalanche_seg.plugins.base import SegmentationPlugin

__all__ = ["WeightEditPlugin"]


class WeightEditPlugin(SegmentationPlugin):
    """Base of the plugins that edit the model's weights after a step's training.

    In a :class:`~avalanche_seg.training.SegmentationTemplate` it happens before every other
    plugin's ``after_training_exp``: exemplars, importances, evaluations and the next teacher see
    the edited weights. Any other strategy edits when it reaches the plugin in its list, so there it
    belongs in front.

    Example:
        >>> class Halve(WeightEditPlugin):
        ...     def edit_weights(self, strategy):
        ...         for parameter in strategy.model.parameters():
        ...             parameter.data.div_(2)
    """

    @abstractmethod
    def edit_weights(self, strategy: Any) -> None:
        """Change ``strategy.model`` in place, without gradient, alike in all processes."""

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Edit, where the strategy has not asked for it already."""
        if not getattr(strategy, "edits_weights", False):
            self.edit_weights(strategy)
