"""What is refused before any training."""

import pytest

from avalanche_seg.cli.running import feasible
from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.running.feasible import check_memory
from tests.cli.commands import small


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--crop_size 100000", "8 images of 100000 x 100000 pixels take 894.1 GiB"),
        ("--crop_size 1000000 --micro_batches 4", "2 images of 1000000 x 1000000 pixels take"),
        ("--method SMiB --exemplars_size 1000000000", "more than the 20 training images"),
        ("--method FT --use_exemplars --exemplars_size 21", "more than the 20 training images"),
        ("--step 9", "the task 15-5 has the steps 0 to 1"),
    ],
)
def test_what_cannot_work_is_refused_and_leaves_no_folder(devkit, tmp_path, capsys, more, message):
    assert main(small(devkit, tmp_path / "logs", *more.split())) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "logs").exists()


def test_what_fits_exactly_is_let_through(monkeypatch):
    monkeypatch.setattr(feasible, "physical_memory", lambda: 12 * 100)
    check_memory(1, 10, "")
    with pytest.raises(ValueError, match=r"one image of 11 x 11 pixels .*: take less"):
        check_memory(1, 11, "take less")
    monkeypatch.setattr(feasible, "physical_memory", lambda: None)
    check_memory(9, 10**9, "")
