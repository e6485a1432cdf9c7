import pytest

from avalanche_seg.cli.options.methods import FLAGS
from avalanche_seg.cli.options.options import SPECS
from avalanche_seg.cli.options.parser import make_parser, read_flags

ALL = SPECS | FLAGS


def read(line):
    return read_flags(line.split(), ALL)


def test_only_what_is_given_is_there():
    assert read("") == {}
    assert read("--lr 0.5 --fix-bn --epochs=3") == {"lr": 0.5, "fix_bn": True, "epochs": 3}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--overlapped", {"setting": "overlapped"}),
        ("--no-mask", {"old_labels": "visible"}),
        ("--no_pretrained", {"weights": None}),
        ("--exemplars-size 3", {"exemplars": 3}),
        ("--crop_val", {"full_resolution": True}),
        ("--no_channels_last", {"channels_last": False}),
        ("--model_args head=3x3 n_extra=1", {"model_args": {"head": "3x3", "n_extra": 1}}),
        ("--loss_kd 3", {"loss_kd": 3.0}),
        ("--setting DISJOINT --method lwf-mc", {"setting": "disjoint", "method": "LWF-MC"}),
        ("--epochs 1 --epochs 2", {"epochs": 2}),
        ("--loggers csv,text", {"loggers": ("csv", "text")}),
    ],
)
def test_every_spelling_sets_its_option(line, expected):
    assert read(line) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--setting disjoint --overlap", "--overlap contradicts --setting disjoint; pass one"),
        ("--overlap --setting disjoint", "--overlap contradicts --setting disjoint; pass one"),
        ("--weights a.pth --no_pretrained", "--no_pretrained contradicts --weights a.pth"),
        ("--channels_last --no_channels_last", "--no_channels_last contradicts --channels_last"),
        ("--model_args a", "got 'a'; expected KEY=VALUE"),
    ],
)
def test_contradictions_are_refused_in_any_order(line, message):
    with pytest.raises(ValueError, match=message):
        read(line)


def test_every_flag_is_in_the_help_with_its_meaning():
    shown = " ".join(make_parser(ALL).format_help().split())
    for spec in ALL.values():
        for flag in (spec.flag, *spec.aliases, *spec.shortcuts):
            assert flag in shown
        assert " ".join(spec.help.split()) in shown
