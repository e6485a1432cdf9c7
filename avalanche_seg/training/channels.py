"""Whether a model has the channels that a method needs."""

from collections.abc import Mapping
from typing import Any

from avalanche_seg.models import AdaptedModel, SegmentationModel

__all__ = ["check_channels_of"]


def check_channels_of(method: str, model: Any, wanted: Mapping[str, Any]) -> None:
    """Refuse a model whose heads have other channels than a method needs.

    Args:
        method: its name, for the message.
        model: the network.
        wanted: the model's arguments; looked at are "n_extra" and "background".

    Raises:
        ValueError: for a model that is no SegmentationModel, or has others.

    Example:
        >>> from avalanche_seg.models import BiSeNet
        >>> check_channels_of("DKD", BiSeNet(), {"n_extra": 1, "background": "none"})
        ... # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: model: DKD needs one with n_extra=1, background='none', and BiSeNet has ...
    """
    told = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
    if not isinstance(model, SegmentationModel):
        raise ValueError(
            f"model: {method} needs a SegmentationModel with {told}; got {type(model).__name__}: "
            f"use one, such as BiSeNet({told})"
        )
    found = {"n_extra": model.n_extra, "background": model.head.background}
    if any(wanted[name] != value for name, value in found.items()):
        has = ", ".join(f"{name}={value!r}" for name, value in found.items())
        kind = type(model).__name__
        made = f"as_incremental(network, {told})"
        if not isinstance(model, AdaptedModel):
            made = f"{kind}({told})"
        elif model.name != made.partition("(")[0]:
            made = f"create_model({model.name!r}, {told})"
        raise ValueError(
            f"model: {method} needs one with {told}, and {kind} has {has}; make it by {made}"
        )
