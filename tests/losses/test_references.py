"""The references are checked by hand where a sum of one or two terms can be."""

import math

import pytest

from tests.losses import references


def test_log_sum_exp_and_softmax_survive_large_scores():
    assert references.log_sum_exp([1000.0, 1000.0]) == pytest.approx(1000 + math.log(2))
    assert references.softmax([1000.0, 1000.0, -1000.0]) == pytest.approx([0.5, 0.5, 0.0])


def test_pixel_losses_by_hand():
    z = [math.log(p) for p in (0.1, 0.2, 0.3, 0.4)]
    even = [0.0, 0.0]
    assert references.cross_entropy(z, 2) == pytest.approx(-math.log(0.3))
    assert references.unbiased_cross_entropy(z, 1, 2) == pytest.approx(-math.log(0.3))
    assert references.unbiased_cross_entropy(z, 3, 2) == pytest.approx(-math.log(0.4))
    # KD: the old classes alone, 1/3 and 2/3; UNKD: background and new classes 0.8, old class 0.2.
    kd = -(math.log(1 / 3) + math.log(2 / 3)) / 4
    unkd = -(math.log(0.8) + math.log(0.2)) / 4
    assert references.distillation(z, even) == pytest.approx(kd)
    assert references.unbiased_distillation(z, even) == pytest.approx(unkd)


def test_resize_by_hand():
    assert references.resize([[0.0, 4.0]], 1, 4) == [[0.0, 1.0, 3.0, 4.0]]
    assert references.resize([[0.0, 4.0, 8.0, 12.0]], 1, 2) == [[2.0, 10.0]]
    assert references.resize([[3.0]], 2, 2) == [[3.0, 3.0], [3.0, 3.0]]


def test_reductions_by_hand():
    losses, valid = [1.0, 0.0, 5.0, 0.0], [True, False, True, False]
    assert references.reduced(losses, "mean_all", valid) == 1.5
    assert references.reduced(losses, "mean", valid) == 3.0
    assert references.reduced(losses, "sum", valid) == 6.0
    assert references.reduced([0.0], "mean", [False]) == 0.0
