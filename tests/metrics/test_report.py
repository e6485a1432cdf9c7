import json
import math

import pytest
import torch

from avalanche_seg.metrics import RunReport, StepReport

NAMES = ("background", "a", "b", "c")
ABSENT = math.nan


def matrix_of(*rates):
    """Ten pixels of every class, this share of them found and the rest called background."""
    matrix = torch.zeros(len(rates), len(rates), dtype=torch.int64)
    for channel, rate in enumerate(rates):
        if not math.isnan(rate):
            found = round(10 * rate)
            matrix[channel, 0] += 10 - found
            matrix[channel, channel] += found
    return matrix


def run_of(*steps, n_base=3):
    report = RunReport()
    for step, matrix in enumerate(steps):
        report.add(StepReport(step, matrix, NAMES, n_base=n_base))
    return report


def published(report):
    """What a reader of the JSON file gets; NaN is not JSON."""
    return json.loads(json.dumps(report.as_dict(), allow_nan=False))


def test_a_step_by_hand():
    # Background 10 found; a 8 of 10, b 5 of 10: 7 false alarms of the background.
    step = StepReport(0, matrix_of(1.0, 0.8, 0.5), NAMES, n_base=3)
    assert step.iou == pytest.approx({"background": 10 / 17, "a": 0.8, "b": 0.5})
    assert step.accuracy == pytest.approx({"background": 1.0, "a": 0.8, "b": 0.5})
    assert step.means["mIoU_all"] == pytest.approx(0.65)
    plain = published(step)
    assert plain["step"] == 0
    assert plain["iou"] == step.iou
    assert plain["means"]["mIoU_old_bg"] == pytest.approx((10 / 17 + 1.3) / 3)
    assert plain["means"]["mIoU_new"] is None
    assert plain["confusion_matrix"] == [[10, 0, 0], [2, 8, 0], [5, 0, 5]]


def test_a_class_absent_from_the_ground_truth_is_none():
    plain = published(StepReport(1, matrix_of(1.0, 0.8, ABSENT, 0.5), NAMES, n_base=3))
    assert plain["iou"]["b"] is None
    assert plain["accuracy"]["b"] is None
    assert plain["means"]["mIoU_old"] == 0.8


def test_fewer_names_than_channels_is_an_error():
    with pytest.raises(ValueError):
        StepReport(0, matrix_of(1.0, 1.0, 1.0), NAMES[:2], n_base=3)


def test_the_average_is_over_steps():
    report = run_of(matrix_of(1.0, 0.8, 0.6), matrix_of(1.0, 0.4, 0.2, 0.9))
    assert report.average["mIoU_all_avg"] == pytest.approx((0.7 + 0.5) / 2)
    backgrounds = [10 / (10 + 2 + 4), 10 / (10 + 6 + 8 + 1)]
    with_background = [(backgrounds[0] + 1.4) / 3, (backgrounds[1] + 1.5) / 4]
    assert report.average["mIoU_all_bg_avg"] == pytest.approx(sum(with_background) / 2)


def test_mean_forgetting_leaves_the_background_out():
    report = run_of(matrix_of(1.0, 0.8, 0.6), matrix_of(1.0, 0.4, 0.5, 0.9))
    plain = published(report)
    assert plain["forgetting"]["background"] == pytest.approx(10 / 16 - 10 / 22)
    assert plain["forgetting"]["a"] == pytest.approx(0.4)
    assert plain["forgetting"]["b"] == pytest.approx(0.1)
    assert "c" not in plain["forgetting"]
    assert plain["mean_forgetting"] == pytest.approx(0.25)


def test_mean_forgetting_when_the_background_is_absent():
    report = run_of(matrix_of(ABSENT, 0.8, 0.6), matrix_of(ABSENT, 0.4, 0.5, 0.9))
    assert "background" not in report.forgetting
    assert published(report)["mean_forgetting"] == pytest.approx(0.25)


def test_after_the_first_step_nothing_is_forgotten():
    plain = published(run_of(matrix_of(1.0, 0.8, 0.6)))
    assert plain["forgetting"] == {}
    assert plain["mean_forgetting"] is None
    assert plain["average_over_steps"]["mIoU_all_avg"] == pytest.approx(0.7)


def test_an_empty_run():
    assert published(RunReport()) == {
        "steps": [],
        "average_over_steps": {"mIoU_all_avg": None, "mIoU_all_bg_avg": None},
        "forgetting": {},
        "mean_forgetting": None,
    }


def test_a_run_publishes_every_step():
    plain = published(run_of(matrix_of(1.0, 0.8, 0.6), matrix_of(1.0, 0.4, 0.2, 0.9)))
    assert [step["step"] for step in plain["steps"]] == [0, 1]
    assert list(plain["steps"][1]["iou"]) == list(NAMES)


def test_extra_values_and_ids_survive_a_checkpoint_and_reach_json():
    report = RunReport()
    extra = {"sharpness": 0.25, "undefined": ABSENT}
    matrix = matrix_of(1.0, 0.8, 0.5)
    report.add(StepReport(0, matrix, NAMES, n_base=3, extra=extra, class_ids=(0, 9, 4, 2)))
    resumed = RunReport()
    resumed.load_state_dict(report.state_dict())
    assert published(resumed) == published(report)
    (step,) = published(resumed)["steps"]
    assert step["class_ids"] == [0, 9, 4]
    assert step["means"]["sharpness"] == 0.25 and step["means"]["undefined"] is None
    assert step["means"]["mIoU_old"] == pytest.approx(0.65)


def test_an_extra_value_may_not_hide_a_mean():
    with pytest.raises(ValueError, match="'mIoU_old'"):
        StepReport(0, matrix_of(1.0, 0.8), NAMES, n_base=2, extra={"mIoU_old": 1.0})
