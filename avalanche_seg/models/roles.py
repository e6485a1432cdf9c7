"""Which part of a model every parameter belongs to."""

from collections.abc import Iterable

from torch import nn

from avalanche_seg.models.incremental_head import IncrementalHead
from avalanche_seg.system import shown

__all__ = ["check_body", "checked_network", "parameter_roles"]


def parameter_roles(
    model: nn.Module, body: nn.Module, heads: Iterable[IncrementalHead]
) -> dict[str, list[nn.Parameter]]:
    """Every parameter under one of six roles, for learning rates, freezing and penalties.

    Args:
        model: has the body and the heads as submodules.
        body: its backbone.
        heads: its incremental heads.

    Returns:
        "body": of the backbone; "extra": of the extra channels' classifiers; "background": of the
        background's, where it has one of its own; "old": of the classifiers of earlier steps;
        "new": of the newest step's; "neck": all others. Each in the order of
        ``model.parameters()``.

    Example:
        >>> body, head = nn.Linear(2, 2), IncrementalHead(2)
        >>> head.grow(3)
        >>> roles = parameter_roles(nn.Sequential(body, nn.PReLU(), head), body, [head])
        >>> {role: len(parameters) for role, parameters in roles.items()}
        {'body': 2, 'neck': 1, 'extra': 0, 'background': 0, 'old': 0, 'new': 2}
    """
    role_of = {id(parameter): "body" for parameter in body.parameters()}
    for head in heads:
        for group, classifier in zip(head.groups, head.classifiers, strict=True):
            newest = group.step == len(head.classes_per_step) - 1
            role = group.kind if group.kind != "classes" else "new" if newest else "old"
            role_of |= {id(parameter): role for parameter in classifier.parameters()}
    roles: dict[str, list[nn.Parameter]] = {
        role: [] for role in ("body", "neck", "extra", "background", "old", "new")
    }
    for parameter in model.parameters():
        roles[role_of.get(id(parameter), "neck")].append(parameter)
    return roles


def checked_network(network: nn.Module) -> nn.Module:
    """A feature network, unless it is no module: that is a ValueError."""
    if not isinstance(network, nn.Module):
        raise ValueError(f"network={shown(network)}; expected a module that returns DenseFeatures")
    return network


def check_body(model: nn.Module, path: str) -> None:
    """Raise ValueError where a model has no module of that path."""
    try:
        model.get_submodule(path)
    except AttributeError as error:
        raise ValueError(f"body={path!r}: the model has no such module ({error})") from error
