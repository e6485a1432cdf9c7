"""Other data than those that a run was made with."""

import json
import os
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from avalanche_seg.benchmarks import VOCIncremental, incremental_benchmark
from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.running.data_record import data_changes, fingerprint, record_data
from avalanche_seg.datasets import read_voc
from tests.cli.commands import small

BEFORE = {"train images": [["a", "1"], ["b", "2"]], "test masks": [["c", "3"]]}


def test_meanings_of_mask_values_are_recorded(devkit):
    files = read_voc(devkit)
    task = {"task": "offline", "progress": False}
    plain = record_data(incremental_benchmark(files, **task))
    mapped = replace(files, label_map={v: v for v in range(21)}, void_ids=[255])
    record = record_data(incremental_benchmark(mapped, **task))
    meant = record.pop("meanings of mask values")
    assert record == plain and meant[1] == ["1", "1"] and meant[-1] == ["255", "255"]
    other = {"meanings of mask values": [["1", "2"], *meant[1:]]}
    changes = data_changes({"meanings of mask values": meant}, other)
    assert changes.startswith("meanings of mask values: 1 of 22 changed, such as 1")


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({}, ""),
        ({"train images": [["a", "1"], ["b", "9"]]}, "train images: 1 of 2 changed, such as b"),
        ({"train images": [["b", "2"], ["a", "1"]]}, "train images: listed in another order"),
        ({"train images": [["a", "1"]]}, "train images: 1 gone, such as b"),
        (
            {"test masks": [["c", "3"], ["d", "4"], ["e", "5"]]},
            "test masks: 2 new, such as d",
        ),
        (
            {"train images": [["a", "5"], ["b", "6"]], "test masks": [["x", "3"]]},
            "train images: 2 of 2 changed, such as a; test masks: 1 new, such as x; 1 gone, "
            "such as c",
        ),
        ({"train saliency": [["s", "1"]]}, "train saliency: 1 new, such as s"),
        (  # Pair lists may have one name in several folders.
            {"train images": [["a", "1"], ["b", "2"], ["b", "7"]]},
            "train images: 1 new, such as b",
        ),
    ],
)
def test_changes_are_told_by_kind_number_and_name(now, told):
    now = BEFORE | now
    assert data_changes(BEFORE, now) == told
    assert (fingerprint(now) == fingerprint(BEFORE)) == (not told)


def test_equal_data_elsewhere_are_equal(devkit, tmp_path):
    first = record_data(VOCIncremental(devkit))
    shutil.copytree(devkit, tmp_path / "VOC2012")
    assert record_data(VOCIncremental(tmp_path)) == first
    assert {kind: len(files) for kind, files in first.items()} == {
        "train images": 20, "train masks": 20, "test images": 20, "test masks": 20,
    }  # fmt: skip


def turned(path):
    """The same file with other pixels, of the same size and date."""
    stat, size = path.stat(), len(path.read_bytes())
    image = Image.open(path)
    image.transpose(Image.Transpose.ROTATE_180).save(path, "PNG")
    with path.open("ab") as file:
        file.write(b"\0" * max(0, size - path.stat().st_size))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("kind", ["JPEGImages", "SegmentationClass"])
def test_changed_contents_are_refused_by_name(devkit, tmp_path, capsys, kind):
    shutil.copytree(devkit, tmp_path / "VOC2012")

    def run(*more):
        flags = ["--method", "FT", "--overlap", "--name", "a", "--step", "0", *more]
        return main(small(tmp_path, tmp_path / "logs", *flags))

    assert run() == 0
    assert run("--resume") == 0
    (file,) = (tmp_path / "VOC2012" / kind).glob("2012_000003.*")
    if kind == "JPEGImages":  # Other bytes, equal size and date.
        stat, content = file.stat(), bytearray(file.read_bytes())
        content[-20] ^= 1
        file.write_bytes(content)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        turned(file)
    assert run("--resume") == 2
    error = capsys.readouterr().err
    assert f"1 of 20 changed, such as {file.name}" in error and "put them back" in error
    with pytest.warns(UserWarning, match=rf"made with other data \(.* such as {file.name}\)"):
        assert run("--step", "1") == 0


def test_a_record_that_cannot_be_read_leaves_the_fingerprint(devkit, tmp_path, capsys):
    flags = small(devkit, tmp_path, "--method", "FT", "--name", "a", "--step", "0")
    assert main(flags) == 0
    for content in ("", "[1]", json.dumps({"train images": 3}), json.dumps({"train images": [3]})):
        (tmp_path / "a" / "data.json").write_text(content)
        assert main([*flags, "--resume"]) == 0
    capsys.readouterr()
