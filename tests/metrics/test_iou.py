import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.metrics import (
    class_accuracy,
    class_groups,
    class_iou,
    confusion_matrix,
    forgetting,
    pixel_accuracy,
    protocol_means,
)
from avalanche_seg.metrics.iou import harmonic_mean, mean_present

VOID = 255

# Background, a and b are of step 0; c and d are learned later; d is predicted but never true.
MATRIX = torch.tensor(
    [
        [6, 1, 0, 1, 2],
        [1, 3, 0, 0, 0],
        [0, 0, 2, 2, 0],
        [1, 0, 0, 4, 1],
        [0, 0, 0, 0, 0],
    ]
)
BACKGROUND, A, B, C = 6 / 12, 3 / 5, 2 / 4, 4 / 9


def mean(*values):
    return sum(values) / len(values)


def test_iou_by_hand():
    iou = class_iou(MATRIX)
    assert iou.dtype == torch.float64
    assert iou.tolist() == pytest.approx([BACKGROUND, A, B, C, math.nan], nan_ok=True)


def test_iou_of_label_maps_with_void_and_an_unseen_class():
    truth = torch.tensor([[[0, 0, 1, 1], [1, VOID, 3, 0]]])  # 3 has no channel yet; 2 is absent.
    guess = torch.tensor([[[0, 1, 1, 1], [0, 1, 1, 0]]])
    iou = class_iou(confusion_matrix(guess, truth, 3))
    # Background: 2 hits, 1 miss, 1 false alarm; class 1: the same. Void and unseen do not count.
    assert iou.tolist() == pytest.approx([2 / 4, 2 / 4, math.nan], nan_ok=True)
    assert mean_present(iou, [0, 1, 2]) == 0.5


def test_false_positives_of_an_absent_class_lower_the_others():
    right = MATRIX.clone()  # What was called d gets its true name.
    for channel in (0, 3):
        right[channel, channel] += right[channel, 4]
    right[:, 4] = 0
    assert class_iou(right).tolist() == pytest.approx([8 / 12, A, B, 5 / 9, math.nan], nan_ok=True)
    assert class_iou(MATRIX)[4].isnan(), "never counted as 0"
    assert protocol_means(MATRIX, 3)["mIoU_new"] == pytest.approx(4 / 9)
    assert protocol_means(right, 3)["mIoU_new"] == pytest.approx(5 / 9)


CONVENTIONS = {
    "mIoU_old": mean(A, B),
    "mIoU_new": C,
    "mIoU_all": mean(A, B, C),
    "mIoU_old_bg": mean(BACKGROUND, A, B),
    "mIoU_new_bg": mean(BACKGROUND, C),
    "mIoU_all_bg": mean(BACKGROUND, A, B, C),
    "mIoU_harmonic": 2 / (1 / mean(A, B) + 1 / C),
    "pixel_accuracy": 15 / 24,
    "mean_class_accuracy": mean(6 / 10, 3 / 4, 2 / 4, 4 / 6),
}


def test_every_convention_by_hand():
    assert protocol_means(MATRIX, 3) == pytest.approx(CONVENTIONS)


def test_at_step_0_there_is_nothing_new():
    means = protocol_means(MATRIX[:3, :3], 3)
    assert means["mIoU_all"] == means["mIoU_old"]
    assert means["mIoU_all_bg"] == means["mIoU_old_bg"]
    assert all(math.isnan(means[name]) for name in ("mIoU_new", "mIoU_new_bg", "mIoU_harmonic"))


def test_the_background_alone_is_no_group():
    only_background = torch.tensor([[5, 1], [0, 0]])
    means = protocol_means(only_background, 2)
    assert all(math.isnan(value) for name, value in means.items() if "mIoU" in name)
    assert means["pixel_accuracy"] == means["mean_class_accuracy"] == 5 / 6


@pytest.mark.parametrize("size", [0, 3])
def test_no_pixel_gives_no_mean(size):
    means = protocol_means(torch.zeros(size, size, dtype=torch.int64), 2)
    assert all(math.isnan(value) for value in means.values())


