"""Suite files: what they hold, one that begins with another, and what is no suite."""

import re

import pytest

from avalanche_seg.cli.suites.suite_file import make_suite, read_suite


def test_a_file_is_read_with_its_blocks_over_its_top(tmp_path):
    path = tmp_path / "table.toml"
    path.write_text('task = "15-5"\nlr = 0.1\n[[runs]]\nmethod = "FT"\n[[runs]]\nlr = 0.2\n')
    suite = read_suite(path)
    assert suite.name == "table"
    assert suite.blocks == {
        "runs[0]": {"task": "15-5", "lr": 0.1, "method": "FT"},
        "runs[1]": {"task": "15-5", "lr": 0.2},
    }


def test_a_suite_without_blocks_is_one_block():
    assert make_suite({"name": "mine", "task": "15-5"}).blocks == {"runs[0]": {"task": "15-5"}}
    assert make_suite({"name": "mine", "task": "15-5"}).name == "mine"


def test_a_file_begins_with_the_one_it_extends(tmp_path):
    (tmp_path / "common.toml").write_text('name = "common"\nlr = 0.1\ntask = "15-5"\n')
    path = tmp_path / "sub" / "mine.toml"
    path.parent.mkdir()
    path.write_text('extends = "../common.toml"\ntask = "19-1"\n[[runs]]\nmethod = "MiB"\n')
    suite = read_suite(path)
    assert suite.name == "mine", "a name is not inherited"
    assert suite.blocks == {"runs[0]": {"lr": 0.1, "task": "19-1", "method": "MiB"}}


def test_a_cycle_is_named(tmp_path):
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n')
    with pytest.raises(ValueError, match=re.escape("a.toml -> b.toml -> a.toml")):
        read_suite(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("task = ", "cannot be read"),
        ('runs = "MiB"', "expected blocks of settings, each under [[runs]]"),
        ("runs = []", "runs is []; expected blocks"),
        ('name = "a/b"', "expected the name of a folder"),
        ("name = 3", "name is 3"),
        ("extends = 3", "extends is 3; expected a file's name"),
        ('extends = "nowhere.toml"', "nowhere.toml cannot be read"),
    ],
)
def test_what_is_no_suite_is_refused_by_the_file(tmp_path, content, told):
    path = tmp_path / "suite.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=re.escape(told)) as error:
        read_suite(path)
    assert str(tmp_path) in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.toml cannot be read"):
        read_suite(tmp_path / "none.toml")
