"""Checks of the arguments that users give: numbers, whole numbers, switches."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["check_flags", "check_number", "check_whole", "check_wholes", "shown"]

_WORDS = {0: "zero", 1: "one"}


def check_number(
    name: str,
    value: Any,
    *,
    least: float | None = 0,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    what: str = "number",
) -> Any:
    """A finite number within bounds.

    Args:
        name: of the argument, for the message.
        value: what was given.
        least: the smallest number allowed; None for any.
        most: the largest number allowed.
        above: a number that it must be greater than.
        below: a number that it must be smaller than.
        what: it is, for the message.

    Returns:
        the value as it was given.

    Raises:
        ValueError: for anything else: NaN, infinity, text, None, True.

    Example:
        >>> check_number("power", 0.9)
        0.9
        >>> check_number("power", float("nan"))
        Traceback (most recent call last):
        ValueError: power=nan; expected a finite number, zero or more
    """
    fits = (
        _is_a(value, Real)
        and math.isfinite(value)
        and (least is None or value >= least)
        and (most is None or value <= most)
        and (above is None or value > above)
        and (below is None or value < below)
    )
    if fits:
        return value
    if above is not None:
        bounds = f"above {above}" if below is None else f"between {above} and {below}"
        raise ValueError(f"{name}={shown(value)}; expected a {what} {bounds}")
    if most is not None:
        raise ValueError(f"{name}={shown(value)}; expected {least} to {most}")
    bound = "" if least is None else f", {_WORDS.get(int(least), least)} or more"
    raise ValueError(f"{name}={shown(value)}; expected a finite {what}{bound}")


def check_whole(name: str, value: Any, *, least: int = 0, expected: str | None = None) -> Any:
    """A whole number that is large enough.

    Args:
        name: of the argument, for the message.
        value: what was given.
        least: the smallest number allowed.
        expected: what to say; default "a whole number, ... or more".

    Returns:
        the value as it was given.

    Raises:
        ValueError: for anything else: fractions, NaN, text, None, True.

    Example:
        >>> check_whole("interval", 1.5, least=1)
        Traceback (most recent call last):
        ValueError: interval=1.5; expected a whole number, one or more
    """
    if _is_a(value, Integral) and value >= least:
        return value
    wanted = expected or f"a whole number, {_WORDS.get(least, least)} or more"
    raise ValueError(f"{name}={shown(value)}; expected {wanted}")


def check_wholes(name: str, values: Any, *, least: int = 0) -> list[int]:
    """Several whole numbers, as a list.

    Raises:
        ValueError: for what is no sequence, and as :func:`check_whole`.

    Example:
        >>> check_wholes("classes_per_step", (16, 5), least=1)
        [16, 5]
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"{name}={shown(values)}; expected a list of whole numbers")
    return [check_whole(f"{name}[{i}]", value, least=least) for i, value in enumerate(values)]


def check_flags(**flags: Any) -> None:
    """Switches: True or False, as any text would count as True.

    Raises:
        ValueError: for the first that is neither.

    Example:
        >>> check_flags(strict="no")
        Traceback (most recent call last):
        ValueError: strict='no'; expected True or False
    """
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name}={shown(value)}; expected True or False")


def _is_a(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """What was given, on one line that is not too long for a message.

    Example:
        >>> shown([1, "two"]), len(shown("x" * 1000))
        ("[1, 'two']", 80)
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
