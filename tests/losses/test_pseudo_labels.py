"""Thresholds of the published code branch by branch, of the paper against sorted scores."""

import math

import pytest
import torch

from avalanche_seg.losses import (
    class_thresholds,
    count_scores,
    entropy_score,
    pseudo_labels,
    score_histograms,
)
from tests.losses.batches import random_labels


@pytest.mark.parametrize(
    ("n_old", "n_classes", "most"),
    [(16, 21, 0.0205), (16, 17, 0.0221), (11, 12, 0.0366), (101, 151, 0.0020)],
)
def test_the_codes_score_is_small(n_old, n_classes, most):
    """VOC 15-5, 15-1, 10-1; ADE20K 100-50."""
    entropy = torch.tensor(math.log(n_old), dtype=torch.float64)
    sizes = {"n_old": n_old, "n_classes": n_classes}
    assert entropy_score(entropy, **sizes, rule="paper").item() == pytest.approx(1)
    assert entropy_score(entropy, **sizes, rule="code").item() == pytest.approx(most, abs=5e-5)


def code(*counts):
    histogram = score_histograms(1, rule="code")
    histogram[0, : len(counts)] = torch.tensor(counts)
    return class_thresholds(histogram, rule="code").item()


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((100,), 0.005),  # Bin 0 holds all: 0.01 x 50 / 100.
        ((50, 50), 0.01),  # Half exactly: 0.01 x 50 / 50.
        ((49, 51), 0.01 + 50 / 51 / 100),  # Bin 1 tested alone: nothing was counted before it.
        ((60, 40), 0.01 * 50 / 60),
        ((20, 20, 60), 0.02 + (50 - 1) / 60 / 100),  # Bin 2 after a count of 1.
        ((30, 30, 30, 47), 0.001),  # Half = 68.5 is above 3 + 47 too: no hit, -inf.
        ((0, 0, 0, 10), 0.03 + (5 - 3) / 10 / 100),  # Bin 3 after 0 + 1 + 2.
        ((0, 0, 0, 0, 2), 0.001),  # Half = 1 was passed at bin 3: no hit, -inf.
        ((4950, 4950, 1), math.inf),  # No hit and half = 4950.5 > 4950: every pixel is accepted.
        ((3300, 3300, 3300), 0.001),  # No hit and half = 4950.
        ((0, 0, 0, 2), 0.001),  # Half = 1 is met by empty bin 2, where the code has 0 / 0.
        ((), 0.001),  # Never predicted.
    ],
)
def test_the_codes_thresholds_branch_by_branch(counts, expected):
    assert code(*counts) == pytest.approx(max(expected, 0.001))


def test_ades_scores_are_always_accepted():
    """All in bin 0, so the threshold is .005, above any score."""
    scores = entropy_score(torch.rand(1000) * math.log(101), n_old=101, n_classes=151, rule="code")
    histograms = score_histograms(101, rule="code")
    count_scores(histograms, torch.zeros(1000, dtype=torch.long), scores, rule="code")
    assert class_thresholds(histograms, rule="code")[0] > scores.max()


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-4])
def test_the_papers_threshold_is_the_median_of_every_class(scale):
    generator = torch.Generator().manual_seed(0)
    scores = scale * torch.rand(5001, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 3, (5001,), generator=generator)
    histograms = score_histograms(4, rule="paper")
    for part in range(2):  # Batch by batch.
        count_scores(histograms, labels[part::2], scores[part::2], rule="paper")
    assert histograms.sum() == 5001
    found = class_thresholds(histograms, rule="paper", least=1e-9)
    for c in range(3):
        median = scores[labels == c].median()
        assert found[c].item() == pytest.approx(median.item(), rel=1.1e-3)
        accepted = (scores[labels == c] < found[c]).double().mean()
        assert accepted.item() == pytest.approx(0.5, abs=0.01)
    assert found[3] == 1e-9


def test_scores_at_the_ends_have_a_bin():
    for rule in ("code", "paper"):
        histograms = score_histograms(1, rule=rule)
        ends = torch.tensor([0.0, 1.0, 1.0 + 1e-6])
        count_scores(histograms, torch.zeros(3, dtype=torch.long), ends, rule=rule)
        assert (histograms[0, 0], histograms[0, -1]) == (1, 2)


@pytest.mark.parametrize("rule", ["code", "paper"])
def test_only_what_counts_is_counted(rule):
    generator = torch.Generator().manual_seed(0)
    labels, scores = torch.randint(3, (2, 8, 9), generator=generator), torch.rand(2, 8, 9)
    counted = torch.rand(2, 8, 9, generator=generator) < 0.4
    ours, picked = score_histograms(3, rule=rule), score_histograms(3, rule=rule)
    count_scores(ours, labels, scores, rule=rule, counted=counted)
    count_scores(picked, labels[counted], scores[counted], rule=rule)
    assert ours.equal(picked) and ours.sum() == counted.sum()


def test_labels_and_weights_pixel_by_pixel():
    n_old = 3
    target = random_labels(5, (6, 7), batch=3)
    target[2] = 4  # No background: the published code weighs the image 0.
    generator = torch.Generator().manual_seed(3)
    predicted = torch.randint(0, n_old, target.shape, generator=generator)
    scores = torch.rand(target.shape, generator=generator, dtype=torch.float64)
    thresholds = torch.tensor([0.3, math.inf, 0.001], dtype=torch.float64)
    found = pseudo_labels(target, predicted, scores, thresholds, n_old=n_old)
    for b in range(3):
        accepted = background = 0
        for y in range(6):
            for x in range(7):
                label, c = int(target[b, y, x]), int(predicted[b, y, x])
                wanted = label
                if label < n_old:
                    background += 1
                    sure = float(scores[b, y, x]) < float(thresholds[c])
                    accepted += sure
                    wanted = c if sure else 255
                assert found.target[b, y, x] == wanted
        assert found.weight[b].item() == pytest.approx(accepted / (background + 1e-6))
    assert found.weight[2] == 0


def test_an_unknown_rule_lists_the_known_ones():
    with pytest.raises(
        ValueError, match="threshold='mean' is unknown; expected one of code, paper"
    ):
        score_histograms(3, rule="mean")
