"""Avalanche's early stopping, made to start afresh at every step."""

from collections.abc import Sequence
from typing import Any

from avalanche.training.plugins import EarlyStoppingPlugin

from avalanche_seg.plugins import SegmentationPlugin

__all__ = ["EarlyStoppingGuard", "with_guards"]


def with_guards(plugins: Sequence[Any], *, eval_every: int, peval_mode: str) -> list[Any]:
    """The plugins, with an :class:`EarlyStoppingGuard` in front of every early stopping.

    Raises:
        ValueError: when nothing is evaluated as often as early stopping looks.
    """
    guarded: list[Any] = []
    for plugin in plugins:
        if isinstance(plugin, EarlyStoppingPlugin):
            if eval_every != 1 or plugin.peval_mode != peval_mode:
                raise ValueError(
                    f"plugins: EarlyStoppingPlugin looks every {plugin.peval_mode} and the "
                    f"strategy has eval_every={eval_every}, peval_mode={peval_mode!r}; say "
                    f"eval_every=1, peval_mode={plugin.peval_mode!r}"
                )
            guarded.append(EarlyStoppingGuard(plugin))
        guarded.append(plugin)
    return guarded


class EarlyStoppingGuard(SegmentationPlugin):
    """Lets Avalanche's early stopping start afresh at every step.

    It compares with the newest value of its metric, whichever step that is from: at a step's first
    epoch this is the last one of the step before, when the untrained weights are the best so far.
    So the newest values are forgotten at the start of a step; those of all steps are kept.

    Args:
        plugin: the early stopping.

    Raises:
        ValueError: in training, before a step without evaluation streams, and at the first
            evaluation that does not give the metric.
    """

    def __init__(self, plugin: EarlyStoppingPlugin) -> None:
        super().__init__()
        self.plugin = plugin

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Forget the values of the step before."""
        if not strategy._eval_streams:
            raise ValueError(
                "eval_streams=[]: EarlyStoppingPlugin looks at an evaluation after every "
                f"{self.plugin.peval_mode}; give train() the streams to evaluate on"
            )
        strategy.evaluator.reset_last_metrics()

    def before_training_epoch(self, strategy: Any, **kwargs: Any) -> None:
        """See that the metric is there."""
        if self.plugin.peval_mode == "epoch" and strategy.clock.train_exp_epochs > 0:
            self._check_metric(strategy)

    def before_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """See that the metric is there."""
        if self.plugin.peval_mode == "iteration" and strategy.clock.train_exp_iterations > 0:
            self._check_metric(strategy)

    def _check_metric(self, strategy: Any) -> None:
        found, wanted = strategy.evaluator.get_last_metrics(), self.plugin.metric_key
        if not any(name.startswith(wanted) for name in found):
            known = sorted({name.split("/Exp")[0] for name in found if "/eval_phase/" in name})
            raise ValueError(
                f"EarlyStoppingPlugin: no metric begins with {wanted!r}; the evaluation gives "
                f"{', '.join(known) or 'none'}: choose metric_name and val_stream_name among them"
            )
