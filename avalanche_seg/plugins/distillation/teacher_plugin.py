"""Keeping the previous model at hand while a step is trained."""

from collections.abc import Mapping
from typing import Any

from avalanche_seg.models import SegmentationOutput
from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.plugins.distillation.teacher import Teacher, default_forward, shared_teacher

__all__ = ["TeacherPlugin"]


class TeacherPlugin(SegmentationPlugin):
    """Base of the plugins that ask the previous model.

    The teacher is the model as the previous step left it, so training can go on from a loaded
    model as well; all such plugins of a strategy share one.

    Args:
        teacher: the previous model; default the one that the strategy's plugins share.

    Raises:
        ValueError: for what is no :class:`Teacher`.
    """

    def __init__(self, *, teacher: Teacher | None = None) -> None:
        super().__init__()
        if teacher is not None and not isinstance(teacher, Teacher):
            raise ValueError(
                f"teacher={type(teacher).__name__}; expected a Teacher, as the plugins of a "
                "strategy share one: leave it out"
            )
        self.teacher = teacher

    def before_train_dataset_adaptation(self, strategy: Any, **kwargs: Any) -> None:
        """Take the teacher of a later step: the model, which has not grown yet at this point.

        Raises:
            ValueError: when the model is not the one of the previous step, or its file names other
                classes.
        """
        if self.teacher is None:
            self.teacher = shared_teacher(strategy)
        n_old = len(strategy.experience.previous_classes)
        step = strategy.experience.current_experience
        if n_old == 0 or self.teacher.step == step:
            return
        n_now = getattr(strategy.model, "n_classes", n_old)
        if n_now != n_old:
            raise ValueError(
                f"step {step} follows on {n_old} classes and the model has {n_now}; a teacher "
                "needs the model of the previous step: load that one, or train the steps in order"
            )
        _check_names(strategy.model, strategy.experience)
        self.teacher.update(strategy.model, step)

    def teacher_output(self, strategy: Any) -> SegmentationOutput | None:
        """The teacher's output on the current batch, run once per batch; None at step 0."""
        # Step 0 has no teacher, also when it is trained again after later ones.
        if self.teacher is None or not strategy.experience.previous_classes:
            return None
        return self.teacher(strategy.mb_x, getattr(strategy, "run_model", default_forward))

    def clear_cache(self) -> None:
        """Free the teacher's output on the last batch."""
        if self.teacher is not None:
            self.teacher.clear_cache()

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Free the teacher's output."""
        self.clear_cache()

    def state_dict(self) -> dict[str, Any]:
        """The teacher's, under the name "teacher"; subclasses add what they know besides."""
        return {} if self.teacher is None else {"teacher": self.teacher.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put the teacher's weights back where they were saved; at the first step there is none."""
        if "teacher" in state and self.teacher is not None:
            self.teacher.load_state_dict(state["teacher"])


def _check_names(model: Any, experience: Any) -> None:
    """Refuse a model whose file names other classes, or another order, than the benchmark."""
    found = tuple(getattr(model, "class_names", ()))
    stream = getattr(experience, "origin_stream", None)
    benchmark = getattr(stream, "benchmark", None)
    expected = tuple(getattr(benchmark, "class_names", ()))[: len(found)]
    if expected and found != expected:
        other = next(pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1])
        raise ValueError(
            f"model: its class {found.index(other[0])} is {other[0]!r} and the benchmark's is "
            f"{other[1]!r}, so it is of another run; load the model of this task's step "
            f"{experience.current_experience - 1}, or say model.class_names = () where names alone "
            "differ"
        )
