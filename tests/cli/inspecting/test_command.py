"""``avalanche-seg data``."""

import pytest
from PIL import Image

from avalanche_seg.cli.inspecting.command import main
from tests.devkits import write_devkit
from tests.insects import CLASS_NAMES, MASKS


@pytest.fixture
def kit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_devkit(tmp_path / "kit", MASKS, CLASS_NAMES)


def test_a_sound_data_set_ends_with_0_and_a_picture(kit, tmp_path, capsys):
    assert main([str(kit), "--task", "2-2", "offline", "--setting", "overlapped"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("kit: 4 classes, 0 is the background")
    assert "2-2      overlapped" in shown and "disjoint" not in shown
    assert shown.endswith("nothing stops a training\npicture: data.png\n")
    assert Image.open(tmp_path / "data.png").format == "PNG"


def test_what_would_stop_a_training_ends_with_1_and_its_remedy(kit, capsys):
    (kit / "JPEGImages" / "t3.jpg").write_bytes(b"")
    assert main([str(kit), "--output", "new/folder/d.png", "--samples", "2"]) == 1
    shown = capsys.readouterr().out
    assert "t3.jpg: the image cannot be read" in shown
    assert "1 error stops a training\npicture: new/folder/d.png" in shown


def test_lists_that_cannot_be_read_end_with_1(kit, capsys):
    (kit / "ImageSets" / "Segmentation" / "val.txt").unlink()
    assert main([str(kit)]) == 1
    assert "val.txt is missing; expected a text file" in capsys.readouterr().err


def test_heads_only_leaves_the_mean_out(kit, capsys):
    assert main([str(kit), "--heads-only", "--samples", "0"]) == 0
    assert "mean by channel" not in capsys.readouterr().out


def test_data_that_flags_describe_are_looked_at_as_run_would_read_them(kit, capsys):
    folders = ["--images", str(kit / "JPEGImages"), "--masks", str(kit / "SegmentationClass")]
    named = ["--split", "0.4", "--classes", str(kit / "classes.txt")]
    assert main([*folders, *named, "--task", "2-2", "--setting", "overlapped"]) == 0
    assert ": 4 classes, 0 is the background" in capsys.readouterr().out
    assert main(folders[:2]) == 2
    assert "--dataset folders needs --masks; add it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--task", "9-9"], "error: task='9-9' leaves no class for a step"),
        (["--samples", "-1"], "error: --samples -1; expected zero or more"),
        (["--class_order", "b"], "names no class order"),
    ],
)
def test_flags_that_cannot_work_end_with_2(kit, capsys, flags, message):
    assert main([str(kit), *flags]) == 2
    assert message in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_a_warning(kit, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match=r"d\.png is left out"):
        assert main([str(kit), "--output", "file/d.png"]) == 0


def test_help_names_every_flag_and_exit_code(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for flag in (
        "dataset",
        "images",
        "in_channels",
        "task",
        "setting",
        "class_order",
        "output",
        "samples",
        "heads_only",
    ):
        assert f"--{flag}" in shown
    assert "Exit code 0" in shown
