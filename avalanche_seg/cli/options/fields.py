"""What one option is: a dataclass field whose metadata its flag, checks and help are made from."""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from avalanche_seg.models import MODELS, model_factory

__all__ = [
    "Range",
    "Spec",
    "kind_of",
    "option",
    "read_model",
    "read_range",
    "read_values",
    "specs",
]


@dataclass(frozen=True)
class Range:
    """The finite numbers that an option takes; without its ends when ``open``.

    Example:
        >>> 0.5 in Range(0, 1), 2 in Range(0, 1), float("inf") in Range(0)
        (True, False, False)
        >>> print(Range(2), Range(0.0), Range(0, open=True), Range(0, 1, open=True), sep="; ")
        2 or more; a finite number, 0 or more; a positive number; between 0 and 1
    """

    low: float
    high: float = math.inf
    open: bool = False

    def __contains__(self, value: float) -> bool:
        if self.open:
            return self.low < value < self.high
        return self.low <= value <= self.high and value < math.inf

    def __str__(self) -> str:
        if self.high < math.inf:
            return ("between {} and {}" if self.open else "{} to {}").format(self.low, self.high)
        if self.open:
            return "a positive number"
        return f"{'a finite number, ' * isinstance(self.low, float)}{self.low:g} or more"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One option.

    Attributes:
        name: of the setting, as in config.json.
        help: what it means, without the default.
        group: heading in ``--help``.
        kind: int, float, str, bool (a switch), tuple or dict (several words).
        default: the published one; None where it is derived from other options.
        demo: default on the made-up data set, where it is another one.
        default_text: how ``--help`` tells a derived default.
        flag: with dashes; ``--name`` unless told otherwise.
        aliases: further spellings of the flag.
        shortcuts: flags without a value: the value that each sets, and its help.
        choices: known values; any case is taken.
        synonyms: further spellings of choices.
        within: the numbers that can work.
        metavar: stands for the value in ``--help``.
        read: makes the value from the words, one for a str; raises ValueError.
        methods: those that have it; None for all.
        determines: whether a run's weights depend on it, so that resuming must not change it.
        in_command: whether a command that repeats a run tells it.
        is_path: whether a ``~`` at its start is the home folder.
    """

    name: str
    help: str
    group: str
    kind: type
    default: Any = None
    demo: Any = None
    default_text: str | None = None
    flag: str = ""
    aliases: Sequence[str] = ()
    shortcuts: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    choices: Sequence[str] | None = None
    synonyms: Mapping[str, str] = field(default_factory=dict)
    within: Range | None = None
    metavar: str | None = None
    read: Callable[[Sequence[str]], Any] | None = None
    methods: Sequence[str] | None = None
    determines: bool = True
    in_command: bool = True
    is_path: bool = False

    @property
    def negation(self) -> str | None:
        """The flag that turns a switch off, when it is on by default."""
        return f"--no_{self.name}" if self.kind is bool and self.default else None

    def argv(self, value: Any) -> list[str]:
        """The arguments that set a value; none when no flag does.

        Example:
            >>> Spec(name="lr", help="rate", group="training", kind=float, flag="--lr").argv(0.5)
            ['--lr', '0.5']
        """
        if self.kind is bool:
            return [self.flag] if value else [self.negation] if self.negation else []
        for shortcut, (sets, _) in self.shortcuts.items():
            if value == sets:
                return [shortcut]
        if value is None:
            return []
        if self.kind is dict:
            return [self.flag, *(f"{key}={entry}" for key, entry in value.items())]
        return [self.flag, *map(str, value if self.kind is tuple else [value])]

    def check(self, value: float | None) -> None:
        """Raise a ValueError naming the flag when a number cannot work; None is not looked at."""
        if self.within is not None and value is not None and value not in self.within:
            raise ValueError(f"{self.flag} {value}; expected {self.within}")


def option(help: str, *, group: str, determines: bool = True, **metadata: Any) -> Any:
    """A field of the options; arguments as the attributes of :class:`Spec`."""
    told = {"help": help, "group": group, "determines": determines, "in_command": determines}
    return field(metadata={"option": told | metadata})


def specs(options: type) -> dict[str, Spec]:
    """The options of a dataclass by name, in its order; fields that are no option are left out."""
    hints = get_type_hints(options)
    found = {}
    for each in fields(options):
        if "option" in each.metadata:
            derived = {"flag": f"--{each.name}"} | kind_of(hints[each.name])
            if derived["kind"] is bool:
                derived["default"] = False
            found[each.name] = Spec(name=each.name, **derived | each.metadata["option"])
    return found


def kind_of(annotation: Any) -> dict[str, Any]:
    """The kind of a type and, of a ``Literal``, its choices; empty for one that no flag can give.

    Example:
        >>> kind_of(int | None), kind_of(Literal["a", "b"])
        ({'kind': <class 'int'>}, {'kind': <class 'str'>, 'choices': ('a', 'b')})
    """
    if get_origin(annotation) in (Union, UnionType):
        others = [part for part in get_args(annotation) if part is not type(None)]
        return kind_of(others[0]) if len(others) == 1 else {}
    if get_origin(annotation) is Literal:
        return {"kind": str, "choices": get_args(annotation)}
    kind = get_origin(annotation) or annotation
    return {"kind": kind} if kind in (int, float, str, bool, tuple, dict) else {}


def read_range(words: Sequence[str]) -> tuple[float, float]:
    """Two numbers, the smaller first.

    Raises:
        ValueError: for anything else.

    Example:
        >>> read_range(["-1000", "1000"])
        (-1000.0, 1000.0)
    """
    try:
        low, high = map(float, words)
    except ValueError:
        low, high = math.nan, math.nan
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"got {' '.join(words)!r}; expected two numbers, LOW and a larger HIGH")
    return low, high


def read_model(words: Sequence[str]) -> str:
    """The name of a network, if its library is known; of those here in any case.

    Raises:
        ValueError: listing the known ones.

    Example:
        >>> read_model(["BiSeNet"]), read_model(["smp:Unet/resnet34"])
        ('bisenet', 'smp:Unet/resnet34')
    """
    (name,) = words
    known = {each.lower(): each for each in MODELS}
    name = known.get(name.lower(), name)
    model_factory(name)
    return name


def read_values(words: Sequence[str]) -> dict[str, Any]:
    """Plain values by name: Python literals, anything else as text.

    Raises:
        ValueError: for a word that is no ``key=value``, or a key twice.

    Example:
        >>> read_values(["head=3x3", "n_extra=1", "taps=['head']"])
        {'head': '3x3', 'n_extra': 1, 'taps': ['head']}
    """
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key.isidentifier() or key in values:
            raise ValueError(f"got {word!r}; expected KEY=VALUE, every key once")
        try:
            values[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            values[key] = text
    return values
