"""Labels that a method changes before it learns from them: pseudo-labels."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from avalanche_seg.losses import StepBatch
from avalanche_seg.plugins.base import check_label_depth
from avalanche_seg.plugins.distillation import TeacherPlugin
from avalanche_seg.plugins.objective import step_batch
from avalanche_seg.system import (
    check_flags,
    check_whole,
    get_random_state,
    is_main,
    set_random_state,
)

__all__ = ["TargetPlugin"]


class TargetPlugin(TeacherPlugin):
    """Base of the plugins that replace the labels of a batch, in any Avalanche strategy.

    Before a step is trained, :meth:`prepare_step` may look at all of its data once (for thresholds,
    say); then :meth:`targets` gives the labels of every batch, after the network's forward pass and
    before the loss. Both see the teacher's output. Several such plugins change the labels one after
    the other, in the order of the strategy's list.

    Args:
        first_step: the first step whose labels are replaced; 1, as pseudo-labels need a teacher.
        progress: show a progress bar during the pass over the data.
        seed: of the pass's crops. They depend on nothing else, so a step that is resumed, or run
            alone, gets the same thresholds; the training's random numbers are left where they were.

    Example:
        >>> class SureOnly(TargetPlugin):
        ...     def targets(self, batch):  # Background where the teacher is unsure becomes void.
        ...         sure = batch.teacher.logits.softmax(1).amax(1) > 0.7
        ...         return batch.target.where(sure | (batch.target > 0), 255), None
    """

    def __init__(self, *, first_step: int = 1, progress: bool = True, seed: int = 0) -> None:
        super().__init__()
        check_flags(progress=progress)
        self.first_step = check_whole("first_step", first_step)
        self.progress = progress
        self.seed = seed

    def prepare_step(self, strategy: Any, batches: Iterable[StepBatch]) -> None:
        """Look at a step's training data before it is trained.

        Args:
            strategy: the strategy.
            batches: one pass over its training loader; batches have no ``output``. Nothing is
                loaded unless it is iterated. Of several processes each sees its share, so what
                is kept must be reduced over them.
        """

    @abstractmethod
    def targets(self, batch: StepBatch) -> tuple[Tensor, Tensor | None]:
        """The labels to learn from.

        Args:
            batch: with the student's and the teacher's output, labels as they are so far.

        Returns:
            labels, int64, B x H x W, and the weight of every image (B) or pixel (B x H x W) in the
            classification loss, or None for 1. A strategy that knows nothing of this package
            takes the labels only.
        """

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Let :meth:`prepare_step` see the step's data.

        Raises:
            ValueError: for 255 classes or more.
        """
        check_label_depth(self, strategy.experience)
        if not self._acts(strategy):
            return
        before = get_random_state()
        torch.manual_seed(self.seed)
        try:
            self.prepare_step(strategy, self._pass(strategy))
        finally:
            set_random_state(before)

    def after_forward(self, strategy: Any, **kwargs: Any) -> None:
        """Put the labels into the batch."""
        if not self._acts(strategy):
            return
        batch = step_batch(strategy, teacher=self.teacher_output(strategy))
        labels, weight = self.targets(batch)
        strategy.mbatch[1] = labels
        if weight is not None:
            strategy.target_weight = weight

    def _acts(self, strategy: Any) -> bool:
        return strategy.experience.current_experience >= self.first_step

    def _pass(self, strategy: Any) -> Iterator[StepBatch]:
        step = strategy.experience.current_experience
        hidden = not (self.progress and is_main())
        for loaded in tqdm(strategy.dataloader, f"looking at step {step}", disable=hidden):
            strategy.mbatch = loaded
            strategy._unpack_minibatch()
            strategy.mb_output = None
            yield step_batch(strategy, teacher=self.teacher_output(strategy))
            self.clear_cache()
        strategy.mbatch = None
