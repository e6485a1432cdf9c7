import csv
import json
import math

import pytest
import torch

from avalanche_seg.cli.running.run_folder import RunFolder, table
from avalanche_seg.metrics import RunReport, StepReport

NAMES = ["background", "cat", "dog"]
IDS = [0, 7, 3]


@pytest.fixture
def report():
    report = RunReport()
    report.add(StepReport(0, torch.tensor([[8, 2], [1, 9]]), NAMES, n_base=2, class_ids=IDS))
    report.add(
        StepReport(
            1, torch.tensor([[6, 0, 4], [5, 5, 0], [0, 0, 10]]), NAMES, n_base=2, class_ids=IDS
        )
    )
    return report


def test_a_folder_is_never_reused(tmp_path):
    first = RunFolder(str(tmp_path), None, "FT_15-5")
    (first.path / "config.json").write_text("precious")
    assert RunFolder(str(tmp_path), None, "FT_15-5").path.name == "FT_15-5-2"
    assert RunFolder(str(tmp_path), None, "FT_15-5").path.name == "FT_15-5-3"
    with pytest.raises(ValueError, match="exists already; choose another --name"):
        RunFolder(str(tmp_path), "FT_15-5", "unused")
    assert (first.path / "config.json").read_text() == "precious"


def test_a_logdir_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ValueError, match="--logdir"):
        RunFolder(str(tmp_path / "runs"), None, "FT")


def test_metrics_are_one_row_a_step_class_and_metric(tmp_path, report):
    folder = RunFolder(str(tmp_path), "a", "unused")
    folder.write_metrics(report, "test")
    rows = list(csv.DictReader((folder.path / "metrics.csv").open()))
    assert set(rows[0]) == {"step", "stream", "class", "class_id", "metric", "value"}
    found = {(r["step"], r["class"], r["metric"]): float(r["value"]) for r in rows}
    assert found["0", "cat", "iou"] == pytest.approx(9 / 12)
    assert found["1", "cat", "iou"] == pytest.approx(0.5)
    assert found["1", "dog", "iou"] == pytest.approx(10 / 14)
    assert found["1", "", "mIoU_old"] == pytest.approx(0.5)
    assert ("0", "dog", "iou") not in found
    assert {(r["class"], r["class_id"]) for r in rows} == {
        *(("background", "0"), ("cat", "7"), ("dog", "3"), ("", ""))
    }


def test_a_failing_write_leaves_the_earlier_file(tmp_path, monkeypatch):
    folder = RunFolder(str(tmp_path), "a", "unused")
    folder.write_json("results.json", {"step": 0})

    def disk_full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        folder.write_json("results.json", {"step": 1})
    assert json.loads((folder.path / "results.json").read_text()) == {"step": 0}


def test_table_shows_old_new_and_all(report):
    shown = table(report.steps).splitlines()
    assert shown[1].split() == ["0", "|", "75.0", "-", "75.0", "|", "73.9", "-", "73.9"]
    assert shown[2].split()[2:5] == ["50.0", "71.4", "60.7"]


def test_table_has_a_line_for_every_value_of_a_step_metric(report):
    matrix = torch.eye(3, dtype=torch.int64)
    report.add(StepReport(2, matrix, NAMES, n_base=2, extra={"sharpness": 2.5, "late": math.nan}))
    assert table(report.steps).splitlines()[4:] == ["sharpness: -, -, 2.500", "late: -, -, -"]
