"""Objectives in any Avalanche strategy."""

from typing import Any

from torch import Tensor

from avalanche_seg.labels import VOID, void_label
from avalanche_seg.loading import batch_extras
from avalanche_seg.losses import Objective, StepBatch
from avalanche_seg.models import as_output
from avalanche_seg.plugins.base import SegmentationPlugin, record_term
from avalanche_seg.plugins.growth import brings_classes, check_channels
from avalanche_seg.system import shown

__all__ = ["ObjectivePlugin", "computes_objectives", "step_batch"]


def step_batch(strategy: Any, *, teacher: Any = None, output: Any = None) -> StepBatch:
    """The strategy's current mini-batch as objectives see it.

    Args:
        strategy: any Avalanche strategy that is training.
        teacher: the output of the previous model on the batch.
        output: the student's; default the strategy's ``mb_output``.
    """
    if output is None and strategy.mb_output is not None:
        output = as_output(strategy.mb_output)
    experience = strategy.experience
    return StepBatch(
        strategy.mb_x,
        _as_losses_ignore(strategy.mb_y, strategy.experience, output),
        output,
        n_old=len(experience.previous_classes),
        step=experience.current_experience,
        teacher=teacher,
        weight=getattr(strategy, "target_weight", None),
        extras=batch_extras(strategy.mbatch),
        hides_old=brings_classes(experience),
    )


def _as_losses_ignore(target: Tensor, experience: Any, output: Any) -> Tensor:
    """The target with the void of the output's channels in place of that of the whole task's."""
    space = getattr(experience, "label_space", None)
    if output is None or space is None or space.void == VOID:
        return target
    return target.masked_fill(target == space.void, void_label(output.logits.shape[1]))


def computes_objectives(strategy: Any) -> bool:
    """Whether the strategy itself computes its plugins' objectives, all in one place."""
    return bool(getattr(strategy, "computes_objectives", False))


class ObjectivePlugin(SegmentationPlugin):
    """Adds the terms of an objective to the loss of any strategy.

    A :class:`~avalanche_seg.training.SegmentationTemplate` computes the objectives of its plugins
    together with its own. Any other strategy gets the terms before its backward pass.

    Args:
        objective: what to add.
        **options: of the next class, for plugins that are something else besides.

    Example:
        >>> class Smooth:
        ...     needs_teacher = False
        ...
        ...     def __call__(self, batch):
        ...         return {"smooth": 0.1 * batch.output.logits.diff(dim=-1).abs().mean()}
        >>> plugin = ObjectivePlugin(Smooth())
    """

    def __init__(self, objective: Objective, **options: Any) -> None:
        super().__init__(**options)
        if not (callable(objective) and hasattr(objective, "needs_teacher")):
            raise ValueError(
                f"objective={shown(objective)}; expected a function of a StepBatch with an "
                "attribute needs_teacher, such as a TeacherTerm"
            )
        self.objective = objective

    def batch_of(self, strategy: Any) -> StepBatch:
        """What the objective sees of the strategy's current batch."""
        return step_batch(strategy)

    def before_backward(self, strategy: Any, **kwargs: Any) -> None:
        """Add the terms to the loss, where the strategy does not do it itself.

        Raises:
            ValueError: when the objective compares with a teacher and the model does not grow, or
                nothing here keeps a teacher.
        """
        if computes_objectives(strategy):
            return
        if self.objective.needs_teacher:
            self._check_teacher(strategy)
        terms: dict[str, Tensor] = self.objective(self.batch_of(strategy))
        for name, value in terms.items():
            strategy.loss += value
            record_term(strategy, name, value)

    def _check_teacher(self, strategy: Any) -> None:
        if strategy.clock.train_exp_iterations > 0:
            return
        name = type(self.objective).__name__
        if type(self).batch_of is ObjectivePlugin.batch_of:
            raise ValueError(
                f"{name} needs the previous model, which {type(self).__name__} does not keep in a "
                "strategy of another package; pass it to a TeacherTermPlugin"
            )
        check_channels(strategy, counts_classes=name)
