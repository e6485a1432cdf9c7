"""A strategy's objective: its own classification term and the objectives of its plugins."""

from collections.abc import Sequence
from typing import Any

from avalanche.core import BasePlugin
from torch import Tensor

from avalanche_seg.losses import (
    Criterion,
    CriterionObjective,
    CrossEntropy,
    Objective,
    StepBatch,
    at_target_size,
    combine,
    criterion_of_step,
)
from avalanche_seg.plugins import ObjectivePlugin, TeacherPlugin

__all__ = ["StepObjective"]


class StepObjective:
    """What a step's loss is made of, combined anew at every step.

    Args:
        criterion: ``(logits, target) -> scalar``; None for cross entropy. Criteria that do not
            resize logits themselves get them at the label map's size.
        objective: the classification part of the loss; None makes it of the criterion.

    Attributes:
        criterion: as it is applied.
        own: the classification part.
    """

    def __init__(self, criterion: Criterion | None, objective: Objective | None) -> None:
        self.criterion = at_target_size(criterion or CrossEntropy())
        self.own = objective or CriterionObjective(self.criterion)
        self._whole: Objective = self.own

    def with_teacher(self, plugins: Sequence[BasePlugin]) -> list[BasePlugin]:
        """The plugins, with one that keeps a teacher in front where only the objective asks."""
        holds = any(isinstance(plugin, TeacherPlugin) for plugin in plugins)
        asks = any(part.needs_teacher for part in (self.own, *_objectives(plugins)))
        return [TeacherPlugin(), *plugins] if asks and not holds else [*plugins]

    def counts_classes(self, plugins: Sequence[BasePlugin]) -> str | None:
        """What tells old channels from new ones by their number, by its name; None for nothing."""
        for plugin in plugins:
            if isinstance(plugin, TeacherPlugin):
                return type(plugin).__name__
        criterion = getattr(self.criterion, "criterion", self.criterion)
        return type(criterion).__name__ if hasattr(criterion, "at_step") else None

    def begin_step(self, plugins: Sequence[Any]) -> None:
        """Combine the objectives of the strategy and of its plugins, in their order."""
        self._whole = combine([self.own, *_objectives(plugins)])

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        """The weighted terms of a batch by name."""
        return self._whole(batch)

    def teacher_output(self, strategy: Any) -> Any:
        """The teacher's output on the strategy's batch, where an objective needs it; else None."""
        if not self._whole.needs_teacher:
            return None
        holder = next(p for p in strategy.plugins if isinstance(p, TeacherPlugin))
        return holder.teacher_output(strategy)

    def evaluation_criterion(self) -> Criterion:
        """The criterion of step 0: label maps of evaluations show old classes too."""
        return criterion_of_step(self.criterion, 0)


def _objectives(plugins: Sequence[Any]) -> list[Objective]:
    return [plugin.objective for plugin in plugins if isinstance(plugin, ObjectivePlugin)]
