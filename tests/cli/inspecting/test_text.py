"""The report as text."""

from dataclasses import replace

import numpy as np
import pytest

from avalanche_seg.benchmarks import Finding, StepCounts, check_data
from avalanche_seg.cli.inspecting.text import report_text, shares_of_pixels


@pytest.fixture
def report(devkit):
    return check_data(devkit, tasks=["2-1"], progress=False)


def test_the_table_of_classes_holds_the_counts_of_the_masks(report):
    lines = report_text(report).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(" id  class"))
    table = [line.split() for line in lines[start + 1 : start + 7]]
    assert [row[:2] for row in table] == [
        ["0", "background"],
        ["1", "ant"],
        ["2", "bee"],
        ["3", "cricket"],
        ["4", "drone"],
        ["255", "void"],
    ]
    counts = report.train.statistics.counts
    for row, value in zip(table, (0, 1, 2, 3, 4, 255), strict=True):
        assert int(row[2]) == (counts[:, value] > 0).sum()
        assert float(row[3]) == pytest.approx(
            100 * counts[:, value].sum() / counts.sum(), abs=0.005
        )
    assert len({len(line) for line in lines[start : start + 7]}) == 1  # Aligned.


def test_settings_that_give_the_same_images_share_a_line(report):
    text = report_text(report)
    assert "2-1   disjoint, sequential  2 1 1        3 2 4            2 3 4" in text
    assert "2-1   overlapped            2 1 1        6 4 4            2 3 4" in text


def test_many_steps_and_many_findings_are_cut_short(report):
    steps = StepCounts("1-1", "disjoint", (1,) * 30, tuple(range(30, 0, -1)), (9,) * 30)
    findings = tuple(Finding("error", f"file {i}") for i in range(1234))
    text = report_text(replace(report, steps=(steps,), findings=findings))
    assert "30 29 28 27 26 25 24 23 22 21 ... 1 (30 steps, the least 1)" in text
    assert "error: file 9\nerror: ... and 1,224 more" in text
    assert text.endswith("1,234 errors stop a training")


def test_the_last_line_says_whether_a_training_would_start(report):
    assert report_text(replace(report, findings=())).endswith("nothing stops a training")
    one = (Finding("error", "broken"), Finding("note", "odd"))
    assert report_text(replace(report, findings=one)).endswith(
        "error: broken\nnote: odd\n1 error stops a training"
    )


def test_shares_sum_to_one_and_an_unlabelled_0_counts_as_void(report):
    shares = shares_of_pixels(report.train)
    assert shares.sum() == pytest.approx(1)
    files = replace(report.files, zero_is="unlabelled")
    unlabelled = 100 * shares[[0, 255]].sum()
    assert f"{unlabelled:.2f} %" in report_text(replace(report, files=files))
    empty = replace(
        report.train,
        statistics=report.train.statistics._replace(counts=np.zeros((10, 256), np.int64)),
    )
    assert shares_of_pixels(empty).sum() == 0
