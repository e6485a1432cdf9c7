"""Distillation terms: wires between the losses, the teacher and the training loop."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from avalanche_seg.losses import (
    distillation,
    feature_distillation,
    icarl_distillation,
    unbiased_distillation,
)
from avalanche_seg.models import SegmentationOutput, as_output
from avalanche_seg.plugins.base import SegmentationPlugin, check_weight, record_term
from avalanche_seg.plugins.distillation.teacher import Teacher, default_forward, shared_teacher

__all__ = [
    "DistillationPlugin",
    "FeatureDistillationPlugin",
    "ICaRLDistillationPlugin",
    "TeacherPlugin",
    "UnbiasedDistillationPlugin",
]


class TeacherPlugin(SegmentationPlugin):
    """Base of the plugins that add ``weight`` times a term between student and teacher.

    The term is added before the backward pass, from the second step on. The teacher is the model as
    the previous step left it, so training can go on from a loaded model as well.

    Args:
        weight: factor of the term, finite and not negative.
        teacher: the previous model; default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite.
    """

    name: str
    """Name of the term in metrics and messages."""

    def __init__(self, weight: float, *, teacher: Teacher | None = None) -> None:
        super().__init__()
        self.weight = check_weight(weight)
        self.teacher = teacher

    @abstractmethod
    def term(
        self, strategy: Any, output: SegmentationOutput, teacher_output: SegmentationOutput
    ) -> Tensor:
        """The term on the current batch, a scalar, before it is weighted."""

    def before_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Take the teacher of a later step: the model, which has not grown yet at this point.

        Raises:
            ValueError: when the model is not the one of the previous step.
        """
        if self.teacher is None:
            self.teacher = shared_teacher(strategy)
        n_old = len(strategy.experience.previous_classes)
        step = strategy.experience.current_experience
        if n_old == 0 or self.teacher.taken_at == step:
            return
        n_now = getattr(strategy.model, "n_classes", n_old)
        if n_now != n_old:
            raise ValueError(
                f"step {step} follows on {n_old} channels and the model has {n_now}; distillation "
                "needs the model of the previous step: load that one, or train the steps in order"
            )
        self.teacher.update(strategy.model, step)

    def before_backward(self, strategy: Any, **kwargs: Any) -> None:
        """Add the weighted term to the loss."""
        # Step 0 has no teacher, also when it is trained again after later ones.
        if self.teacher is not None and strategy.experience.previous_classes:
            output = as_output(strategy.mb_output)
            run = getattr(strategy, "run_model", default_forward)
            teacher_output = self.teacher(strategy.mb_x, run)
            value = self.weight * self.term(strategy, output, teacher_output)
            strategy.loss += value
            record_term(strategy, self.name, value)

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Free the teacher's output."""
        if self.teacher is not None:
            self.teacher.forget()

    def state_dict(self) -> dict[str, Any]:
        """The teacher's."""
        return {} if self.teacher is None else self.teacher.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put the teacher's weights back; at the first step there is none."""
        if state and self.teacher is not None:
            self.teacher.load_state_dict(state)


class DistillationPlugin(TeacherPlugin):
    """LwF's distillation term on the main output, at the size of the label map.

    See :func:`avalanche_seg.losses.distillation`.

    Args:
        weight: factor of the term; 100 in MiB's comparison.
        alpha: factor on the teacher's logits.
        teacher: default the one that the strategy's plugins share.
    """

    name = "kd"

    def __init__(
        self, weight: float = 100.0, *, alpha: float = 1.0, teacher: Teacher | None = None
    ) -> None:
        super().__init__(weight, teacher=teacher)
        self.alpha = alpha

    def term(
        self, strategy: Any, output: SegmentationOutput, teacher_output: SegmentationOutput
    ) -> Tensor:
        """The distillation of the batch."""
        return distillation(
            output.logits, teacher_output.logits, size=_image_size(strategy), alpha=self.alpha
        )


class UnbiasedDistillationPlugin(DistillationPlugin):
    """MiB's distillation term on the main output, at the size of the label map.

    See :func:`avalanche_seg.losses.unbiased_distillation`.

    Args:
        weight: lambda; 10 as published (100 on 15-5s).
        alpha: factor on the teacher's logits.
        teacher: default the one that the strategy's plugins share.
    """

    name = "unkd"

    def __init__(
        self, weight: float = 10.0, *, alpha: float = 1.0, teacher: Teacher | None = None
    ) -> None:
        super().__init__(weight, alpha=alpha, teacher=teacher)
        self._provided: tuple[Tensor, Tensor] | None = None

    def provide(self, logits: Tensor, value: Tensor) -> None:
        """Hand in the term of these logits, which was computed together with another one."""
        self._provided = logits, value

    def term(
        self, strategy: Any, output: SegmentationOutput, teacher_output: SegmentationOutput
    ) -> Tensor:
        """The unbiased distillation of the batch."""
        provided, self._provided = self._provided, None
        if provided is not None and provided[0] is output.logits:
            return provided[1]
        return unbiased_distillation(
            output.logits, teacher_output.logits, size=_image_size(strategy), alpha=self.alpha
        )


class ICaRLDistillationPlugin(TeacherPlugin):
    """LwF-MC's distillation term on the main output, at the size of the label map.

    See :func:`avalanche_seg.losses.icarl_distillation`.

    Args:
        weight: factor of the term; 10 in MiB's comparison.
        teacher: default the one that the strategy's plugins share.
    """

    name = "icarl_kd"

    def __init__(self, weight: float = 10.0, *, teacher: Teacher | None = None) -> None:
        super().__init__(weight, teacher=teacher)

    def term(
        self, strategy: Any, output: SegmentationOutput, teacher_output: SegmentationOutput
    ) -> Tensor:
        """The distillation of the batch."""
        return icarl_distillation(output.logits, teacher_output.logits, size=_image_size(strategy))


class FeatureDistillationPlugin(TeacherPlugin):
    """ILT's distillation of the feature map under the main head.

    See :func:`avalanche_seg.losses.feature_distillation`.

    Args:
        weight: factor of the term; 100 in MiB's comparison (DeepLab's encoder), 10 in SMiB's
            BiSeNet.
        teacher: default the one that the strategy's plugins share.
    """

    name = "feature_kd"

    def __init__(self, weight: float = 100.0, *, teacher: Teacher | None = None) -> None:
        super().__init__(weight, teacher=teacher)

    def term(
        self, strategy: Any, output: SegmentationOutput, teacher_output: SegmentationOutput
    ) -> Tensor:
        """The squared difference of the feature maps of the batch.

        Raises:
            ValueError: when the model does not return its features.
        """
        if "head" not in output.features or "head" not in teacher_output.features:
            raise ValueError(
                "the model returns logits alone; feature distillation needs a SegmentationOutput "
                "with features['head']"
            )
        return feature_distillation(output.features["head"], teacher_output.features["head"])


def _image_size(strategy: Any) -> tuple[int, int]:
    height, width = strategy.mb_y.shape[-2:]
    return height, width