def test_groups_by_hand():
    assert class_groups(3, 5) == {
        "old": [1, 2],
        "new": [3, 4],
        "all": [1, 2, 3, 4],
        "old_bg": [0, 1, 2],
        "new_bg": [0, 3, 4],
        "all_bg": [0, 1, 2, 3, 4],
    }
    assert class_groups(5, 5)["new_bg"] == []
    assert class_groups(256, 3)["old"] == [1, 2]


def test_without_a_background_the_first_channel_counts():
    groups = class_groups(3, 3, has_background=False)
    assert (groups["old"], groups["new"], groups["all"]) == ([0, 1, 2], [], [0, 1, 2])
    assert groups["all_bg"] == groups["old_bg"] == []
    means = protocol_means(MATRIX[:3, :3], 3, has_background=False)
    assert means["mIoU_all"] == pytest.approx(class_iou(MATRIX[:3, :3]).nanmean().item())
    assert math.isnan(means["mIoU_all_bg"]) and math.isnan(means["mIoU_new"])


def test_class_accuracy_and_pixel_accuracy():
    accuracy = class_accuracy(MATRIX).tolist()
    assert accuracy == pytest.approx([0.6, 0.75, 0.5, 4 / 6, math.nan], nan_ok=True)
    assert pixel_accuracy(MATRIX) == 15 / 24
    assert math.isnan(pixel_accuracy(torch.zeros(2, 2, dtype=torch.int64)))


def test_mean_present():
    values = torch.tensor([0.25, math.nan, 0.75])
    assert mean_present(values, [0, 1, 2]) == 0.5
    assert math.isnan(mean_present(values, [1]))
    assert math.isnan(mean_present(values, []))


def test_harmonic_mean():
    assert harmonic_mean(0.5, 1.0) == pytest.approx(2 / 3)
    assert harmonic_mean(0.0, 0.0) == harmonic_mean(0.0, 0.5) == 0.0
    assert math.isnan(harmonic_mean(math.nan, 0.5))
    assert math.isnan(harmonic_mean(0.5, math.nan))


def test_forgetting_is_the_best_earlier_value_minus_the_last():
    steps = [
        {"a": 0.9, "b": 0.2},
        {"a": 0.8, "b": 0.3, "c": 0.6},
        {"a": 0.1, "b": 0.4, "c": 0.6},
    ]
    assert forgetting(steps) == pytest.approx({"a": 0.8, "b": -0.1, "c": 0.0})


def test_forgetting_leaves_out_what_cannot_be_compared():
    steps = [{"a": 0.5, "absent": math.nan, "gone": 0.5}, {"a": math.nan, "absent": 0.5}]
    final = {"a": 0.25, "absent": 0.5, "gone": math.nan, "last step": 0.5}
    assert forgetting([*steps, final]) == {"a": 0.25, "absent": 0.0}
    assert forgetting([final]) == {}
    assert forgetting([]) == {}


matrices = st.integers(1, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(0, 20), min_size=n, max_size=n), min_size=n, max_size=n
    ).map(torch.tensor)
)


@given(matrices)
def test_measures_lie_between_0_and_1(matrix):
    iou, accuracy = class_iou(matrix), class_accuracy(matrix)
    present = matrix.sum(dim=1) > 0
    assert torch.equal(~iou.isnan(), present)
    assert torch.equal(~accuracy.isnan(), present)
    assert ((iou[present] >= 0) & (iou[present] <= accuracy[present])).all()
    assert (accuracy[present] <= 1).all()
    assert all(math.isnan(v) or 0 <= v <= 1 for v in protocol_means(matrix, 2).values())


@given(matrices, st.randoms(use_true_random=False))
def test_the_order_of_classes_makes_no_difference(matrix, random):
    order = list(range(len(matrix)))
    random.shuffle(order)
    permuted = class_iou(matrix[order][:, order])
    assert torch.equal(permuted.nan_to_num(-1), class_iou(matrix)[order].nan_to_num(-1))
