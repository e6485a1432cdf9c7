"""The methods of the command line, and the flags of their constructors' own arguments."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from avalanche_seg import strategies
from avalanche_seg.cli.options.fields import Range, Spec, kind_of
from avalanche_seg.training import SegmentationTemplate

__all__ = ["FLAGS", "MEMORY", "METHODS", "argument_of", "complete", "default"]

# As the original spells them; a strategy that it does not have goes by its own name.
_SPELLED = {
    "FineTuning": "FT", "LwF": "LWF", "LwFMC": "LWF-MC", "ILT": "ILT", "EWC": "EWC", "RW": "RW",
    "PI": "PI", "MiB": "MiB", "SMiB": "SMiB", "Joint": "JOINT", "EWFPLOP": "EWF-PLOP",
    "SSULM": "SSUL-M", "DKDM": "DKD-M",
}  # fmt: skip
METHODS: dict[str, type[SegmentationTemplate]] = {
    _SPELLED.get(name, name): getattr(strategies, name)
    for name in sorted(strategies.__all__, key=[*_SPELLED, *strategies.__all__].index)
    if isinstance(getattr(strategies, name), type)
}
"""The strategies by their name on the command line."""

# The original's flags, by argument and method; another argument's flag is its name.
_ORIGINAL = {
    "kd_weight": {"LWF-MC": "icarl_importance"}
    | dict.fromkeys(("LWF", "ILT", "MiB", "SMiB", "EWF"), "loss_kd"),
    "feature_weight": {"ILT": "loss_de"},
    "penalty_weight": dict.fromkeys(("EWC", "RW", "PI"), "reg_importance"),
    "decay": dict.fromkeys(("EWC", "RW"), "reg_alpha"),
    "interval": {"RW": "reg_iterations"},
}
_ALIASES = {"teacher_scale": ("--alpha",)}
MEMORY = {
    "exemplars_selection": "selection", "exemplars_labels": "label_mode",
    "exemplars_update": "policy", "exemplars_share": "share", "strict": "strict",
}  # fmt: skip
"""Options that are arguments of the memory, which any method may have: option -> argument."""
_ELSEWHERE = {*MEMORY.values(), "memory", "saliency", "seed"}  # Arguments that other options give.
_RANGES = {int: Range(1), float: Range(0.0)}
# Arguments from 0 to 1.
_FRACTIONS = {"decay", "fusion_share", "least_threshold", "pseudo_threshold"}


@cache
def _own_arguments(method: str) -> dict[str, inspect.Parameter]:
    """By flag, what a constructor takes beyond the template's arguments, as far as flags can."""
    template = inspect.signature(SegmentationTemplate.__init__).parameters
    own = inspect.signature(METHODS[method].__init__).parameters
    return {
        _ORIGINAL.get(name, {}).get(method, name): parameter
        for name, parameter in own.items()
        if name not in template and name not in _ELSEWHERE and kind_of(parameter.annotation)
    }


def _meaning(method: str, argument: str) -> str:
    """What the docstring says of an argument, up to the first semicolon or full stop."""
    pattern = re.compile(rf"^ {{4}}(?:\w+, )*{argument}(?:, \w+)*: (.*(?:\n {{8}}.*)*)", re.M)
    for kind in METHODS[method].__mro__:  # What it has of the method it is built on is said there.
        if found := pattern.search(inspect.getdoc(kind) or ""):
            return re.split(r"; |\. |[;.]$", " ".join(found[1].split()))[0]
    return argument


def _specs() -> dict[str, Spec]:
    found: dict[str, Spec] = {}
    for method in METHODS:
        for flag, parameter in _own_arguments(method).items():
            name, value = parameter.name, parameter.default
            kind = kind_of(parameter.annotation)
            spec = found.get(flag) or Spec(
                name=flag,
                help=_meaning(method, name),
                group="method",
                default=value if kind["kind"] is bool else None,
                flag=f"--{flag}",
                aliases=_ALIASES.get(flag, ()),
                within=Range(0, 1) if name in _FRACTIONS else _RANGES.get(kind["kind"]),
                methods=(),
                **kind,
            )
            shown = f"{value:g}" if isinstance(value, float) else value
            told = f"{method} {'derived' if value is None else shown}"
            told = f"{spec.default_text}, {told}" if spec.default_text else told
            methods = (*(spec.methods or ()), method)
            found[flag] = replace(spec, default_text=told, methods=methods)
    return found


FLAGS = _specs()
"""The options of the methods' own arguments, by flag without its dashes."""


def argument_of(method: str) -> dict[str, str]:
    """A method's own arguments, by flag.

    Example:
        >>> argument_of("PI")
        {'reg_importance': 'penalty_weight'}
    """
    return {flag: parameter.name for flag, parameter in _own_arguments(method).items()}


def default(method: str, argument: str) -> Any:
    """The default of a strategy's argument: the published value."""
    return inspect.signature(METHODS[method].__init__).parameters[argument].default


def complete(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The own arguments of a method's strategy: what was given by flag, else published defaults.

    Example:
        >>> arguments = complete("ILT", {"loss_kd": 7.0})
        >>> arguments["kd_weight"], arguments["feature_weight"]
        (7.0, 100.0)
    """
    own = _own_arguments(method).items()
    return {parameter.name: given.get(flag, parameter.default) for flag, parameter in own}
