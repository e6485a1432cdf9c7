"""Runs as Markdown."""

import json
from statistics import mean

import pytest

from avalanche_seg.cli.markdown import markdown
from avalanche_seg.cli.reading import read_sections
from tests.cli.runs import BASE, PEAK, write_run


def table(text, head):
    """The rows of the table that starts with this cell, its head first."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {head} |"))
    stop = next((i for i in range(start, len(lines)) if not lines[i].startswith("|")), len(lines))
    rows = [line.strip("| ").split(" | ") for line in lines[start:stop]]
    return [rows[0], *rows[2:]]


def run(folder, old, new=None, **config):
    """A run of two classes and the background, the second learned in a second step."""
    steps = [{"background": 0.9, "cat": 0.8}]
    if new is not None:
        steps.append({"background": 0.9, "cat": old, "dog": new})
    return write_run(folder, steps, task="1-1", **config)


@pytest.fixture
def some(tmp_path):
    return [
        run(tmp_path / "a", 0.1, 0.3, seed=0),
        run(tmp_path / "b", 0.2, 0.5, seed=1),
        run(tmp_path / "c", 0.5, 0.4, method="MiB"),
    ]


def test_runs_that_differ_in_their_seed_share_a_line(some):
    rows = table(markdown(read_sections(some)), "method")
    assert rows[0] == [
        *("method", "seeds", "old", "new", "all", "old with bg", "all with bg"),
        *("minutes", "peak memory"),
    ]
    assert rows[1] == [
        *("FT", "2", "15.0 ± 7.1", "40.0 ± 14.1", "27.5 ± 10.6", "52.5 ± 3.5", "48.3 ± 7.1"),
        *("1.5", "1.5 GiB RAM"),
    ]
    assert rows[2][:5] == ["MiB", "1", "50.0", "40.0", "45.0"]


@pytest.mark.parametrize(
    ("background", "columns"),
    [("out", ["old", "new", "all"]), ("in", ["old with bg", "new", "all with bg"])],
)
def test_the_convention_of_the_background_is_ones_choice(some, background, columns):
    rows = table(markdown(read_sections(some), background=background), "method")
    assert rows[0][2:-2] == columns


def test_every_section_has_a_heading_and_a_table(tmp_path):
    folders = [
        write_run(tmp_path / name, [BASE], dataset="folder", data_root=f"x/{name}")
        for name in ("cats", "dogs")
    ]
    text = markdown(read_sections(folders), heading="##")
    assert text.count("| method | seeds |") == 2
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["## 2-1 overlapped on cats", "## 2-1 overlapped on dogs"]
    assert "\n\n\n" not in text and text == markdown(read_sections(folders), heading="##")


def test_what_is_apart_is_said_below_the_table(some, tmp_path):
    assert "No two methods share two seeds" in markdown(read_sections(some))
    some.append(run(tmp_path / "m", 0.6, 0.6, method="MiB", seed=1))
    lines = markdown(read_sections(some)).splitlines()
    assert "- MiB - FT: apart: +25.0 [25.0, 25.0], 2 seeds" in lines
    lines = markdown(read_sections(some), against="MiB").splitlines()
    assert "- FT - MiB: apart: -25.0 [-25.0, -25.0], 2 seeds" in lines


def test_unfinished_runs_say_so(some, tmp_path):
    some.append(run(tmp_path / "d", 0.8, method="LWF"))
    rows = table(markdown(read_sections(some)), "method")
    assert rows[-1][0] == "LWF, unfinished: after step 0 of 1"


def test_bars_and_undefined_means_keep_the_table_whole(tmp_path):
    path = write_run(tmp_path / "a", [{"background": None, "cat": None}], method="$a$ | <b>")
    text = markdown(read_sections([path]))
    assert r"| $a$ \| <b> | 1 | - | - | - |" in text


def test_values_of_step_metrics_stand_as_they_are(some):
    results = some[0] / "results.json"
    content = json.loads(results.read_text())
    content["steps"][-1]["means"]["sharpness"] = 2.5
    results.write_text(json.dumps(content))
    rows = table(markdown(read_sections(some)), "method")
    assert [row[rows[0].index("sharpness")] for row in rows[1:]] == ["2.500", "-"]


def test_the_largest_peak_and_the_mean_time_are_shown_with_the_kind(some):
    for path, gpu, seconds in ((some[0], 2**30, 60), (some[1], 5 * 2**29, 120)):
        content = json.loads((path / "results.json").read_text())
        content |= {"seconds": seconds, "peak_memory": PEAK | {"gpu": gpu}}
        (path / "results.json").write_text(json.dumps(content))
    older = json.loads((some[2] / "results.json").read_text())
    del older["seconds"], older["peak_memory"]
    (some[2] / "results.json").write_text(json.dumps(older))
    rows = table(markdown(read_sections(some)), "method")
    assert [row[-2:] for row in rows[1:]] == [["1.5", "2.5 GiB GPU"], ["-", "-"]]


def voc(folder, **config):
    """A run of 15-5 on VOC, with classes of number."""
    first = {"background": 0.9} | {f"c{i}": 0.6 for i in range(15)}
    then = first | {f"c{i}": 0.4 for i in range(15, 20)}
    known = {
        "task": "15-5",
        "method": "MiB",
        "model": "deeplabv3",
        "backbone": "resnet101",
        "lr": 0.01,
    }
    return write_run(folder, [first, then], **(known | config))


def test_published_numbers_stand_beside_ours_in_their_convention(tmp_path):
    path = voc(tmp_path / "a", train_void="background", epochs=3)
    rows = table(markdown(read_sections([path])), "method | our old")
    assert rows[0][:4] == ["method", "our old", "our new", "our all"]
    mib, by_plop, smib = rows[1:]
    assert mib[1:7] == ["60.0", "40.0", "55.0", "75.5", "49.4", "69.0"]
    with_background = mean([0.9, *[0.6] * 15]) * 100, mean([0.9, *[0.6] * 15, *[0.4] * 5]) * 100
    old, both = (f"{value:.1f}" for value in with_background)
    assert by_plop[1:7] == [old, "40.0", both, "76.4", "50.0", "70.1"]
    assert "**differs**: epochs 3, there 30" in mib[7]
    assert "void is background in training in ours, ignore there" in by_plop[7]
    assert "not the network of this run" in smib[7]


def test_a_run_with_the_settings_of_the_source_says_so(tmp_path):
    path = voc(tmp_path / "a", train_void="background")
    rows = table(markdown(read_sections([path])), "method | our old")
    assert rows[1][7].endswith("void background in training; same settings")


def test_published_numbers_of_other_data_stay_away(tmp_path):
    path = voc(tmp_path / "a", dataset="synthetic")
    assert "our old" not in markdown(read_sections([path]))
