"""Distillation between the model and the previous one, in any Avalanche strategy."""

from avalanche_seg.losses import (
    DistillationTerm,
    FeatureDistillationTerm,
    ICaRLDistillationTerm,
    Objective,
    StepBatch,
    UnbiasedDistillationTerm,
)
from avalanche_seg.plugins.base import check_weight
from avalanche_seg.plugins.distillation.teacher import Teacher
from avalanche_seg.plugins.distillation.teacher_plugin import TeacherPlugin
from avalanche_seg.plugins.objective import ObjectivePlugin, step_batch

__all__ = [
    "DistillationPlugin",
    "FeatureDistillationPlugin",
    "ICaRLDistillationPlugin",
    "TeacherTermPlugin",
    "UnbiasedDistillationPlugin",
]


class TeacherTermPlugin(ObjectivePlugin, TeacherPlugin):
    """Adds an objective that compares the model with the previous one, from step 1 on.

    Args:
        objective: such as a :class:`~avalanche_seg.losses.TeacherTerm`.
        teacher: the previous model; default the one that the strategy's plugins share.
    """

    def __init__(self, objective: Objective, *, teacher: Teacher | None = None) -> None:
        super().__init__(objective, teacher=teacher)

    def batch_of(self, strategy: object) -> StepBatch:
        """The current batch, with the teacher's output."""
        return step_batch(strategy, teacher=self.teacher_output(strategy))


class DistillationPlugin(TeacherTermPlugin):
    """LwF's distillation (Li and Hoiem, ECCV 2016) on the main output, at the label map's size.

    See :func:`avalanche_seg.losses.distillation`.

    Args:
        weight: factor of the term; 100 in MiB's comparison.
        teacher_scale: factor on the teacher's logits.
        teacher: default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite.
    """

    def __init__(
        self, weight: float = 100.0, *, teacher_scale: float = 1.0, teacher: Teacher | None = None
    ) -> None:
        super().__init__(DistillationTerm(check_weight(weight), teacher_scale), teacher=teacher)


class UnbiasedDistillationPlugin(TeacherTermPlugin):
    """MiB's distillation (Cermelli et al., CVPR 2020) on the main output, at the label map's size.

    See :func:`avalanche_seg.losses.unbiased_distillation`. Beside the criterion
    :class:`~avalanche_seg.losses.UnbiasedCrossEntropy` both are computed in one pass.

    Args:
        weight: lambda; 10 as published (100 on 15-5s).
        teacher_scale: factor on the teacher's logits.
        teacher: default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite.
    """

    def __init__(
        self, weight: float = 10.0, *, teacher_scale: float = 1.0, teacher: Teacher | None = None
    ) -> None:
        term = UnbiasedDistillationTerm(check_weight(weight), teacher_scale)
        super().__init__(term, teacher=teacher)


class ICaRLDistillationPlugin(TeacherTermPlugin):
    """LwF-MC's distillation (Rebuffi et al., CVPR 2017) on the main output, at the labels' size.

    See :func:`avalanche_seg.losses.icarl_distillation`.

    Args:
        weight: factor of the term; 10 in MiB's comparison.
        teacher: default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite.
    """

    def __init__(self, weight: float = 10.0, *, teacher: Teacher | None = None) -> None:
        super().__init__(ICaRLDistillationTerm(check_weight(weight)), teacher=teacher)


class FeatureDistillationPlugin(TeacherTermPlugin):
    """ILT's distillation (Michieli and Zanuttigh, ICCV workshops 2019) of a feature map.

    See :func:`avalanche_seg.losses.feature_distillation`.

    Args:
        weight: factor of the term; 100 in MiB's comparison (DeepLab's encoder), 10 in SMiB's
            BiSeNet.
        tap: which of the model's feature maps; "head" is the one under the classifiers.
        teacher: default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite; in training, when the model does
            not return the map.
    """

    def __init__(
        self, weight: float = 100.0, *, tap: str = "head", teacher: Teacher | None = None
    ) -> None:
        super().__init__(FeatureDistillationTerm(check_weight(weight), tap), teacher=teacher)
