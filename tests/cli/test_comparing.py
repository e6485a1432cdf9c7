"""The command and its picture; its Markdown is in test_markdown.py."""

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.cli.comparing import draw, main
from avalanche_seg.cli.reading import read_sections
from tests.cli.runs import BASE, write_run


def test_command_prints_the_table_and_draws(runs, tmp_path, capsys):
    picture = tmp_path / "out.png"
    assert main([*map(str, runs), "--out", str(picture)]) == 0
    shown = capsys.readouterr().out
    assert "### 2-1 overlapped on voc" in shown and "| JOINT | 1 | 70.0 |" in shown
    assert np.asarray(Image.open(picture)).std() > 10


def test_flags_choose_columns_and_what_to_compare_with(runs, tmp_path, capsys):
    flags = ["--out", str(tmp_path / "out.png"), "--background=in", "--against", "joint"]
    assert main([*map(str, runs), *flags]) == 0
    shown = capsys.readouterr().out
    assert "| method | seeds | old with bg | new | all with bg | minutes |" in shown
    assert "No two methods share two seeds" in shown


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--against", "EWC"], "error: --against EWC: no run is of it; expected one of FT, JOINT"),
        (["nowhere"], "error: nowhere/config.json cannot be read"),
    ],
)
def test_wrong_input_is_one_sentence_and_writes_nothing(
    runs, tmp_path, monkeypatch, capsys, flags, message
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main([*map(str, runs), *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith(message) and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_an_unknown_convention_names_the_known_ones(runs, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(runs[0]), "--background", "some"])
    assert stop.value.code == 2
    assert "'some' (choose from" in capsys.readouterr().err


def test_undefined_means_and_names_like_formulas_are_drawn(tmp_path):
    runs = [
        write_run(tmp_path / method, [{"background": None, "cat": None}, BASE], method=method)
        for method in ("$a$ <b>", "JOINT")
    ]
    draw(read_sections(runs), tmp_path / "out.png")
    assert np.asarray(Image.open(tmp_path / "out.png")).std() > 10


def test_a_picture_that_cannot_be_written_is_an_error(runs, tmp_path, capsys):
    assert main([str(runs[0]), "--out", str(tmp_path / "no" / "out.png")]) == 2
    assert "error: " in capsys.readouterr().err
