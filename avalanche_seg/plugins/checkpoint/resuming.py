"""What a training needs to go on from a saved state."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.system import get_random_state, set_random_state

__all__ = [
    "CLOCK",
    "PARTS",
    "STEP_CLOCK",
    "RestOfLoader",
    "check_settings",
    "grow",
    "load_plugin_states",
    "on_device",
    "restore",
    "scaler_of",
    "stateful_plugins",
    "strategy_state",
]


CLOCK = ("train_iterations", "train_exp_counter", "total_iterations")
STEP_CLOCK = ("train_exp_epochs", "train_exp_iterations")
PARTS = (
    *("settings", "step", "epochs", "batches", "clock", "model", "optimizer", "scaler"),
    *("plugins", "also", "random", "epoch_start"),
)
"""What a saved state holds."""


def grow(strategy: Any, experience: Any) -> None:
    """Give the strategy's model the channels of a step that is not trained, and the optimizer."""
    strategy.experience = experience
    strategy.model.train()  # Heads grow in training only.
    strategy.model = strategy.model_adaptation()
    strategy.make_optimizer()  # An optimizer of the user's gets a group of parameters per step.


def strategy_state(
    strategy: Any, also: Mapping[str, Any], ticks: Mapping[str, int]
) -> dict[str, Any]:
    """What :func:`restore` puts back.

    Args:
        strategy: that is training.
        also: further objects with a state, by name.
        ticks: what the clock still has to count, by name: it ticks after every other plugin.
    """
    return {
        "clock": {
            name: getattr(strategy.clock, name) + ticks.get(name, 0)
            for name in (*CLOCK, *STEP_CLOCK)
        },
        "model": strategy.model.state_dict(),
        "optimizer": strategy.optimizer.state_dict(),
        "scaler": scaler_of(strategy).state_dict(),
        "plugins": {
            name: plugin.state_dict() for name, plugin in stateful_plugins(strategy).items()
        },
        "also": {name: thing.state_dict() for name, thing in also.items()},
        "random": get_random_state(),
    }


def restore(strategy: Any, state: Mapping[str, Any], also: Mapping[str, Any]) -> None:
    """Put a saved state of the current step back into a strategy and further objects.

    Objects that the state does not know, as one of an earlier version, stay as they are.
    """
    strategy.model.load_state_dict(state["model"])
    strategy.optimizer.load_state_dict(state["optimizer"])
    scaler_of(strategy).load_state_dict(state["scaler"])
    load_plugin_states(strategy, state["plugins"])
    for name, thing in also.items():
        if name in state["also"]:
            thing.load_state_dict(state["also"][name])
    set_random_state(state["random"])
    for name in CLOCK:
        setattr(strategy.clock, name, state["clock"][name])


def load_plugin_states(strategy: Any, states: Mapping[str, Any]) -> None:
    """Put the states of a strategy's plugins back, by the names of :func:`stateful_plugins`.

    Raises:
        ValueError: when the plugins are not those that were saved.
    """
    plugins = stateful_plugins(strategy)
    if set(plugins) != set(states):
        raise ValueError(
            f"the saved state has the plugins {', '.join(states) or 'none'}; the strategy has "
            f"{', '.join(plugins) or 'none'}: expected the same"
        )
    for name, plugin in plugins.items():
        plugin.load_state_dict(on_device(states[name], strategy.device))


def on_device(state: Any, device: torch.device) -> Any:
    """The same dicts, lists and tuples with their tensors on a device."""
    if isinstance(state, Tensor):
        return state.to(device)
    if isinstance(state, dict):
        return {name: on_device(value, device) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(on_device(value, device) for value in state)
    return state


def check_settings(saved: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """Refuse to go on with other settings than those that a state was saved with.

    Raises:
        ValueError: naming every setting that differs.
    """
    missing = object()
    differing = [
        f"{name} was {saved.get(name, 'not set')!r} and is {wanted.get(name, 'not set')!r}"
        for name in sorted({*saved, *wanted})
        if saved.get(name, missing) != wanted.get(name, missing)
    ]
    if differing:
        raise ValueError(
            f"{path} was made with other settings: {'; '.join(differing)}; go on with the same "
            "ones, or start a new run"
        )


class RestOfLoader:
    """A loader without the batches of its first pass that were trained on already.

    They are loaded all the same: that leaves order, seeds and worker processes as they were.
    """

    def __init__(self, loader: Any, skipped: int, then: dict[str, Any]) -> None:
        self.loader = loader
        self.skipped = skipped
        self.then = then

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        for number, batch in enumerate(self.loader):
            if number >= self.skipped:
                yield batch
            elif number == self.skipped - 1:
                set_random_state(self.then)


def stateful_plugins(strategy: Any) -> dict[str, Any]:
    """A strategy's plugins that have a state, by class name and number."""
    found: dict[str, Any] = {}
    for plugin in strategy.plugins:
        if callable(getattr(plugin, "state_dict", None)):
            name = type(plugin).__name__
            found[f"{name}.{sum(key.split('.')[0] == name for key in found)}"] = plugin
    return found


class _NoScaler:
    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        pass


def scaler_of(strategy: Any) -> Any:
    """The strategy's gradient scaler, or one without state."""
    precision = getattr(strategy, "precision", None)
    return _NoScaler() if precision is None else precision.scaler
