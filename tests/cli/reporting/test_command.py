"""The page's content; tests/experiments/test_report_browser.py opens it."""

import json
import os
import re
from datetime import datetime

import pytest

from avalanche_seg.cli.reporting.charts import Curve, chart
from avalanche_seg.cli.reporting.command import main
from tests.cli.pages import Page, write_page
from tests.cli.runs import write_run, write_strip

BASE = {"background": 0.9, "cat": 0.8, "dog": 0.6}


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(
            tmp_path / f"FT{seed}",
            [BASE, {"background": 0.8, "cat": 0.2 + 0.2 * seed, "dog": 0.0, "bird": 0.5}],
            seed=seed,
        )
        for seed in (0, 1)
    ] + [
        write_run(
            tmp_path / "JOINT",
            [BASE | {"bird": None, "fish": 0.4}],
            method="JOINT",
            n_base=3,
            task="2-1",
        )
    ]


def test_tables_hold_the_numbers_averaged_over_seeds(runs, tmp_path):
    page = Page(write_page(tmp_path, *runs))
    summary = page.tables["mIoU in percent after the last step"]
    assert summary[1][:6] == ["FT", "2", "2", "15.0 ± 7.1", "50.0 ± 0.0", "26.7 ± 4.7"]
    assert summary[1][-3:] == ["87.5 ± 0.0", "48.3 ± 2.4", "1.5"]
    assert summary[2][:6] == ["JOINT", "1", "1", "70.0", "40.0", "60.0"]
    heat = page.tables["IoU in percent, mean over the runs"]
    assert heat[0] == ["", "FT", "JOINT"]
    assert heat[1] == ["class, after step", "0", "1", "at once"]
    assert ["cat", "80", "30", "80"] in heat
    assert ["bird", "", "50", "-"] in heat, "not learned yet, learned, absent from the truth"
    lost = page.tables["Best earlier IoU minus the last, in points"]
    assert lost[0] == ["class", "FT"]
    assert ["cat", "50.0 ± 14.1"] in lost and ["background", "10.0 ± 0.0"] in lost
    assert lost[-1] == ["mean, background left out", "55.0 ± 7.1"]


def test_curves_say_their_values(runs, tmp_path):
    old, new, both = Page(write_page(tmp_path, *runs)).labels
    assert old.endswith("FT: 70.0 ± 0.0, 15.0 ± 7.1; JOINT: 70.0")
    assert new.endswith("FT: -, 50.0 ± 0.0; JOINT: 40.0")
    assert both.startswith("All seen classes, mIoU in percent by step.")


def test_a_higher_value_is_drawn_higher_and_later_steps_to_the_right():
    drawn = chart([Curve("a", ([10.0], [40.0], []))], "t", 3, 60)
    (points,) = re.findall(r'<polyline points="([^"]*)"', drawn)
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in points.split())
    assert x0 < x1 and y0 > y1
    assert y0 - y1 == pytest.approx((240 - 10 - 34) * 30 / 60)


def test_runs_are_told_with_date_command_and_settings(runs, tmp_path):
    finished = datetime(2026, 3, 4, 5, 6)
    os.utime(runs[0] / "results.json", (finished.timestamp(),) * 2)
    page = Page(write_page(tmp_path, *runs))
    assert "FT0: FT, seed 0, 2026-03-04 05:06" in page.text
    assert "avalanche-seg run --method FT" in page.text
    assert "--lr 0.1" in page.text and "--random_seed 1" in page.text


def test_everything_from_a_run_is_escaped(tmp_path):
    evil = "<script>alert(1)</script>\"'&"
    run = write_run(
        tmp_path / "a<b>b", [{"background": 0.5, evil: 0.5}], method=evil, data_root=evil
    )
    write_strip(run, 0, "x\" onerror='y<i>", [[0, 1]], [[1, 1]])
    content = write_page(tmp_path, run, more=["--title", evil])
    page = Page(content)
    assert not {"script", "b", "i"} & page.elements
    assert "a<b>b" in page.text and page.text.count(evil) > 4
    assert "x\" onerror='y<i>: image" in page.images


def test_the_page_needs_nothing_from_outside(runs, tmp_path):
    write_strip(runs[0], 0, "one", [[0, 1]], [[1, 1]])
    content = write_page(tmp_path, *runs)
    assert "://" not in content and "@import" not in content and "<script" not in content
    for address in re.findall(r'(?:src|href)="([^"]*)"', content):
        assert address.startswith(("data:", "#")), address
    assert "url(" not in content


def test_data_sets_of_the_same_settings_are_not_averaged(tmp_path):
    runs = [
        write_run(tmp_path / name, [BASE], dataset="folder", data_root=f"data/{name}", seed=seed)
        for seed, name in enumerate(("cats", "dogs"))
    ]
    page = Page(write_page(tmp_path, *runs))
    assert "2-1 overlapped on cats" in page.text and "2-1 overlapped on dogs" in page.text


def test_a_folder_given_twice_counts_once(runs, tmp_path):
    page = Page(write_page(tmp_path, runs[0], runs[0]))
    assert page.tables["mIoU in percent after the last step"][1][:2] == ["FT", "1"]


def test_published_numbers_say_that_they_are_of_other_data(tmp_path):
    steps = [BASE, BASE | {"bird": 0.5}]
    run = write_run(tmp_path / "a", steps, task="15-5", method="MiB", dataset="synthetic")
    rows = Page(write_page(tmp_path, run)).tables[
        "mIoU in percent after the last step, background left out"
    ]
    assert rows[1][:7] == ["MiB", "70.0", "50.0", "63.3", "75.5", "49.4", "69.0"]
    assert rows[1][7].startswith(
        "MiB, Table 1: VOC 2012, DeepLabV3-R101; not the data of this run; not the network of this "
        "run, which is BiSeNet-R18settings that differ"
    )
    assert rows[2][4:7] == ["65.5", "39.4", "59.3"]
    assert "have no numbers" in write_page(tmp_path, write_run(tmp_path / "b", steps, task="2-1"))


def test_an_old_run_without_iou_and_most_settings_is_enough(tmp_path):
    run = tmp_path / "old"
    run.mkdir()
    config = {"method": "FT", "task": "2-1", "setting": "disjoint"}
    (run / "config.json").write_text(json.dumps(config))
    steps = [{"means": {"mIoU_old": 0.5, "mIoU_new": None, "mIoU_all": 0.5}}]
    (run / "results.json").write_text(json.dumps({"steps": steps}))
    page = Page(write_page(tmp_path, run))
    assert "2-1 disjoint on unknown data" in page.text
    assert "do not tell the IoU by class" in page.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "holds no JSON object"),
        ('{"steps": []}', "holds no finished step"),
    ],
)
def test_a_folder_without_results_is_named(runs, tmp_path, capsys, content, message):
    results = runs[0] / "results.json"
    results.unlink() if content is None else results.write_text(content)
    output = tmp_path / "out.html"
    assert main([*map(str, runs), "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert f"error: {results} {message}" in error
    assert not output.exists()


def test_a_page_that_cannot_be_written_is_an_error(runs, tmp_path, capsys):
    assert main([str(runs[0]), "--output", str(tmp_path / "no" / "out.html")]) == 2
    assert "error: " in capsys.readouterr().err
