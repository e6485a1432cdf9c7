"""Paths of users, and files that are whole or not there."""

from pathlib import Path

import pytest

from avalanche_seg.system import expand_home


def test_a_tilde_at_the_start_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_home("~/a/b") == tmp_path / "a" / "b" and expand_home("~") == tmp_path
    assert expand_home(Path("~/a")) == tmp_path / "a"


@pytest.mark.parametrize("name", ["a/~/b", "a~", "/~", "~nobody-of-this-name/x", "./~"])
def test_other_tildes_are_letters(name):
    assert expand_home(name) == Path(name)
