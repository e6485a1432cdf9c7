"""Optimizers that follow a model which grows."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.optim import SGD, Optimizer

from avalanche_seg.system import check_flags, check_number
from avalanche_seg.training.roles import (
    RoleOptions,
    check_role_options,
    check_roles,
    freeze_roles,
    role_groups,
)

__all__ = ["OptimizerFactory", "OptimizerSource", "sgd", "with_roles"]

OptimizerFactory = Callable[[nn.Module, Any], Optimizer]
"""``(model, experience) -> Optimizer``, called at the start of every step, after the model grew."""

_FUSED = ("cpu", "cuda")  # Devices for which torch has had SGD in one kernel since 2.4.


def sgd(
    lr: float = 0.01,
    lr_later: float | None = None,
    *,
    momentum: float = 0.9,
    weight_decay: float = 1e-4,
    nesterov: bool = True,
    roles: Mapping[str, RoleOptions] | None = None,
    first_step_roles: Mapping[str, RoleOptions] | None = None,
) -> OptimizerFactory:
    """The optimizer of MiB (Cermelli et al., CVPR 2020, section 4.1), as a factory.

    Args:
        lr: learning rate of step 0.
        lr_later: learning rate of every later step; default a tenth of ``lr``.
        momentum: of SGD.
        weight_decay: on every parameter.
        nesterov: use Nesterov momentum.
        roles: at later steps, factors on rate and weight decay for parameters by role: "body",
            "neck", "old", "new", "extra" (see
            :meth:`avalanche_seg.models.SegmentationModel.parameter_roles`); roles that are left
            out have factors of 1. A rate of 0 freezes the role for the step.
        first_step_roles: the same for step 0.

    Returns:
        a factory; it raises ValueError for a role that the model does not have.

    Raises:
        ValueError: for a number that is negative or not finite, or roles that are no
            :class:`RoleOptions`.

    Example:
        >>> from types import SimpleNamespace
        >>> make = sgd(0.01)
        >>> later = SimpleNamespace(previous_classes=[0, 1])
        >>> make(nn.Linear(1, 1), later).param_groups[0]["lr"]
        0.001
    """
    check_number("lr", lr)
    check_number("momentum", momentum)
    check_number("weight_decay", weight_decay)
    check_flags(nesterov=nesterov)
    if lr_later is not None:
        check_number("lr_later", lr_later)
    for name, given in (("roles", roles), ("first_step_roles", first_step_roles)):
        check_role_options(name, given)
    rate_later = lr / 10 if lr_later is None else lr_later
    common = {"momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
    return _SGDFactory((lr, rate_later), (first_step_roles, roles), common)


class _SGDFactory:
    """What :func:`sgd` returns: rates and roles of step 0 and of later ones."""

    def __init__(
        self,
        rates: tuple[float, float],
        roles: tuple[Mapping[str, RoleOptions] | None, Mapping[str, RoleOptions] | None],
        common: Mapping[str, Any],
    ) -> None:
        self.rates, self.roles, self.common = rates, roles, common
        self._frozen: list[nn.Parameter] = []

    def __call__(self, model: nn.Module, experience: Any) -> Optimizer:
        check_roles(model, {role for roles in self.roles for role in roles or ()})  # Before step 0.
        later = bool(experience.previous_classes)
        rate, wanted = self.rates[later], self.roles[later] or {}
        for parameter in self._frozen:  # At an earlier step.
            parameter.requires_grad_(True)
        self._frozen = freeze_roles(model, wanted)
        groups = role_groups(model, wanted, lr=rate, weight_decay=self.common["weight_decay"])
        # One pass over memory instead of five; pairs numbers by their place in memory, so gradients
        # need the layout of their weights, which autograd gives them.
        fused = all(p.device.type in _FUSED for group in groups for p in group["params"])
        return SGD(groups, lr=rate, fused=fused, **self.common)


def with_roles(
    optimizer: Optimizer | OptimizerFactory,
    *,
    roles: Mapping[str, RoleOptions],
    first_step_roles: Mapping[str, RoleOptions],
) -> Optimizer | OptimizerFactory:
    """An optimizer with a method's own rates by role.

    Args:
        optimizer: of :func:`sgd` without roles; any other decides on its rates itself and is
            returned as it is.
        roles: at later steps.
        first_step_roles: at step 0.

    Example:
        >>> from types import SimpleNamespace
        >>> from avalanche_seg.models import BiSeNet
        >>> slow = with_roles(sgd(0.01), roles={}, first_step_roles={"body": RoleOptions(lr=0.1)})
        >>> model = BiSeNet("resnet18", classes_per_step=(3,))
        >>> groups = slow(model, SimpleNamespace(previous_classes=[])).param_groups
        >>> [(group["role"], group["lr"]) for group in groups]
        [('body', 0.001), ('neck', 0.01), ('new', 0.01)]
    """
    if not isinstance(optimizer, _SGDFactory) or any(optimizer.roles):
        return optimizer
    return _SGDFactory(optimizer.rates, (first_step_roles, roles), optimizer.common)


class OptimizerSource:
    """Gives the optimizer of every step, from a factory or from one optimizer of the user's.

    A user's optimizer is kept: at every step its state is reset, its learning rates return to their
    initial values, and parameters that are new to the model join it with its defaults. Parameters
    that were left out of it at the start stay out.
    """

    def __init__(self, given: Optimizer | OptimizerFactory, model: nn.Module) -> None:
        self.given = given
        self._left_out: list[nn.Parameter] = []
        if isinstance(given, Optimizer):
            known = _identities(given)
            self._left_out = [p for p in model.parameters() if id(p) not in known]

    def at_step(self, model: nn.Module, experience: Any) -> Optimizer:
        """The optimizer for training the (grown) model on the experience."""
        if not isinstance(self.given, Optimizer):
            return self.given(model, experience)
        known = _identities(self.given) | {id(p) for p in self._left_out}
        new = [parameter for parameter in model.parameters() if id(parameter) not in known]
        if new:
            self.given.add_param_group({"params": new})
        self.given.state.clear()
        for group in self.given.param_groups:
            group["lr"] = group.get("initial_lr", group["lr"])
        return self.given


def _identities(optimizer: Optimizer) -> set[int]:
    return {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
