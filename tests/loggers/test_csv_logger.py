"""The CSV log, fed by hand."""

import csv
import math

import numpy as np
import pytest
import torch
from avalanche.evaluation.metric_results import AlternativeValues, MetricValue, TensorImage
from matplotlib.figure import Figure
from PIL import Image

from avalanche_seg.loggers import MetricsCSVLogger
from avalanche_seg.loggers.csv_logger import COLUMNS

EVAL = "eval_phase/test_stream/Exp001"
HEADER = ",".join(COLUMNS) + "\n"


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def without_time(path):
    return [tuple(row.values())[1:] for row in rows_of(path)]


def emit(logger, name, value, x=7):
    logger.log_metrics([MetricValue(None, name, value, x)])


def test_a_line_holds_time_place_and_value(tmp_path):
    emit(MetricsCSVLogger(tmp_path / "new" / "log.csv"), f"mIoU_all/{EVAL}", 0.25)
    (row,) = rows_of(tmp_path / "new" / "log.csv")
    assert tuple(row) == COLUMNS
    assert row.pop("time").endswith("+00:00")
    assert list(row.values()) == ["7", "eval", "test", "1", "mIoU_all", "", "0.25"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Loss_Exp/eval_phase/test_stream/Task000/Exp003", ("eval", "test", "3", "Loss_Exp", "")),
        ("Loss_Stream/eval_phase/valid_stream", ("eval", "valid", "", "Loss_Stream", "")),
        ("L/train_phase/train_stream/Task000", ("train", "train", "", "L", "")),
        ("IoU/eval_phase/test_stream/Exp000/a/b, c", ("eval", "test", "0", "IoU", "a/b, c")),
        ("learning rate/mine", ("", "", "", "learning rate/mine", "")),
    ],
)
def test_names_are_taken_apart(tmp_path, name, expected):
    MetricsCSVLogger(tmp_path / "log.csv").log_single_metric(name, 1, 2)
    assert without_time(tmp_path / "log.csv") == [("2", *expected, "1.0")]


def test_numbers_of_every_kind_are_written_and_nan_is_empty(tmp_path):
    logger = MetricsCSVLogger(tmp_path / "log.csv")
    alternatives = AlternativeValues(Figure(), 0.5)
    numbers = [3, np.float32(0.5), torch.tensor([0.25]), alternatives, math.nan, math.inf]
    for number in numbers:
        emit(logger, "x", number)
    values = [row["value"] for row in rows_of(logger.path)]
    assert values == ["3.0", "0.5", "0.25", "0.5", "", "inf"]


def test_what_is_no_number_is_left_out(tmp_path):
    logger = MetricsCSVLogger(tmp_path / "log.csv")
    image = Image.new("RGB", (2, 2))
    for thing in (Figure(), image, torch.zeros(2), TensorImage(torch.zeros(1)), "text", None):
        emit(logger, "x", thing)
    emit(logger, "y", {"a": 1.0, "b": torch.zeros(3)})
    assert [row["class"] for row in rows_of(logger.path)] == [""]
    assert [row["metric"] for row in rows_of(logger.path)] == ["y/a"]


def test_a_log_is_continued_under_its_one_header(tmp_path):
    for value in (0.5, 0.75):
        emit(MetricsCSVLogger(tmp_path / "log.csv"), f"mIoU_all/{EVAL}", value)
    assert (tmp_path / "log.csv").read_text().count("time") == 1
    assert [row["value"] for row in rows_of(tmp_path / "log.csv")] == ["0.5", "0.75"]


def test_a_line_cut_short_does_not_spoil_the_next(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "2026-01-01T00:00:00.000+00:00,5,eval,te")
    emit(MetricsCSVLogger(path), f"mIoU_all/{EVAL}", 0.5)
    cut, whole = rows_of(path)
    assert (cut["stream"], cut["value"]) == ("te", None)
    assert (whole["stream"], whole["value"]) == ("test", "0.5")


def test_lines_are_on_the_disk_at_once(tmp_path):
    logger = MetricsCSVLogger(tmp_path / "log.csv")
    for n in range(3):
        emit(logger, "x", n)
        assert len(rows_of(logger.path)) == n + 1


def test_a_file_of_something_else_is_kept_and_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"mine.csv begins with 'a,b'; expected the columns time,"):
        MetricsCSVLogger(path)
    assert path.read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("name", ["=1+1", "+x", "-5 cats", "@SUM(A1)", "\t=x", " =x"], ids=ascii)
def test_no_name_is_a_formula_for_a_spreadsheet(tmp_path, name):
    emit(MetricsCSVLogger(tmp_path / "log.csv"), f"IoU/{EVAL}/{name}", 0.5)
    (row,) = rows_of(tmp_path / "log.csv")
    assert row["class"] == f"'{name}" and row["value"] == "0.5"


@pytest.mark.parametrize("name", ["two\nlines", 'a,"b"', "$x_$", "<b>", "'", "y" * 3000], ids=len)
def test_names_are_kept_letter_by_letter(tmp_path, name):
    emit(MetricsCSVLogger(tmp_path / "log.csv"), f"IoU/{EVAL}/{name}", 0.5)
    (row,) = rows_of(tmp_path / "log.csv")
    assert (row["metric"], row["class"], row["step"]) == ("IoU", name, "1")
