"""The command that gives a run's settings again."""

import contextlib
import io
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from avalanche_seg.cli.options.methods import FLAGS, METHODS, argument_of
from avalanche_seg.cli.options.options import SPECS, Options
from avalanche_seg.cli.options.resolve import parse

__all__ = ["command_of"]


def command_of(config: Mapping[str, Any]) -> str | None:
    """A short command whose settings are those of a run, all steps in one go.

    Args:
        config: the content of config.json; older ones tell fewer settings.

    Returns:
        the command, or None when today's command line has none that gives these settings.

    Example:
        >>> command_of({"method": "MiB", "task": "15-5", "random_seed": 7})
        'avalanche-seg run --method MiB --random_seed 7'
    """
    method = config.get("method")
    if method not in METHODS:
        return None
    argv = ["--method", method]
    # Options that set the defaults of others come first in SPECS, so that only what differs stays.
    for name, spec in (SPECS | FLAGS).items():
        wanted = _value(config, name)
        if (wanted is None and name not in config) or not spec.in_command:
            continue
        options = _parsed(argv)
        if options is None:
            return None
        if _value(options.as_dict(), name) != wanted:
            argv += spec.argv(wanted)
    options = _parsed(argv)
    if options is None or not _same(options, config):
        return None
    return shlex.join(["avalanche-seg", "run", *argv])


def _value(config: Mapping[str, Any], name: str) -> Any:
    """An option in the settings of a run, a method's own argument under its flag."""
    argument = argument_of(config["method"]).get(name, "")
    # The oldest runs have their one weight at the top, under the flag's name.
    return (config.get("method_options") or {}).get(argument, config.get(name))


def _parsed(argv: Sequence[str]) -> Options | None:
    quiet = io.StringIO()  # argparse tells what it refuses.
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            return parse(argv)
        except (ValueError, SystemExit):
            return None


def _same(options: Options, config: Mapping[str, Any]) -> bool:
    """Whether the settings that determine a run are the run's, as far as it tells them."""
    ours = options.determining()
    theirs = {name: config[name] for name in ours if name in config}
    arguments = ours.pop("method_options")
    told = theirs.pop("method_options", None) or {}
    return all(ours[name] == value for name, value in theirs.items()) and all(
        arguments.get(name) == value for name, value in told.items()
    )
