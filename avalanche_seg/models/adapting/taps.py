"""Reading a feature map inside a network that does not return it."""

from collections.abc import Iterable
from difflib import get_close_matches

from torch import Tensor, nn

__all__ = ["InputTap", "TapError", "module_at", "put", "take", "tap_output"]

_REMEMBERED = "remembered_map"
_NUMBERS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")


class TapError(ValueError):
    """A tap that gave no map."""


class InputTap(nn.Module):
    """Stands where a classifier stood: remembers the map and passes one channel of zeros on.

    What the network does after it, such as resizing, costs little with one channel and is thrown
    away.

    Args:
        classifier: whose numbers a network may ask for, such as its stride.

    Example:
        >>> import torch
        >>> tap = InputTap(nn.Conv2d(8, 5, 1))
        >>> features = torch.ones(2, 8, 4, 4)
        >>> tap(features).shape, take(tap) is features
        (torch.Size([2, 1, 4, 4]), True)
    """

    def __init__(self, classifier: nn.Conv2d) -> None:
        super().__init__()
        for name in _NUMBERS:
            setattr(self, name, getattr(classifier, name))

    def forward(self, features: Tensor) -> Tensor:
        """B x D x h x w -> zeros, B x 1 x h x w."""
        setattr(self, _REMEMBERED, features)
        return features.new_zeros(features.shape[0], 1, *features.shape[2:])


def tap_output(module: nn.Module) -> None:
    """Make a module remember its output from now on, until :func:`take` is called."""
    module.register_forward_hook(_remember)


def _remember(module: nn.Module, inputs: object, output: object) -> None:
    # On the module that is called: a copy of the network has copies of its modules, yet this hook.
    setattr(module, _REMEMBERED, output)


def take(module: nn.Module) -> Tensor | None:
    """What a tap remembers; the tap forgets it.

    A map that stayed would be kept in memory, and a module with a map of a graph cannot be copied.

    Returns:
        the map; None when the module has not been called since.
    """
    remembered: Tensor | None = getattr(module, _REMEMBERED, None)
    setattr(module, _REMEMBERED, None)
    return remembered


def module_at(network: nn.Module, path: str, argument: str) -> nn.Module:
    """The module of a dotted path.

    Args:
        network: that has it.
        path: as in ``named_modules()``.
        argument: that gave the path, for the message.

    Raises:
        ValueError: when there is none; the nearest paths are named.

    Example:
        >>> module_at(nn.Sequential(nn.ReLU()), "O", "taps")
        Traceback (most recent call last):
        ValueError: taps: the network has no module 'O'; the nearest are '0'
    """
    known = dict(network.named_modules())
    if path in known and path:
        return known[path]
    raise ValueError(
        f"{argument}: the network has no module {path!r}; the nearest are "
        f"{', '.join(map(repr, _nearest(path, known)))}"
    )


def _nearest(path: object, known: Iterable[str], n: int = 5) -> list[str]:
    names = [name for name in known if name]
    return get_close_matches(str(path), names, n=n, cutoff=0.0)


def put(network: nn.Module, path: str, module: nn.Module) -> None:
    """Replace the module of a path."""
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, module)
