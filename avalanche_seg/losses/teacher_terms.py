"""The distillations as terms of an objective, at the size of the label map."""

from dataclasses import dataclass

from torch import Tensor

from avalanche_seg.losses.binary import icarl_distillation
from avalanche_seg.losses.distillation import distillation, unbiased_distillation
from avalanche_seg.losses.features import feature_distillation
from avalanche_seg.losses.objective import StepBatch, TeacherTerm

__all__ = [
    "DistillationTerm",
    "FeatureDistillationTerm",
    "ICaRLDistillationTerm",
    "UnbiasedDistillationTerm",
]


@dataclass(frozen=True)
class DistillationTerm(TeacherTerm):
    """LwF's distillation; see :func:`avalanche_seg.losses.distillation`.

    Args:
        weight: factor of the term.
        teacher_scale: factor on the teacher's logits.
    """

    teacher_scale: float = 1.0
    name = "kd"
    channels_are_classes = True
    _loss = staticmethod(distillation)

    def term(self, batch: StepBatch) -> Tensor:
        """The distillation of the main output."""
        return self._loss(
            batch.output.logits,
            batch.teacher.logits,
            size=batch.size,
            teacher_scale=self.teacher_scale,
        )


@dataclass(frozen=True)
class UnbiasedDistillationTerm(DistillationTerm):
    """MiB's distillation; see :func:`avalanche_seg.losses.unbiased_distillation`.

    Args:
        weight: lambda.
        teacher_scale: factor on the teacher's logits.
    """

    name = "unkd"
    _loss = staticmethod(unbiased_distillation)


@dataclass(frozen=True)
class ICaRLDistillationTerm(TeacherTerm):
    """LwF-MC's distillation; see :func:`avalanche_seg.losses.icarl_distillation`.

    Args:
        weight: factor of the term.
    """

    name = "icarl_kd"
    channels_are_classes = True

    def term(self, batch: StepBatch) -> Tensor:
        """The distillation of the main output."""
        return icarl_distillation(batch.output.logits, batch.teacher.logits, size=batch.size)


@dataclass(frozen=True)
class FeatureDistillationTerm(TeacherTerm):
    """ILT's distillation of a feature map; see :func:`avalanche_seg.losses.feature_distillation`.

    Args:
        weight: factor of the term.
        tap: name of the map; "head" is the one under the classifiers.
    """

    tap: str = "head"
    name = "feature_kd"

    def term(self, batch: StepBatch) -> Tensor:
        """The squared difference of both models' maps.

        Raises:
            ValueError: when the model does not return that map.
        """
        for output in (batch.output, batch.teacher):
            if self.tap not in output.features:
                known = ", ".join(output.features) or "none"
                raise ValueError(
                    f"the model returns the feature maps {known}; feature distillation needs a "
                    f"SegmentationOutput with the map {self.tap!r} in features"
                )
        ours, theirs = (output.features[self.tap] for output in (batch.output, batch.teacher))
        return feature_distillation(ours, theirs)
