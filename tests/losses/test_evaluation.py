import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.kernels import predicted_labels
from avalanche_seg.losses import CrossEntropy, cross_entropy
from avalanche_seg.losses.evaluation import cross_entropy_and_labels
from tests.losses.batches import VOID


def problem(n_channels, low, size, *, scale=3.0, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(2, n_channels, *low, generator=generator, dtype=dtype)
    target = torch.randint(n_channels, (2, *size), generator=generator)
    return logits, target.masked_fill(torch.rand(target.shape, generator=generator) < 0.2, VOID)


@pytest.mark.parametrize("scale", [3.0, 80.0, 400.0])
@pytest.mark.parametrize("reduction", ["mean", "mean_all", "sum", "none"])
def test_equals_a_naive_loss_and_argmax(scale, reduction):
    logits, target = problem(21, (5, 7), (33, 46), scale=scale)
    loss, labels = cross_entropy_and_labels(logits, target, reduction=reduction)
    full = F.interpolate(logits.double(), (33, 46), mode="bilinear", align_corners=False)
    naive = F.cross_entropy(full, target, ignore_index=VOID, reduction="none")
    expected = {
        "mean_all": naive.mean(),
        "mean": naive.sum() / (target != VOID).sum(),
        "sum": naive.sum(),
        "none": naive,
    }[reduction]
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-5 * scale)
    assert labels.dtype == torch.int64
    assert (labels != full.argmax(dim=1)).sum() <= 1  # Where two scores are all but equal.


def test_scores_without_a_maximum_subtracted_stay_exact_where_the_loss_is_small():
    logits, _ = problem(21, (5, 7), (33, 46), scale=8.0)
    assert 25 < logits.abs().max() < 40  # As large as goes without.
    full = F.interpolate(logits.double(), (33, 46), mode="bilinear", align_corners=False)
    target = full.argmax(dim=1)
    loss, _ = cross_entropy_and_labels(logits, target)
    torch.testing.assert_close(loss.double(), F.cross_entropy(full, target), rtol=1e-5, atol=0.0)


@given(
    n_channels=st.integers(1, 30),
    low=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 99),
)
def test_agrees_with_the_loss_and_the_prediction_one_by_one(n_channels, low, size, seed):
    logits, target = problem(n_channels, low, size, seed=seed, dtype=torch.float64)
    loss, labels = cross_entropy_and_labels(logits, target)
    torch.testing.assert_close(loss, cross_entropy(logits, target))
    assert labels.equal(predicted_labels(logits, size))


def test_void_pixels_cost_nothing_whatever_their_scores():
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, 0, 0, 1] = torch.inf
    loss, labels = cross_entropy_and_labels(logits, torch.tensor([[[0, VOID]]]), reduction="sum")
    assert loss.item() == pytest.approx(0.6931, abs=1e-4)
    assert labels[0, 0, 0] == 0


def test_half_precision_logits_get_a_float32_loss():
    logits, target = problem(5, (4, 4), (8, 8))
    loss, _ = cross_entropy_and_labels(logits.bfloat16(), target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, cross_entropy(logits.bfloat16(), target))


def test_has_no_gradient_and_leaves_the_logits_as_they_are():
    logits, target = problem(5, (8, 8), (8, 8))  # No resize: the tiles are the logits.
    before = logits.clone()
    loss, _ = cross_entropy_and_labels(logits.requires_grad_(), target)
    assert not loss.requires_grad
    assert logits.equal(before)


def test_many_tiles_make_no_difference(set_tile_bytes):
    logits, target = problem(7, (5, 6), (31, 23))
    loss, labels = cross_entropy_and_labels(logits, target)
    for budget in (1, 7 * 4 * 50):
        set_tile_bytes(budget)
        other, same = cross_entropy_and_labels(logits, target)
        torch.testing.assert_close(other, loss)
        assert same.equal(labels)


def test_the_module_passes_its_options_on():
    logits, target = problem(5, (4, 4), (8, 8))
    target[target == VOID] = 4
    criterion = CrossEntropy(ignore_index=4, reduction="sum")
    loss, labels = criterion.with_labels(logits, target)
    torch.testing.assert_close(loss, criterion(logits, target))
    assert labels.equal(predicted_labels(logits, (8, 8)))


def test_bad_shapes_and_reductions_are_refused():
    logits, target = problem(5, (4, 4), (8, 8))
    with pytest.raises(ValueError, match="expected B x C x h x w"):
        cross_entropy_and_labels(logits, target[0])
    with pytest.raises(ValueError, match="reduction='max'"):
        cross_entropy_and_labels(logits, target, reduction="max")
