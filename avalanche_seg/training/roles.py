"""Parameter groups by role: body, neck, heads of old and of new classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

__all__ = ["RoleOptions", "freeze_roles", "role_groups"]


@dataclass(frozen=True)
class RoleOptions:
    """How the parameters of a role are trained.

    Args:
        lr: factor on the learning rate; 0 freezes the parameters: no gradient is computed.
        weight_decay: factor on the weight decay.

    Raises:
        ValueError: for a negative factor.

    Example:
        >>> RoleOptions(lr=0.1)
        RoleOptions(lr=0.1, weight_decay=1.0)
    """

    lr: float = 1.0
    weight_decay: float = 1.0

    def __post_init__(self) -> None:
        for name in ("lr", "weight_decay"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name}={value}; expected a finite factor, zero or more")


def role_groups(
    model: nn.Module, roles: Mapping[str, RoleOptions], *, lr: float, weight_decay: float
) -> list[dict[str, Any]]:
    """The trainable parameters of a model as groups of an optimizer.

    Args:
        model: with a method ``parameter_roles`` where ``roles`` names any.
        roles: by role, its factors; what is not named has factors of 1. Parameters of a role with
            the rate 0 are in no group.
        lr: learning rate.
        weight_decay: weight decay.

    Returns:
        without roles one group of all; else a group per role, with its own "lr", "weight_decay"
        and "role".

    Raises:
        ValueError: for a role that the model does not have, naming those it has.

    Example:
        >>> groups = role_groups(nn.Linear(2, 1), {}, lr=0.1, weight_decay=0.0)
        >>> [len(group["params"]) for group in groups]
        [2]
    """
    if not roles:
        return [{"params": [p for p in model.parameters() if p.requires_grad]}]
    parameters = _parameter_roles(model, roles)
    groups = []
    for role, members in parameters.items():
        options = roles.get(role, RoleOptions())
        trainable = [p for p in members if p.requires_grad]
        if trainable and options.lr > 0:
            groups.append(
                {
                    "params": trainable,
                    "lr": lr * options.lr,
                    "weight_decay": weight_decay * options.weight_decay,
                    "role": role,
                }
            )
    return groups


def freeze_roles(model: nn.Module, roles: Mapping[str, RoleOptions]) -> list[nn.Parameter]:
    """Turn the gradients of the roles with the rate 0 off.

    Args:
        model: with a method ``parameter_roles`` where ``roles`` names any.
        roles: by role, its factors.

    Returns:
        the parameters that learned before, to be thawed later.

    Raises:
        ValueError: as :func:`role_groups`.
    """
    if not roles:
        return []
    parameters = _parameter_roles(model, roles)
    frozen = [
        parameter
        for role, options in roles.items()
        if options.lr == 0
        for parameter in parameters[role]
        if parameter.requires_grad
    ]
    for parameter in frozen:
        parameter.requires_grad_(False)
        parameter.grad = None
    return frozen


def _parameter_roles(
    model: nn.Module, wanted: Mapping[str, RoleOptions]
) -> dict[str, list[nn.Parameter]]:
    roles = getattr(model, "parameter_roles", None)
    if roles is None:
        raise ValueError(
            f"{type(model).__name__} has no method parameter_roles; rates by role need a "
            "SegmentationModel, or a model with such a method"
        )
    parameters: dict[str, list[nn.Parameter]] = roles()
    unknown = sorted(set(wanted) - set(parameters))
    if unknown:
        raise ValueError(
            f"the model has no role {unknown[0]!r}; expected some of {', '.join(parameters)}"
        )
    return parameters
