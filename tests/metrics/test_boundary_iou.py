"""Boundary IoU against the definition, pixel by pixel."""

import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.metrics import BoundaryIoU, boundary_iou, class_groups
from avalanche_seg.metrics.boundary_iou import boundary_counts
from avalanche_seg.system import rank
from tests.distributed import in_processes, save

VOID = 255


def naive_boundary(labels, channel, width):
    """The pixels of a class with a pixel that is not within reach, off the image included."""
    height, columns = len(labels), len(labels[0])
    reach = range(-width, width + 1)

    def inside(y, x):
        return 0 <= y < height and 0 <= x < columns and labels[y][x] == channel

    return {
        (y, x)
        for y in range(height)
        for x in range(columns)
        if inside(y, x) and not all(inside(y + dy, x + dx) for dy in reach for dx in reach)
    }


def naive_counts(prediction, target, n_classes, width):
    truth = [[t if 0 <= t < n_classes else -1 for t in row] for row in target]
    guess = [
        [p if t >= 0 else -1 for p, t in zip(*rows, strict=True)]
        for rows in zip(prediction, truth, strict=True)
    ]
    counts = []
    for channel in range(n_classes):
        ours, theirs = (naive_boundary(labels, channel, width) for labels in (truth, guess))
        counts.append((len(ours & theirs), len(ours | theirs), len(ours)))
    return [list(column) for column in zip(*counts, strict=True)]


def maps(seed, n_classes, shape=(9, 11)):
    """Blocks of labels, so that masks have an inside, with some void."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = -(-shape[0] // 4), -(-shape[1] // 4)
    blocks = torch.randint(n_classes + 1, (2, rows, columns), generator=generator)
    labels = blocks.repeat_interleave(4, 1).repeat_interleave(4, 2)[:, : shape[0], : shape[1]]
    prediction, target = labels
    return prediction % n_classes, target.masked_fill(target == n_classes, VOID)


def batch(prediction, target, n_classes):
    return SimpleNamespace(prediction=prediction, target=target, n_classes=n_classes)


@given(seed=st.integers(0, 999), n_classes=st.integers(1, 4), width=st.integers(1, 3))
def test_counts_are_those_of_the_definition(seed, n_classes, width):
    prediction, target = maps(seed, n_classes)
    counts = boundary_counts(prediction, target, n_classes, width=width)
    assert counts.dtype == torch.int64
    assert counts.tolist() == naive_counts(prediction.tolist(), target.tolist(), n_classes, width)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_labels_may_be_of_any_integer_type(dtype):
    prediction, target = maps(1, 3)
    counts = boundary_counts(prediction.to(dtype), target.to(dtype), 3, width=2)
    assert counts.tolist() == naive_counts(prediction.tolist(), target.tolist(), 3, 2)


def halves(folder):
    """Each process sees one of two images, of other classes."""
    metric = BoundaryIoU()
    n_classes = 3 + rank()
    prediction, target = maps(rank(), n_classes)
    metric.update(batch(prediction[None], target[None], n_classes))
    metric.all_reduce()
    save(folder / "values", metric.compute(class_groups(2, 4)))


def test_processes_measure_what_one_does(tmp_path):
    in_processes(halves, 2, tmp_path)
    alone = BoundaryIoU()
    for seed, n_classes in enumerate((3, 4)):
        prediction, target = maps(seed, n_classes)
        alone.update(batch(prediction[None], target[None], n_classes))
    expected = alone.compute(class_groups(2, 4))
    for number in (0, 1):
        assert torch.load(tmp_path / f"values.{number}") == expected


def test_an_image_of_void_counts_nothing():
    void = torch.full((4, 4), VOID)
    assert boundary_counts(torch.zeros_like(void), void, 2, width=1).sum() == 0


def test_values_are_summed_over_images_and_averaged_over_groups():
    metric = BoundaryIoU(ratio=0.1)
    pairs = [maps(seed, 4, shape=(16, 20)) for seed in range(3)]
    width = round(0.1 * math.hypot(16, 20))
    for prediction, target in pairs[:2]:
        metric.update(batch(prediction[None], target[None], 4))
    metric.update(batch(pairs[2][0][None], pairs[2][1][None], 4))
    metric.all_reduce()
    sums = torch.tensor([naive_counts(p.tolist(), t.tolist(), 4, width) for p, t in pairs]).sum(
        dim=0
    )
    iou = (sums[0] / sums[1]).tolist()
    values = metric.compute(class_groups(2, 4))
    assert values["boundary_IoU_old"] == pytest.approx(iou[1])
    assert values["boundary_IoU_all_bg"] == pytest.approx(sum(iou) / 4)
    assert set(values) == {
        f"boundary_IoU_{group}{bg}" for group in ("old", "new", "all") for bg in ("", "_bg")
    }


def test_the_boundary_is_two_percent_of_the_diagonal_wide_and_one_pixel_at_least():
    seen = []
    for height, width in ((6, 8), (120, 160)):  # Diagonals of 10 and 200 pixels.
        target = torch.zeros(1, height, width, dtype=torch.int64)
        metric = BoundaryIoU()
        metric.update(batch(target, target, 1))
        inside = height * width - int(metric._counts[2, 0])
        seen.append(inside)
    assert seen == [(6 - 2) * (8 - 2), (120 - 8) * (160 - 8)]


def test_a_class_without_ground_truth_has_no_value_and_reset_forgets():
    metric = BoundaryIoU()
    truth = torch.zeros(1, 4, 4, dtype=torch.int64)
    metric.update(batch(torch.ones_like(truth), truth, 2))
    values = metric.compute({"zero": [0], "one": [1]})
    assert values["boundary_IoU_zero"] == 0 and math.isnan(values["boundary_IoU_one"])
    metric.reset()
    assert math.isnan(metric.compute({"zero": [0]})["boundary_IoU_zero"])


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan])
def test_a_bad_ratio_is_refused(ratio):
    with pytest.raises(ValueError, match="expected a share of the diagonal above 0"):
        BoundaryIoU(ratio=ratio)


@pytest.mark.parametrize("at_once", [1, 300, 1 << 25])
def test_many_classes_together_as_on_devices_give_the_same(at_once, monkeypatch):
    prediction, target = maps(3, 7)
    expected = boundary_counts(prediction, target, 7, width=2)
    monkeypatch.setattr(boundary_iou, "_AT_ONCE", at_once)
    monkeypatch.setattr(
        boundary_iou, "_spans", lambda truth, _, n: boundary_iou._all_spans(truth.numel(), n)
    )
    assert boundary_counts(prediction, target, 7, width=2).equal(expected)
    assert expected.sum() > 0
