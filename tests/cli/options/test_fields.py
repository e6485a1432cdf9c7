from dataclasses import dataclass
from typing import Any, Literal

import pytest

from avalanche_seg.cli.options.fields import Range, kind_of, option, read_values, specs


@dataclass(frozen=True, kw_only=True)
class Few:
    rate: float | None = option("a rate", group="a", within=Range(0, 1), default=0.5)
    sort: Literal["quick", "merge"] = option("how", group="a", determines=False)
    loud: bool = option("say it", group="b", default=True)
    names: tuple[str, ...] = option("of them", group="b")
    more: dict[str, Any] = option("of it", group="b")  # noqa: RUF009
    mode: str | None = option("of it", group="b", shortcuts={"--plain": (None, "no mode")})
    unflagged: list[str]


SPECS = specs(Few)


def test_an_option_is_what_its_field_says():
    assert list(SPECS) == ["rate", "sort", "loud", "names", "more", "mode"]
    assert [spec.kind for spec in SPECS.values()] == [float, str, bool, tuple, dict, str]
    assert [spec.flag for spec in SPECS.values()][:2] == ["--rate", "--sort"]
    assert SPECS["sort"].choices == ("quick", "merge")
    assert [SPECS[name].determines for name in ("rate", "sort")] == [True, False]
    assert [SPECS[name].in_command for name in ("rate", "sort")] == [True, False]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rate", 0.25, ["--rate", "0.25"]),
        ("rate", None, []),
        ("loud", True, ["--loud"]),
        ("loud", False, ["--no_loud"]),
        ("names", ("a", "b"), ["--names", "a", "b"]),
        ("more", {"a": 1, "b": "x"}, ["--more", "a=1", "b=x"]),
        ("mode", None, ["--plain"]),
        ("mode", "x", ["--mode", "x"]),
    ],
)
def test_the_arguments_that_set_a_value(name, value, expected):
    assert SPECS[name].argv(value) == expected


def test_numbers_that_cannot_work_are_told_with_the_flag():
    SPECS["rate"].check(None)
    SPECS["rate"].check(1.0)
    with pytest.raises(ValueError, match=r"--rate 1.5; expected 0 to 1"):
        SPECS["rate"].check(1.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1])
def test_no_range_takes_what_is_no_finite_number_in_it(value):
    for within in (Range(0), Range(0.0), Range(0, open=True), Range(0, 1), Range(0, 1, open=True)):
        assert value not in within


def test_types_without_a_flag_have_no_kind():
    for annotation in (list[str], int | str, object, type):
        assert kind_of(annotation) == {}


@pytest.mark.parametrize("word", ["a", "=1", "a b=1", "x=1"])
def test_words_that_are_no_value_by_name(word):
    with pytest.raises(ValueError, match="expected KEY=VALUE, every key once"):
        read_values(["x=0", word])
