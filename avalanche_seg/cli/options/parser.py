"""The parser of a run's flags, made from the options."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from avalanche_seg.cli.options.fields import Spec
from avalanche_seg.cli.options.original import add_flags
from avalanche_seg.system import expand_home

__all__ = ["add_option", "make_parser", "normalize_flags", "read_flags"]


def normalize_flags(argv: Sequence[str]) -> list[str]:
    """The arguments with every flag spelled with underscores, as the parser knows them.

    Example:
        >>> normalize_flags(["--data-root", "my-data", "--step-ckpt=a-b"])
        ['--data_root', 'my-data', '--step_ckpt=a-b']
    """
    spelled = []
    for text in argv:
        flag, equals, value = text.partition("=")
        if flag.startswith("--"):
            text = "--" + flag[2:].replace("-", "_") + equals + value
        spelled.append(text)
    return spelled


def read_flags(argv: Sequence[str], specs: Mapping[str, Spec]) -> dict[str, Any]:
    """The options that a command line gives, by name; those that it does not are absent.

    Switches of the original code that name a part of a method are a list under "implied".

    Raises:
        ValueError: for two flags that contradict each other, or words that cannot be read.
        SystemExit: from argparse, for unknown flags and values and after ``--help``.
    """
    given = vars(make_parser(specs).parse_args(normalize_flags(argv)))
    given.pop(_SPELLED_AS, None)
    return given


def make_parser(specs: Mapping[str, Spec]) -> argparse.ArgumentParser:
    """The parser of these options; those that are not given are left out of its result."""
    parser = _Parser(
        prog="avalanche-seg run",
        description="Class-incremental semantic segmentation, every step in one go. Without "
        "arguments: MiB 15-5 on a small made-up VOC, which is written on the first run.",
        epilog="Results go to LOGDIR/NAME: config.json, metrics.csv, results.json, a safetensors "
        "model per step, logs, predictions and plots. Flags may be spelled with - or _, names in "
        "any case.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    groups = {spec.group: None for spec in specs.values()}
    made: dict[str, Any] = {title: parser.add_argument_group(title) for title in groups}
    for spec in specs.values():
        add_option(made[spec.group], spec)
    add_flags(parser)
    return parser


def add_option(group: Any, spec: Spec) -> None:
    """Add the flags of an option.

    Args:
        group: a parser, or a group of one.
        spec: the option.
    """
    how: dict[str, Any] = {"dest": spec.name, "action": _Once}
    value: dict[str, Any] = {"nargs": 0, "const": True}
    if spec.kind is not bool:
        metavar = "{" + ",".join(spec.choices) + "}" if spec.choices else spec.metavar
        value = {"type": _reader(spec), "metavar": metavar}
        if spec.kind in (tuple, dict):
            value |= {"nargs": "+", "read": spec.read or _distinct}
    group.add_argument(spec.flag, *spec.aliases, **how, **value, help=spec.help + _default(spec))
    if spec.negation:
        group.add_argument(spec.negation, **how, nargs=0, const=False, help=f"not {spec.flag}")
    for sets, told in dict.fromkeys(spec.shortcuts.values()):
        names = [name for name, value in spec.shortcuts.items() if value == (sets, told)]
        help = told if sets is None else f"short for {spec.flag} {told}"
        group.add_argument(*names, **how, nargs=0, const=sets, help=help)


def _default(spec: Spec) -> str:
    """The default of an option, for its help; empty for a switch that is off."""
    demo = "" if spec.demo is None else f"; {spec.demo} on synthetic"
    switch = "yes" if spec.default else ""
    text = spec.default_text or (switch if spec.kind is bool else f"{spec.default}{demo}")
    return f" (default: {text})" if text else ""


def _reader(spec: Spec) -> Callable[[str], Any]:
    if spec.is_path:
        return lambda text: str(expand_home(text)) if text else text  # "" is refused later.
    if spec.kind is str and spec.read:
        return lambda text: _told(spec, text)
    if spec.choices is None:
        return str if spec.kind in (tuple, dict) else spec.kind
    choices = {choice.lower(): choice for choice in spec.choices}
    synonyms = {text.lower(): choice for text, choice in spec.synonyms.items()}

    def read(text: str) -> str:
        if text.lower() in choices | synonyms:
            return (choices | synonyms)[text.lower()]
        known = ", ".join(choices.values()) or "those to come: there is none yet"
        raise argparse.ArgumentTypeError(f"{text!r} is unknown; expected one of {known}")

    return read


def _told(spec: Spec, text: str) -> Any:
    """What a word means; argparse shows the message of no other error than its own."""
    assert spec.read is not None
    try:
        return spec.read([text])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _distinct(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


class _Parser(argparse.ArgumentParser):
    """Names the flag that an unknown one may have meant."""

    def error(self, message: str) -> NoReturn:
        for word in message.split():
            known = [flag for flag in self._option_string_actions if flag.startswith("--")]
            if "unrecognized" in message and (close := get_close_matches(word, known, n=1)):
                message += f"; did you mean {close[0]}?"
        super().error(f"{message} (--help lists the flags)")


_SPELLED_AS = " spelled as"  # No flag has a blank in its name.


class _Once(argparse.Action):
    """Stores a value; of a flag given twice the last counts, but no shortcut is overridden."""

    def __init__(self, *args: Any, read: Callable[..., Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.read = read

    def __call__(self, parser: Any, namespace: Any, values: Any, flag: str | None = None) -> None:
        """Store what was given, or refuse a contradiction."""
        short = self.nargs == 0
        value = self.const if short else self.read(values) if self.read else values
        spelled = vars(namespace).setdefault(_SPELLED_AS, {})
        now = (str(flag) if short else f"{flag} {value}", short)
        before = spelled.get(self.dest, now)
        if getattr(namespace, self.dest, value) != value and (short or before[1]):
            first, second = (now[0], before[0]) if short else (before[0], now[0])
            raise ValueError(f"{first} contradicts {second}; pass one of them")
        spelled[self.dest] = now
        setattr(namespace, self.dest, value)
