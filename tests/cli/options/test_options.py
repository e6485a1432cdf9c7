"""Adding an option touches its field alone: parser, checks, help and comparisons follow."""

import shlex
from dataclasses import dataclass

import pytest

from avalanche_seg.cli.options import checks, options, resolve
from avalanche_seg.cli.options.fields import Range, option, specs
from avalanche_seg.cli.options.methods import FLAGS
from avalanche_seg.cli.options.options import NOT_DETERMINING, SPECS, Options
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.reporting import rebuild


@dataclass(frozen=True, kw_only=True)
class More(Options):
    dropout: float = option("share of dropped features", group="model", default=0.0,
                            within=Range(0, 1))  # fmt: skip
    colour: str = option("of the lines", group="output", default="red", choices=("red", "blue"),
                         determines=False)  # fmt: skip


@pytest.fixture
def more(monkeypatch):
    found = specs(More)
    for module in (checks, options, rebuild, resolve):
        monkeypatch.setattr(module, "SPECS", found)
    monkeypatch.setattr(resolve, "Options", More)
    monkeypatch.setattr(resolve, "_FLAGGED", found | resolve.FLAGS)
    monkeypatch.setattr(options, "NOT_DETERMINING", NOT_DETERMINING | {"colour"})


def test_its_field_makes_the_flag_the_check_the_help_and_the_command(more, capsys):
    assert parse([]).dropout == 0
    given = parse(["--dropout", "0.5", "--colour", "blue"])
    assert (given.dropout, given.colour) == (0.5, "blue")
    with pytest.raises(ValueError, match=r"--dropout 2\.0; expected 0 to 1"):
        parse(["--dropout", "2"])
    assert given.determining()["dropout"] == 0.5 and "colour" not in given.determining()
    command = rebuild.command_of(given.as_dict())
    assert command == "avalanche-seg run --method MiB --dropout 0.5"
    assert parse(shlex.split(command)[2:]).determining() == given.determining()
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--dropout DROPOUT share of dropped features (default: 0.0)" in shown


def test_where_a_run_is_written_and_how_fast_determine_nothing():
    assert {"logdir", "name", "num_workers", "device", "cache_images", "resume"} <= NOT_DETERMINING
    assert not {"lr", "method", "amp", "model_args", "random_seed"} & NOT_DETERMINING


def test_no_two_options_share_a_flag():
    """A new method's argument that is named like an option needs a flag of its own in methods."""
    every = [*SPECS.values(), *FLAGS.values()]
    flags = [f for spec in every for f in (spec.flag, *spec.aliases, *spec.shortcuts)]
    assert len(flags) == len(set(flags))
    assert not set(SPECS) & set(FLAGS)
