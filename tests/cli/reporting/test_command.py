"""The command that writes the page; what is wrong with runs is in tests/cli/test_reading.py."""

import pytest

from avalanche_seg.cli.reporting.command import main


def test_a_page_that_cannot_be_written_is_an_error(runs, tmp_path, capsys):
    assert main([str(runs[0]), "--output", str(tmp_path / "no" / "out.html")]) == 2
    assert "error: " in capsys.readouterr().err


def test_a_negative_number_of_pictures_is_an_error(runs, tmp_path, capsys):
    output = tmp_path / "out.html"
    assert main([str(runs[0]), "--output", str(output), "--sample-num", "-1"]) == 2
    assert "error: --sample_num -1; expected zero or more" in capsys.readouterr().err
    assert not output.exists()


def test_help_names_every_flag(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"--{flag}" in shown for flag in ("output", "title", "sample_num"))
