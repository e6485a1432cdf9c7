"""Old and new weights fused after every step, over any method."""

import math
from typing import Any

from avalanche_seg.models import fuse_weights
from avalanche_seg.plugins.distillation import Teacher, TeacherPlugin
from avalanche_seg.plugins.weight_edit import WeightEditPlugin
from avalanche_seg.system import check_number

__all__ = ["WeightFusionPlugin"]


class WeightFusionPlugin(WeightEditPlugin, TeacherPlugin):
    """EWF's fusion of the previous and the trained weights (Xiao et al., CVPR 2023).

    After a later step's last epoch every weight that the previous model has becomes (1 - m) times
    the old one plus m times the trained one; see :func:`avalanche_seg.models.fuse_weights`. Tests,
    exemplars and the next step see the fused model. As published, classifiers of earlier steps do
    not learn: ``FreezePlugin(old_heads=True)`` beside it.

    Args:
        share: m, 0..1; None for sqrt(N / (N + K)), with N new and K earlier classes, the background
            among them: .488 for VOC 15-5, .243 for its 15-1.
        teacher: default the one that the strategy's plugins share.

    Raises:
        ValueError: for a share out of range; in training, before a step that brings no class when
            the share is left to their number.

    Example:
        >>> round(WeightFusionPlugin().share_of(n_old=16, n_new=5), 3)
        0.488
    """

    def __init__(self, share: float | None = None, *, teacher: Teacher | None = None) -> None:
        super().__init__(teacher=teacher)
        self.share = None if share is None else check_number("share", share, most=1)

    def share_of(self, *, n_old: int, n_new: int) -> float:
        """The share m of a step that adds ``n_new`` classes to ``n_old``."""
        return math.sqrt(n_new / (n_new + n_old)) if self.share is None else self.share

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Look at the step, before it is trained."""
        if self._share_now(strategy.experience) == 0 and self.share is None:
            raise ValueError(
                f"step {strategy.experience.current_experience} brings no class, so the fusion "
                "would give the previous model back; expected new classes: pass share="
            )

    def edit_weights(self, strategy: Any) -> None:
        """Fuse, after a step that has a previous model."""
        if not strategy.experience.previous_classes:
            return
        assert self.teacher is not None and self.teacher.model is not None
        share = self._share_now(strategy.experience)
        fuse_weights(strategy.model, self.teacher.model.state_dict(), share)

    def _share_now(self, experience: Any) -> float:
        old = set(experience.previous_classes)
        new = set(experience.classes_in_this_experience) - old
        return self.share_of(n_old=len(old), n_new=len(new))
