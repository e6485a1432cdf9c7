"""New classes that start as the model's extra channel, as a plugin."""

from typing import Any

from avalanche_seg.models import IncrementalHead, extra_classifier_init
from avalanche_seg.plugins.base import SegmentationPlugin, check_label_depth

__all__ = ["ExtraInitPlugin"]


class ExtraInitPlugin(SegmentationPlugin):
    """Makes every head of the model initialise new classes by its extra channel's classifier.

    Of SSUL (the unknown channel) and DKD (the auxiliary one); see
    :func:`avalanche_seg.models.extra_classifier_init`.

    Args:
        detach: the extra channel sends no gradient to the features (DKD).

    Raises:
        ValueError: in training, before step 0, for a model whose heads have not one extra channel;
            before a step that brings no class, as in streams whose steps are domains; for 255
            classes or more.
    """

    def __init__(self, *, detach: bool = False) -> None:
        super().__init__()
        self.detach = detach

    def before_training(self, strategy: Any, **kwargs: Any) -> None:
        """Tell the heads; the model has not grown yet at this point."""
        heads = [m for m in strategy.model.modules() if isinstance(m, IncrementalHead)]
        if not heads or any(head.n_extra != 1 for head in heads):
            raise ValueError(
                f"model: {type(strategy.model).__name__} has no extra channel that new classes "
                f"could start from; expected one: {type(self).__name__} needs a SegmentationModel "
                "with n_extra=1"
            )
        for head in heads:
            head.init_new = extra_classifier_init
            head.detach_extra = self.detach

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Look at the step, before it is trained."""
        experience = strategy.experience
        check_label_depth(self, experience)
        if not set(experience.classes_in_this_experience) - set(experience.previous_classes):
            raise ValueError(
                f"step {experience.current_experience} brings no class, and "
                f"{type(strategy).__name__} learns in new classes' rows; expected new classes: "
                "where steps are domains, take MiB, PLOP, EWC or another method"
            )
