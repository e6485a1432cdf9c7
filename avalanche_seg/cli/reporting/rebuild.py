"""The command that gives a run's settings again."""

import contextlib
import io
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from avalanche_seg.cli.options.methods import FLAGS
from avalanche_seg.cli.options.options import Options, parse

__all__ = ["command_of"]

# In this order: the data set, the recipe and the exemplars set the defaults of what follows.
_DATA = ("data_root", "dataset", "recipe", "task", "setting")
_TRAINING = (
    "old_labels", "epochs", "batch_size", "crop_size", "lr", "lr_later", "momentum",
    "weight_decay", "lr_policy", "lr_power", "lr_decay_step", "lr_decay_factor", "backbone", "amp",
    "accumulate", "random_seed",
)  # fmt: skip
_SWITCHES = {
    "cross_val": "--cross_val",
    "crop_val": "--crop_val",
    "fix_bn": "--fix_bn",
    "freeze": "--freeze",
    "channels_last": "--no_channels_last",
}
_Reader = Callable[[Mapping[str, Any]], Any]


def command_of(config: Mapping[str, Any]) -> str | None:
    """A short command whose settings are those of a run, all steps in one go.

    Args:
        config: the content of config.json; older ones tell fewer settings.

    Returns:
        the command, or None when today's command line has none that gives these settings.

    Example:
        >>> command_of({"method": "MiB", "task": "15-5", "random_seed": 7})
        'python -m experiments.run --method MiB --random_seed 7'
    """
    argv = ["--method", str(config.get("method"))]
    for read, flags in _wanted(config):
        options = _parsed(argv)
        if options is None:
            return None
        if read(options.as_dict()) != read(config):
            argv += flags
    options = _parsed(argv)
    if options is None or not _same(options, config):
        return None
    return shlex.join(["python", "-m", "experiments.run", *argv])


def _wanted(config: Mapping[str, Any]) -> Iterator[tuple[_Reader, Sequence[str]]]:
    """What to read of the settings, and the flags to add where it is another than the run's."""
    yield from _plain(config, _DATA)
    exemplars, method = config.get("exemplars"), config["method"]
    if exemplars is not None:
        replay = [] if method == "SMiB" else ["--use_exemplars"]
        yield _key("exemplars"), [*replay, "--exemplars_size", str(exemplars)]
        for name, value in (config.get("exemplars_options") or {}).items():
            flags = ["--strict"] if name == "strict" else [f"--exemplars_{name}", str(value)]
            yield _key("exemplars_options", name), flags
    yield from _plain(config, _TRAINING)
    if "weights" in config:
        weights = config["weights"]
        yield (
            _key("weights"),
            ["--no_pretrained"] if weights is None else ["--weights", str(weights)],
        )
    for flag, (_, _, argument_of) in FLAGS.items():
        argument = argument_of.get(method, "")
        # The oldest runs have their one weight at the top, under the flag's name.
        value = (config.get("method_options") or {}).get(argument, config.get(flag))
        if argument and value is not None:
            yield _key("method_options", argument), [f"--{flag}", str(value)]
    for name, switch in _SWITCHES.items():
        if name in config:
            yield _key(name), [switch]


def _plain(
    config: Mapping[str, Any], names: Sequence[str]
) -> Iterator[tuple[_Reader, Sequence[str]]]:
    for name in names:
        if config.get(name) is not None:
            yield _key(name), [f"--{name}", str(config[name])]


def _key(*path: str) -> _Reader:
    def read(settings: Mapping[str, Any]) -> Any:
        value: Any = settings
        for name in path:
            value = (value or {}).get(name)
        return value

    return read


def _parsed(argv: Sequence[str]) -> Options | None:
    quiet = io.StringIO()  # parse tells what it takes from a recipe.
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            return parse(argv)
        except (ValueError, SystemExit):
            return None


def _same(options: Options, config: Mapping[str, Any]) -> bool:
    """Whether the settings that decide are the run's, as far as it tells them."""
    decide = options.determining()
    return all(config[name] == decide[name] for name in decide if name in config)
