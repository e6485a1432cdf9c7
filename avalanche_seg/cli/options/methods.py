"""The methods of the command line, and the flags of their own arguments."""

import inspect
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from avalanche_seg import strategies
from avalanche_seg.cli.options.fields import Range, Spec, kind_of
from avalanche_seg.training import SegmentationTemplate

__all__ = ["FLAGS", "MEMORY", "METHODS", "argument_of", "complete", "default"]

# As the original spells them; a strategy that it does not have goes by its own name.
_SPELLED = {
    "FineTuning": "FT", "LwF": "LWF", "LwFMC": "LWF-MC", "ILT": "ILT", "EWC": "EWC", "RW": "RW",
    "PI": "PI", "MiB": "MiB", "SMiB": "SMiB", "Joint": "JOINT",
}  # fmt: skip
METHODS: dict[str, type[SegmentationTemplate]] = {
    _SPELLED.get(name, name): getattr(strategies, name)
    for name in sorted(strategies.__all__, key=[*_SPELLED, *strategies.__all__].index)
    if isinstance(getattr(strategies, name), type)
}
"""The strategies by their name on the command line."""

# The original's flags, by method and argument; another argument's flag is its name.
_ORIGINAL = {
    **{(method, "kd_weight"): "loss_kd" for method in ("LWF", "ILT", "MiB", "SMiB")},
    ("ILT", "feature_weight"): "loss_de",
    ("LWF-MC", "kd_weight"): "icarl_importance",
    **{(method, "penalty_weight"): "reg_importance" for method in ("EWC", "RW", "PI")},
    **{(method, "decay"): "reg_alpha" for method in ("EWC", "RW")},
    ("RW", "interval"): "reg_iterations",
}
MEMORY = {
    "exemplars_selection": "selection", "exemplars_labels": "labels",
    "exemplars_update": "update", "exemplars_share": "share", "strict": "strict",
}  # fmt: skip
"""Options that are arguments of the memory, which any method may have: option -> argument."""
_ELSEWHERE = {*MEMORY.values(), "n_exemplars", "seed"}  # Arguments that other options give.
_FRACTIONS = {"decay"}  # Arguments from 0 to 1.

_Arguments = dict[str, inspect.Parameter]


def _own_arguments(method: str) -> _Arguments:
    """What a method's constructor takes beyond the template's arguments, as far as flags can."""
    template = inspect.signature(SegmentationTemplate.__init__).parameters
    own = inspect.signature(METHODS[method].__init__).parameters
    return {
        name: parameter
        for name, parameter in own.items()
        if name not in template and name not in _ELSEWHERE and kind_of(parameter.annotation)
    }


def _meaning(method: str, argument: str) -> str:
    """What the docstring says of an argument, up to the first semicolon or full stop."""
    text = inspect.getdoc(METHODS[method]) or ""
    found = re.search(rf"^ {{4}}(?:\w+, )*{argument}(?:, \w+)*: (.*(?:\n {{8}}.*)*)", text, re.M)
    return re.split(r"[;.]", " ".join(found[1].split()))[0] if found else argument


def _flags() -> tuple[dict[str, Spec], dict[str, dict[str, str]]]:
    arguments: dict[str, dict[str, str]] = defaultdict(dict)
    for method in METHODS:
        for argument in _own_arguments(method):
            arguments[_ORIGINAL.get((method, argument), argument)][method] = argument
    found = {}
    for flag, argument_of in arguments.items():
        method, argument = next(iter(argument_of.items()))
        kind = kind_of(_own_arguments(method)[argument].annotation)
        published = (f"{m} {_plain(default(m, a))}" for m, a in argument_of.items())
        within = {int: Range(1), float: Range(0, 1) if argument in _FRACTIONS else Range(0.0)}
        found[flag] = Spec(
            name=flag,
            help=_meaning(method, argument),
            group="method",
            default=default(method, argument) if kind["kind"] is bool else None,
            flag=f"--{flag}",
            default_text=", ".join(published),
            within=within.get(kind["kind"]),
            methods=tuple(argument_of),
            **kind,
        )
    return found, arguments


def default(method: str, argument: str) -> Any:
    """The default of a strategy's argument: the published value."""
    return inspect.signature(METHODS[method].__init__).parameters[argument].default


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)


FLAGS, _ARGUMENTS = _flags()
"""The options of the methods' own arguments, by flag without its dashes."""


def argument_of(method: str) -> dict[str, str]:
    """A method's own arguments, by flag.

    Example:
        >>> argument_of("PI")
        {'reg_importance': 'penalty_weight'}
    """
    return {flag: found[method] for flag, found in _ARGUMENTS.items() if method in found}


def complete(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The own arguments of a method's strategy: what was given, and the published defaults.

    Args:
        method: one of ``METHODS``.
        given: value by flag; flags that the method does not have are not looked at.

    Example:
        >>> arguments = complete("ILT", {"loss_kd": 7.0})
        >>> arguments["kd_weight"], arguments["feature_weight"]
        (7.0, 100.0)
    """
    return {
        argument: given.get(flag, default(method, argument))
        for flag, argument in argument_of(method).items()
    }
