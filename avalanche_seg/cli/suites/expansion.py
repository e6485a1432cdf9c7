"""From the blocks of a suite to its runs, each with a name and complete settings."""

import io
import itertools
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from avalanche_seg.cli.options.fields import Spec
from avalanche_seg.cli.options.methods import FLAGS
from avalanche_seg.cli.options.options import SPECS, Options
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.suites.suite_file import Suite

__all__ = ["KEYS", "RunSettings", "argv_of", "expand"]

# What the suite itself decides, of a run.
_REFUSED = {
    *("name", "logdir", "step", "step_ckpt", "resume", "test", "ckpt", "debug", "print_interval"),
}
_LONGEST = (
    200  # Bytes of a run's name; files named after it get an ending, and most systems take 255.
)
_IN_NAMES = {"method", "task", "setting", "overlap", "overlapped", "random_seed", "exemplars_size"}


def _keys() -> dict[str, Spec]:
    """The options by every spelling of their flags, without dashes."""
    specs = SPECS | FLAGS
    return {
        flag.removeprefix("--"): spec
        for spec in specs.values()
        if spec.name not in _REFUSED
        for flag in (spec.flag, *spec.aliases, *spec.shortcuts, spec.negation or spec.flag)
    }


KEYS = _keys()
"""The settings that a suite may have, by every spelling."""


@dataclass(frozen=True)
class RunSettings:
    """One run of a suite.

    Attributes:
        name: of its folder, which tells it from the suite's others.
        values: what the suite says, by flag without dashes.
        options: all its settings.
    """

    name: str
    values: dict[str, Any]
    options: Options

    @property
    def argv(self) -> list[str]:
        """The arguments of ``avalanche-seg run``."""
        return argv_of(self.values)


def expand(suite: Suite) -> list[RunSettings]:
    """The runs of a suite: in every block the product of its lists, the last varying fastest.

    Runs are called METHOD_TASK_SETTING_sSEED, and by what else a block lists; ``name`` in a block
    takes the method's place.

    Raises:
        ValueError: naming the block, for an unknown setting, values that cannot work, and two runs
            of one name.
    """
    found = [
        (place, values, listed, _options(place, values))
        for place, block in suite.blocks.items()
        for values, listed in _products(place, block)
    ]
    several = len({options.dataset for *_, options in found}) > 1
    runs: dict[str, RunSettings] = {}
    places: dict[str, str] = {}
    for place, values, listed, options in found:
        name = _name(options, values.pop("name", None), {key: values[key] for key in listed})
        name = f"{options.dataset}_{name}" if several else name
        if len(name.encode()) > _LONGEST:
            raise ValueError(
                f"{place} has a run {name}, too long a name for a folder and its files; list less "
                "in one block, or give it a shorter name"
            )
        if name in runs:
            raise ValueError(
                f"{place} has a run {name}, and {places[name]} has one of this name already; give "
                "a block a name of its own (name = ...), or take one of them out"
            )
        runs[name], places[name] = RunSettings(name, values, options), place
    return list(runs.values())


def argv_of(values: Mapping[str, Any]) -> list[str]:
    """Settings as arguments of the command line.

    Example:
        >>> argv_of({"method": "MiB", "overlap": True, "fix_bn": False, "lr": 0.1})
        ['--method', 'MiB', '--overlap', '--lr', '0.1']
    """
    argv: list[str] = []
    for key, value in values.items():
        if value is True:
            argv.append(f"--{key}")
        elif value is False:
            negation = KEYS[key].negation
            argv += [negation] if negation not in (None, f"--{key}") else []
        elif isinstance(value, Mapping):
            argv += [f"--{key}", *(f"{name}={entry}" for name, entry in value.items())]
        elif isinstance(value, list | tuple):
            argv += [f"--{key}", *map(str, value)]
        else:
            argv += [f"--{key}", str(value)]
    return argv


def _products(place: str, block: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Every combination of a block's values, with the settings of which it lists several."""
    choices: dict[str, list[Any]] = {}
    named: dict[str, Any] = {}
    for spelled, value in block.items():
        key = spelled.replace("-", "_")
        if key != "name" and key not in KEYS:
            raise ValueError(f"{place}: {_unknown(key)}")
        if key in choices:
            raise ValueError(f"{place}: {key} is spelled in two ways; expected it once")
        if key == "name":
            if not (isinstance(value, str) and value.strip() and value.isprintable()):
                raise ValueError(f"{place}: name is {value!r}; expected the start of runs' names")
            named = {"name": value}
            continue
        one = isinstance(value, list) and KEYS[key].kind is tuple
        if one and value and isinstance(value[0], list):
            one = False
        choices[key] = [value] if one or not isinstance(value, list) else value
        if not choices[key]:
            raise ValueError(f"{place}: {key} is an empty list; expected one value or more")
        for each in choices[key]:
            _check_kind(place, key, each)
    listed = [key for key, values in choices.items() if len(values) > 1]
    for values in itertools.product(*choices.values()):
        yield {**named, **dict(zip(choices, values, strict=True))}, listed


def _check_kind(place: str, key: str, value: Any) -> None:
    """Refuse what would be other arguments than the setting's; its words are the parser's to read.

    Raises:
        ValueError: naming the setting.
    """
    spec = KEYS[key]
    if (spec.kind is bool or f"--{key}" in spec.shortcuts) != isinstance(value, bool):
        expected = "no switch but a value" if isinstance(value, bool) else "true or false"
    elif isinstance(value, Mapping) and spec.kind is not dict:
        expected = "a plain value, no table"
    elif isinstance(value, list) and spec.kind is not tuple:
        expected = "plain values in its list, no list in it"
    else:
        return
    raise ValueError(f"{place}: {key} is {value!r}; expected {expected}")


def _unknown(key: str) -> str:
    if key in _REFUSED:
        return f"{key} is for the suite to decide; take it out"
    close = get_close_matches(key, KEYS, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{key} is no setting of a run{hint} (avalanche-seg run --help lists them)"


def _options(place: str, values: Mapping[str, Any]) -> Options:
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            return parse(argv_of({key: value for key, value in values.items() if key != "name"}))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    except SystemExit as error:  # From argparse, which has printed its usage and the reason.
        reason = told.getvalue().strip().rpartition("error: ")[2]
        raise ValueError(f"{place}: {reason}") from error


def _name(options: Options, called: str | None, listed: Mapping[str, Any]) -> str:
    replay = "" if options.exemplars is None else f"+{options.exemplars}"
    parts = [called or f"{options.method}{replay}", options.task, options.setting]
    if called and "exemplars_size" in listed:
        parts[0] += replay
    parts += [f"{key}-{_short(v)}" for key, v in listed.items() if key not in _IN_NAMES]
    return "_".join((*parts, f"s{options.random_seed}")).replace("/", "-")


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}-{entry}" for name, entry in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
