"""MiB's initial classifier of new classes, as a plugin."""

from typing import Any

from avalanche_seg.models import IncrementalHead, balanced_classifier_init
from avalanche_seg.plugins.base import SegmentationPlugin

__all__ = ["BalancedInitPlugin"]


class BalancedInitPlugin(SegmentationPlugin):
    """Makes every head of the model initialise new classes by the background's classifier.

    Of MiB (Cermelli et al., CVPR 2020, section 3.3); see
    :func:`avalanche_seg.models.balanced_init`. The heads do it when they grow, so once per step,
    on the main and the auxiliary outputs.
    """

    def before_training(self, strategy: Any, **kwargs: Any) -> None:
        """Tell the heads; the model has not grown yet at this point."""
        for module in strategy.model.modules():
            if isinstance(module, IncrementalHead):
                module.init_new = balanced_classifier_init
