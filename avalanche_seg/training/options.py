"""What every strategy takes besides its method's own arguments."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Required, TypedDict, TypeVar

import torch
from avalanche.core import BasePlugin
from avalanche.logging import InteractiveLogger
from avalanche.training.plugins import EvaluationPlugin
from torch import nn
from torch.optim import Optimizer

from avalanche_seg.kernels import Kernels
from avalanche_seg.metrics import loss_term_metrics, mean_iou_metrics, mean_loss_metrics
from avalanche_seg.plugins import PevalMode
from avalanche_seg.training.optimizers import OptimizerFactory
from avalanche_seg.training.precision import AmpMode

__all__ = ["TemplateOptions", "default_evaluator", "own_plugins", "show_options"]


class TemplateOptions(TypedDict, total=False):
    """The keyword arguments every strategy shares; see :class:`SegmentationTemplate`."""

    model: Required[nn.Module]
    optimizer: Required[Optimizer | OptimizerFactory]
    train_mb_size: int
    train_epochs: int
    eval_mb_size: int | None
    device: str | torch.device
    plugins: Sequence[BasePlugin] | None
    evaluator: EvaluationPlugin | Callable[[], EvaluationPlugin] | None
    eval_every: int
    peval_mode: PevalMode
    loader: Mapping[str, Any] | None
    channels_last: bool
    amp: AmpMode
    micro_batches: int
    compile: bool
    kernels: Kernels


def own_plugins(options: TemplateOptions, *own: BasePlugin) -> TemplateOptions:
    """The options with a method's own plugins in front of the user's; neither list is changed.

    Example:
        >>> mine: Any = ["schedule"]
        >>> own_plugins({"plugins": mine}, "distillation")["plugins"]
        ['distillation', 'schedule']
        >>> mine
        ['schedule']
    """
    return {**options, "plugins": [*own, *(options.get("plugins") or ())]}


Strategy = TypeVar("Strategy", bound=type)


def show_options(strategy: Strategy, template: type) -> Strategy:
    """Spell a strategy's ``**options`` out in its signature, for ``help`` and editors.

    Args:
        strategy: a class whose constructor takes ``**options`` of :class:`TemplateOptions`, and of
            the strategy that it is built on.
        template: the class whose constructor has those of all.
    """
    constructor = strategy.__init__  # type: ignore[misc]
    own = inspect.signature(constructor)
    if not any(p.kind is p.VAR_KEYWORD for p in own.parameters.values()):
        return strategy
    shared = inspect.signature(template.__init__).parameters  # type: ignore[misc]
    # Of the strategy below, whose own signature is spelled out already.
    below = inspect.signature(strategy.__mro__[1].__init__).parameters  # type: ignore[misc]
    shown = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shown += [p for name, p in below.items() if name not in {*own.parameters, *shared}]
    shown += [
        shared[name] for name in TemplateOptions.__annotations__ if name not in own.parameters
    ]
    # Arguments without a default first, as people look for them there.
    shown.sort(key=lambda p: (p.kind is p.KEYWORD_ONLY, p.default is not p.empty))
    constructor.__signature__ = own.replace(parameters=shown)
    return strategy


def default_evaluator() -> EvaluationPlugin:
    """IoU, loss and the loss's terms, printed by an ``InteractiveLogger``."""
    return EvaluationPlugin(
        mean_iou_metrics(),
        mean_loss_metrics(),
        loss_term_metrics(),
        loggers=[InteractiveLogger()],
    )
