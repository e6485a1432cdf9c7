"""The check of what a strategy is made with, before anything is built of it."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from avalanche.training.plugins import EvaluationPlugin
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from avalanche_seg.system import check_flags, check_whole, shown

__all__ = ["check_arguments"]

# The loop makes these itself.
_LOADER = set(inspect.signature(DataLoader).parameters) - {"dataset", "batch_size", "batch_sampler"}


def check_arguments(
    *,
    model: Any,
    optimizer: Any,
    criterion: Any,
    objective: Any,
    plugins: Any,
    evaluator: Any,
    device: Any,
    loader: Any,
    train_mb_size: Any,
    train_epochs: Any,
    eval_mb_size: Any,
    micro_batches: Any,
    **flags: Any,
) -> None:
    """Refuse arguments of a strategy that would fail later, or mean something else.

    They are those of :class:`~avalanche_seg.training.SegmentationTemplate`; ``flags`` are the ones
    that are True or False. The first that does not fit is a ValueError with its name.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model={shown(model)}; expected a network (nn.Module), such as BiSeNet()")
    if not isinstance(optimizer, Optimizer) and not _is_function(optimizer):
        raise ValueError(
            f"optimizer={shown(optimizer)}; expected sgd(lr=...), another function of (model, "
            "experience), or a torch optimizer"
        )
    if criterion is not None and not _is_function(criterion):
        raise ValueError(
            f"criterion={shown(criterion)}; expected a function of (logits, target), such as "
            "CrossEntropy()"
        )
    if objective is not None and not (_is_function(objective) and _asks(objective)):
        raise ValueError(
            f"objective={shown(objective)}; expected an Objective: see CriterionObjective"
        )
    makes = _is_function(evaluator) or isinstance(evaluator, EvaluationPlugin)
    if evaluator is not None and not makes:
        raise ValueError(
            f"evaluator={shown(evaluator)}; expected an EvaluationPlugin, a function that "
            "makes one, or None"
        )
    _check_plugins(plugins)
    _check_device(device)
    _check_loader(loader)
    check_whole("train_mb_size", train_mb_size, least=1)
    check_whole("train_epochs", train_epochs)
    if eval_mb_size is not None:
        check_whole("eval_mb_size", eval_mb_size, least=1)
    check_whole("micro_batches", micro_batches, least=1, expected="one part or more")
    check_flags(**flags)


def _is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def _asks(objective: Any) -> bool:
    return hasattr(objective, "needs_teacher")


def _check_plugins(plugins: Any) -> None:
    if plugins is None:
        return
    if isinstance(plugins, str) or not isinstance(plugins, Sequence):
        raise ValueError(f"plugins={shown(plugins)}; expected a list of plugins")
    for i, plugin in enumerate(plugins):
        has_callbacks = any(name.startswith(("before_", "after_")) for name in dir(plugin))
        if isinstance(plugin, type) or not has_callbacks:
            raise ValueError(
                f"plugins[{i}]={shown(plugin)}; expected a plugin, such as PolyLRPlugin()"
            )


def _check_device(device: Any) -> None:
    try:
        torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device={shown(device)}; expected 'cpu', 'cuda' or 'cuda:0'") from error


def _check_loader(loader: Any) -> None:
    if loader is None:
        return
    if not isinstance(loader, Mapping):
        raise ValueError(
            f"loader={shown(loader)}; expected arguments by name, {{'num_workers': 2}}"
        )
    unknown = sorted(set(loader) - _LOADER)
    if unknown:
        hint = "say train_mb_size and eval_mb_size to the strategy" if "batch" in unknown[0] else ""
        raise ValueError(
            f"loader: a DataLoader gets no {unknown[0]!r} here; "
            f"{hint or 'expected some of ' + ', '.join(sorted(_LOADER))}"
        )
    check_whole("loader['num_workers']", loader.get("num_workers", 0))
