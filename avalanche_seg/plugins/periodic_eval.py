"""Evaluation during training, at the epochs one expects."""

from typing import Any, Literal, get_args

from avalanche_seg.plugins.base import SegmentationPlugin

__all__ = ["PeriodicEvalPlugin", "PevalMode"]

PevalMode = Literal["epoch", "iteration"]
"""What ``eval_every`` counts."""


class PeriodicEvalPlugin(SegmentationPlugin):
    """Evaluates on the strategy's evaluation streams after every k-th epoch and after the step.

    Avalanche's own plugin evaluates after the epochs 1, 1 + k, ... and before training, when a
    model that grows has no channel yet.

    Args:
        eval_every: k; 0 evaluates after the step only, -1 never.
        mode: "epoch", or "iteration": k counts iterations.

    Raises:
        ValueError: for an unknown mode.
    """

    def __init__(self, eval_every: int = -1, mode: PevalMode = "epoch") -> None:
        super().__init__()
        known = get_args(PevalMode)
        if mode not in known:
            raise ValueError(f"peval_mode={mode!r} is unknown; expected {' or '.join(known)}")
        self.eval_every = eval_every
        self.mode = mode
        self._evaluated_after = 0

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Forget when the previous step was evaluated last."""
        self._evaluated_after = 0

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Evaluate when the iteration is due."""
        # The clock ticks after every other plugin, so it still shows the number before this one.
        iteration = strategy.clock.train_exp_iterations + 1
        if self.mode == "iteration" and self._is_due(iteration):
            self._evaluate(strategy, iteration, **kwargs)

    def after_training_epoch(self, strategy: Any, **kwargs: Any) -> None:
        """Evaluate when the epoch is due."""
        if self.mode == "epoch" and self._is_due(strategy.clock.train_exp_epochs + 1):
            self._evaluate(strategy, strategy.clock.train_exp_iterations, **kwargs)

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Evaluate after the step, unless its last iteration was evaluated already."""
        iteration = strategy.clock.train_exp_iterations
        if self.eval_every >= 0 and iteration != self._evaluated_after:
            self._evaluate(strategy, iteration, **kwargs)

    def _is_due(self, done: int) -> bool:
        return self.eval_every > 0 and done % self.eval_every == 0

    def _evaluate(self, strategy: Any, iteration: int, **kwargs: Any) -> None:
        self._evaluated_after = iteration
        for stream in strategy._eval_streams:
            strategy.eval(stream, **kwargs)
