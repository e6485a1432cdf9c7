"""The page's content; test_browser.py opens it."""

import json
import os
import re
from datetime import datetime
from html.parser import HTMLParser

from tests.cli.pages import Page, write_page
from tests.cli.runs import BASE, write_run, write_strip


def test_tables_hold_the_numbers_averaged_over_seeds(runs, tmp_path):
    page = Page(write_page(tmp_path, *runs))
    summary = page.tables["mIoU in percent after the last step"]
    assert summary[1][:6] == ["FT", "2", "2", "15.0 ± 7.1", "50.0 ± 0.0", "26.7 ± 4.7"]
    assert summary[1][-4:] == ["87.5 ± 0.0", "48.3 ± 2.4", "1.5 GiB RAM", "1.5"]
    assert "No two methods share two seeds: which is better cannot be told." not in page.text
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


def test_equal_runs_give_equal_pages_with_ids_of_their_own(runs, tmp_path):
    content = write_page(tmp_path, *runs)
    assert write_page(tmp_path, *runs) == content
    ids = re.findall(r' id="([^"]*)"', content)
    assert len(ids) == len(set(ids)) > 1
    assert set(re.findall(r'href="#([^"]*)"', content)) <= set(ids)


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
        "mIoU in percent after the last step, as published"
    ]
    assert rows[1][:7] == ["MiB", "70.0", "50.0", "63.3", "75.5", "49.4", "69.0"]
    assert rows[1][7].startswith(
        "MiB, Table 1: VOC 2012, DeepLabV3-R101, background left out, void background in training; "
        "not the data of this run; not the network of this run, which is BiSeNet-R18"
        "settings that differ: "
    )
    assert rows[2][1:7] == ["76.7", "50.0", "70.0", "76.4", "50.0", "70.1"]
    assert rows[3][1:7] == ["76.7", "50.0", "70.0", "65.5", "39.4", "59.3"]
    other = write_run(tmp_path / "c", steps, task="15-5", method="DKD", setting="disjoint")
    (row,) = Page(write_page(tmp_path, other)).tables[
        "mIoU in percent after the last step, as published"
    ][1:]
    assert row[1:7] == ["76.7", "50.0", "70.0", "77.6", "54.1", "72.0"]
    assert "background counted in old and all" in row[7]
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


def test_values_of_step_metrics_are_shown_as_they_are(runs, tmp_path):
    for run, value in zip(runs, (2.5, 3.5, None), strict=True):
        path = run / "results.json"
        results = json.loads(path.read_text())
        results["steps"][-1]["means"]["sharpness <1>"] = value
        path.write_text(json.dumps(results))
    page = Page(write_page(tmp_path, *runs))
    head, ours, joint = page.tables["mIoU in percent after the last step"]
    column = head.index("sharpness <1>")
    assert (ours[column], joint[column]) == ("3.000 ± 0.707", "-")
    by_step = page.tables["Percent"]
    assert [row[by_step[0].index("sharpness <1>")] for row in by_step[1:]] == ["-", "2.500"]


class Nesting(HTMLParser):
    """Checks that every element is closed where it was opened."""

    def __init__(self, content):
        super().__init__()
        self.open = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()


def test_every_element_is_closed(runs, tmp_path):
    for step in (0, 1):
        write_strip(runs[0], step, "one", [[0, 1]], [[1, 1]])
    assert Nesting(write_page(tmp_path, *runs)).open == []
