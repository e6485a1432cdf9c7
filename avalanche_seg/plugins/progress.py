"""Progress bars for training and evaluation."""

from typing import Any

from tqdm import tqdm

from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.system import check_whole, is_main

__all__ = ["ProgressPlugin"]


class ProgressPlugin(SegmentationPlugin):
    """One bar a training step (all its epochs, with loss, rate and time left), one an evaluation.

    Args:
        disable: show nothing; None decides by whether the error stream is a terminal.
        every: iterations between two readings of the loss. Reading it waits for the device, so a
            GPU wants a larger number.
    """

    def __init__(self, *, disable: bool | None = False, every: int = 10) -> None:
        super().__init__()
        self.disable = disable if is_main() else True
        self.every = check_whole("every", every, least=1)
        self._bar: Any = None
        self._epochs: int | None = None
        self._eval_bar: Any = None

    def close(self) -> None:
        """Close the bars that an exception left open."""
        for bar in (self._eval_bar, self._bar):
            if bar is not None:
                bar.close()

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Open the step's bar."""
        self._epochs = None
        self._bar = tqdm(
            total=len(strategy.dataloader) * strategy.train_epochs,
            desc=f"step {strategy.experience.current_experience}",
            unit="batch",
            disable=self.disable,
        )

    def before_training_epoch(self, strategy: Any, **kwargs: Any) -> None:
        """Name the epoch."""
        step, epoch = strategy.experience.current_experience, strategy.clock.train_exp_epochs + 1
        if self._epochs is None:  # A training that goes on has epochs behind it.
            self._epochs = epoch - 1 + strategy.train_epochs
        self._bar.set_description(f"step {step} epoch {epoch}/{self._epochs}")

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Move the bar."""
        if strategy.clock.train_exp_iterations % self.every == 0:
            rate = strategy.optimizer.param_groups[0]["lr"]
            self._bar.set_postfix(
                loss=f"{strategy.loss.item():.3f}", lr=f"{rate:.2g}", refresh=False
            )
        self._bar.update()

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Close the step's bar."""
        self._bar.close()

    def before_eval_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Open the evaluation's bar."""
        experience = strategy.experience
        self._eval_bar = tqdm(
            total=len(strategy.dataloader),
            desc=f"eval {experience.origin_stream.name} {experience.current_experience}",
            unit="batch",
            leave=False,
            disable=self.disable,
        )

    def after_eval_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Move the evaluation's bar."""
        self._eval_bar.update()

    def after_eval_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Close the evaluation's bar."""
        self._eval_bar.close()
