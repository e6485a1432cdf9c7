"""A strategy's objective: its own classification term and the objectives of its plugins."""

from collections.abc import Sequence
from typing import Any

from avalanche.core import BasePlugin
from torch import Tensor, nn

from avalanche_seg.kernels import Kernels, check_kernels, use_kernels
from avalanche_seg.losses import (
    Criterion,
    CriterionObjective,
    CrossEntropy,
    Objective,
    StepBatch,
    at_target_size,
    combine,
    criterion_of_step,
    reads_classes,
)
from avalanche_seg.plugins import ObjectivePlugin, TeacherPlugin

__all__ = ["StepObjective"]


class StepObjective:
    """What a step's loss is made of, combined anew at every step.

    Args:
        criterion: ``(logits, target) -> scalar``; None for cross entropy. Criteria that do not
            resize logits themselves get them at the label map's size.
        objective: the classification part of the loss; None makes it of the criterion.
        kernels: which compute it; see :func:`avalanche_seg.kernels.use_kernels`.

    Raises:
        ValueError: for unknown kernels.

    Attributes:
        criterion: as it is applied.
        own: the classification part.
    """

    def __init__(
        self,
        criterion: Criterion | None,
        objective: Objective | None,
        kernels: Kernels = "auto",
    ) -> None:
        self._kernels = check_kernels(kernels)
        self.criterion = at_target_size(criterion or CrossEntropy())
        self.own = objective or CriterionObjective(self.criterion)
        self._whole: Objective = self.own

    def with_teacher(self, plugins: Sequence[BasePlugin]) -> list[BasePlugin]:
        """The plugins, with one that keeps a teacher in front where an objective lacks one."""
        needed = any(objective.needs_teacher for objective in self._all(plugins))
        holds = any(isinstance(plugin, TeacherPlugin) for plugin in plugins)
        return [TeacherPlugin(), *plugins] if needed and not holds else [*plugins]

    def counts_classes(self, plugins: Sequence[BasePlugin]) -> str | None:
        """What tells old channels from new ones by their number, by its name; None for nothing."""
        for plugin in plugins:
            if isinstance(plugin, TeacherPlugin):
                return type(plugin).__name__
        criterion = getattr(self.criterion, "criterion", self.criterion)
        return type(criterion).__name__ if hasattr(criterion, "at_step") else None

    def begin_step(self, plugins: Sequence[Any], model: nn.Module) -> None:
        """Combine the objectives of the strategy and of its plugins, in their order.

        Raises:
            ValueError: when plugins have different teachers, or when an objective would take the
                model's channels for classes that they are not.
        """
        objectives = self._all(plugins)
        _check_channels(model, objectives)
        if len({id(p.teacher) for p in plugins if isinstance(p, TeacherPlugin)}) > 1:
            raise ValueError(
                "got plugins with different teachers; expected one for all, as its output is "
                "computed once per batch: leave teacher= out, or pass the same to each"
            )
        self._whole = combine(objectives)

    def _all(self, plugins: Sequence[Any]) -> list[Objective]:
        added = [plugin.objective for plugin in plugins if isinstance(plugin, ObjectivePlugin)]
        return [self.own, *added]

    def __call__(self, batch: StepBatch) -> dict[str, Tensor]:
        """The weighted terms of a batch by name."""
        with use_kernels(self._kernels):
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


def _check_channels(model: nn.Module, objectives: Sequence[Objective]) -> None:
    if getattr(model, "channels_are_classes", True):
        return
    for objective in objectives:
        if reads_classes(objective):
            raise ValueError(
                f"{type(objective).__name__} takes channel k for class k, and the model's channels "
                "are others (n_extra, or background='none'); expected an objective that maps "
                "classes to channels: pass one as objective=, or use a model of classes alone"
            )
