"""MiB's initial classifier of new classes, as a plugin."""

from typing import Any

from torch import nn

from avalanche_seg.models import IncrementalHead, background_row, balanced_classifier_init
from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.plugins.growth import brings_classes

__all__ = ["BalancedInitPlugin"]


class BalancedInitPlugin(SegmentationPlugin):
    """Makes every head of the model initialise new classes by the background's classifier.

    Of MiB (Cermelli et al., CVPR 2020, section 3.3); see
    :func:`avalanche_seg.models.balanced_init`. The heads do it when they grow, so once per step,
    on the main and the auxiliary outputs; never where steps bring other images and no class.

    Raises:
        ValueError: in training, before step 0, for a model without such a head, or whose heads have
            no row for the background to copy.
    """

    def before_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Tell the heads; the model has not grown yet at this point."""
        if not _may_grow(strategy.experience):
            return
        heads = _heads(strategy.model)
        if not heads:
            raise ValueError(
                f"model: {type(strategy.model).__name__} has no IncrementalHead, so there is none "
                "for the balanced initialisation; give it one, as_incremental(network), or "
                f"leave {type(self).__name__} out (FineTuning has none)"
            )
        for head in heads:
            head.init_new = balanced_classifier_init

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Look at the heads, which have channels now: later they would refuse to grow."""
        if not _may_grow(strategy.experience):
            return
        for head in _heads(strategy.model):
            background_row(head)


def _may_grow(experience: Any) -> bool:
    """Whether there are, or will be, classes beside those of step 0."""
    space = getattr(experience, "label_space", None)
    return brings_classes(experience) and not getattr(space, "is_domain_incremental", False)


def _heads(model: nn.Module) -> list[IncrementalHead]:
    return [module for module in model.modules() if isinstance(module, IncrementalHead)]
