"""Names of the feature maps that a model's output may hold."""

from collections.abc import Collection

from torch import nn

__all__ = ["SIGNED", "checked_taps"]

SIGNED = ("head+", "head-")
"""The parts of the main logits by the sign of the weights."""


def checked_taps(network: nn.Module, names: Collection[str]) -> frozenset[str]:
    """The names of some taps, unless the model does not have one of them: that is a ValueError.

    Args:
        network: with an attribute ``tap_names`` where it has taps of its own.
        names: "head", "head+", "head-" or some of those.

    Example:
        >>> sorted(checked_taps(nn.Identity(), ["head", "head+"]))
        ['head', 'head+']
    """
    known = ("head", *getattr(network, "tap_names", ()), *SIGNED)
    names = [names] if isinstance(names, str) else names
    unknown = sorted(set(names).difference(known))
    if unknown:
        raise ValueError(
            f"taps {', '.join(map(repr, unknown))} are unknown; expected some of {', '.join(known)}"
        )
    return frozenset(names)
