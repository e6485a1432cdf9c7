"""A run on data that flags describe."""

import json

import pytest

from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.running.data import read_data
from tests.own_data import NAMES, write_coco, write_voc


@pytest.fixture
def kit(tmp_path, monkeypatch):
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    return write_voc(tmp_path / "kit")


def described(*argv):
    return read_data(parse([str(word) for word in argv]))


def test_folders(kit):
    lists = kit / "ImageSets" / "Segmentation"
    both = ("--images", kit / "JPEGImages", "--masks", kit / "SegmentationClass")
    files = described(
        *both, "--split", f"{lists / 'train.txt'},{lists / 'val.txt'}", "--classes",
        kit / "classes.txt",
    )  # fmt: skip
    assert (files.class_names, len(files.train), len(files.test)) == (NAMES, 8, 5)
    files = described(*both, "--split", "0.4")
    assert (files.class_names[1], len(files.train), len(files.test)) == ("class 1", 8, 5)
    with pytest.raises(ValueError, match="--split a,b,c; expected a share"):
        described(*both, "--split", "a,b,c")


def test_coco(kit):
    train, test = write_coco(kit, "train"), write_coco(kit, "val")
    files = described("--images", kit / "JPEGImages", "--masks", f"{train},{test}")
    assert (files.class_names, len(files.train), len(files.test)) == (NAMES, 8, 5)
    files = described("--images", kit / "JPEGImages", "--masks", train, "--split", "0.25")
    assert (len(files.train), len(files.test)) == (6, 2)
    with pytest.raises(ValueError, match=r"--split a,b on --dataset coco; .*TRAIN\.json"):
        described("--images", kit / "JPEGImages", "--masks", train, "--split", "a,b")


def test_a_run_and_its_data_when_they_have_changed(kit, tmp_path, capsys):
    lists = kit / "ImageSets" / "Segmentation"
    argv = [
        *("--images", str(kit / "JPEGImages"), "--masks", str(kit / "SegmentationClass")),
        *("--split", f"{lists / 'train.txt'},{lists / 'val.txt'}", "--task", "offline"),
        *("--setting", "overlapped", "--method", "FT", "--epochs", "1", "--batch_size", "4"),
        *("--crop_size", "32", "--backbone", "resnet18", "--no_pretrained", "--name", "own"),
        *("--logdir", str(tmp_path / "runs"), "--sample_num", "1", "--loggers", "none"),
    ]
    assert main(argv) == 0
    config = json.loads((tmp_path / "runs" / "own" / "config.json").read_text())
    assert (config["dataset"], config["images"]) == ("folders", str(kit / "JPEGImages"))
    argv[argv.index("--split") + 1] = "0.4"
    capsys.readouterr()
    assert main([*argv, "--resume"]) == 2
    assert "train images: " in capsys.readouterr().err
