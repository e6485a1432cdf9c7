"""The methods of the command line: name -> strategy, and flag -> argument of the strategy."""

import inspect
from collections.abc import Mapping
from typing import Any

from avalanche_seg.strategies import EWC, ILT, PI, RW, FineTuning, Joint, LwF, LwFMC, MiB, SMiB
from avalanche_seg.training import SegmentationTemplate

__all__ = ["FLAGS", "METHODS", "complete"]

METHODS: dict[str, type[SegmentationTemplate]] = {
    "FT": FineTuning,
    "LWF": LwF,
    "LWF-MC": LwFMC,
    "ILT": ILT,
    "EWC": EWC,
    "RW": RW,
    "PI": PI,
    "MiB": MiB,
    "SMiB": SMiB,
    "JOINT": Joint,
}

FLAGS: dict[str, tuple[type, str, dict[str, str]]] = {
    "loss_kd": (
        float,
        "weight of the distillation",
        {"LWF": "kd_weight", "ILT": "kd_weight", "MiB": "kd_weight", "SMiB": "kd_weight"},
    ),
    "loss_de": (float, "weight of the feature distillation", {"ILT": "feature_weight"}),
    "icarl_importance": (float, "weight of the iCaRL distillation", {"LWF-MC": "kd_weight"}),
    "reg_importance": (
        float,
        "weight of the penalty",
        {"EWC": "penalty_weight", "RW": "penalty_weight", "PI": "penalty_weight"},
    ),
    "reg_alpha": (
        float,
        "weight of the newest squared gradient",
        {"EWC": "decay", "RW": "decay"},
    ),
    "reg_iterations": (int, "iterations between two points of the path", {"RW": "interval"}),
}
"""By flag: type, meaning, and the strategy argument it sets for each method that has it."""


def default(method: str, argument: str) -> Any:
    """The default of a strategy's argument: the published value."""
    return inspect.signature(METHODS[method].__init__).parameters[argument].default


def complete(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a method's strategy: what was given, and the method's defaults.

    Args:
        method: one of ``METHODS``.
        given: value by flag; None when the flag was not given.

    Raises:
        ValueError: when a flag was given that the method does not have.

    Example:
        >>> complete("ILT", {"loss_kd": 7.0, "loss_de": None})
        {'kd_weight': 7.0, 'feature_weight': 100.0}
    """
    arguments = {}
    for flag, (_, _, argument_of) in FLAGS.items():
        value = given.get(flag)
        if method in argument_of:
            argument = argument_of[method]
            arguments[argument] = default(method, argument) if value is None else value
        elif value is not None:
            raise ValueError(
                f"--{flag} has no effect on --method {method}, only on {', '.join(argument_of)}; "
                "leave it out"
            )
    return arguments
