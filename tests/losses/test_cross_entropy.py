from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from avalanche_seg.losses import cross_entropy, unbiased_cross_entropy
from tests.losses import references
from tests.losses.batches import VOID, random_labels, random_logits

REDUCTIONS = ["mean", "mean_all", "sum", "none"]

# (C, K): K None is the plain cross entropy.
CASES = {
    "plain": (5, None),
    "one new class": (5, 4),
    "many new classes": (7, 2),
    "K=1": (4, 1),
    "K=C": (4, 4),
}
each_case = pytest.mark.parametrize(("n_channels", "n_old"), CASES.values(), ids=CASES)
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def loss_of(n_old):
    return cross_entropy if n_old is None else partial(unbiased_cross_entropy, n_old=n_old)


def naive(logits, labels, n_old, reduction, ignore_index=VOID):
    pixel_loss = references.cross_entropy
    if n_old is not None:
        pixel_loss = partial(references.unbiased_cross_entropy, n_old=n_old)
    losses = references.label_loss_map(
        logits.tolist(), labels.tolist(), pixel_loss, ignore_index=ignore_index
    )
    valid = (labels != ignore_index).flatten().tolist()
    value = torch.tensor(references.reduced(losses, reduction, valid), dtype=torch.float64)
    return value.view(labels.shape) if reduction == "none" else value


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_dtype(n_channels, n_old, dtype):
    logits, labels = random_logits(n_channels).to(dtype), random_labels(n_channels)
    for reduction in REDUCTIONS:
        loss = loss_of(n_old)(logits, labels, reduction=reduction)
        assert loss.shape == (labels.shape if reduction == "none" else ())
        assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert (loss >= 0).all()


@each_case
@each_reduction
@pytest.mark.parametrize("size", [(3, 4), (5, 9), (2, 2)], ids=["fits", "upsampled", "downsampled"])
def test_agrees_with_the_naive_reference(n_channels, n_old, reduction, size):
    logits, labels = random_logits(n_channels), random_labels(n_channels, size)
    loss = loss_of(n_old)(logits, labels, reduction=reduction)
    torch.testing.assert_close(loss, naive(logits, labels, n_old, reduction))


@given(data=st.data())
def test_agrees_with_the_naive_reference_on_any_shape(data):
    n_channels = data.draw(st.integers(1, 6))
    n_old = data.draw(st.none() | st.integers(1, n_channels))
    batch, *size = data.draw(st.tuples(*3 * [st.integers(1, 4)]))
    stride = data.draw(st.tuples(*2 * [st.integers(1, 3)]))
    seed, void = data.draw(st.integers(0, 99)), data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    reduction = data.draw(st.sampled_from(REDUCTIONS))
    label_size = (size[0] * stride[0], size[1] * stride[1])
    logits = random_logits(n_channels, size, seed=seed, batch=batch)
    labels = random_labels(n_channels, label_size, seed=seed, void=void, batch=batch)
    loss = loss_of(n_old)(logits, labels, reduction=reduction)
    torch.testing.assert_close(loss, naive(logits, labels, n_old, reduction))


@each_case
@each_reduction
def test_a_batch_of_only_void_costs_nothing(n_channels, n_old, reduction):
    logits = random_logits(n_channels).requires_grad_()
    loss = loss_of(n_old)(logits, torch.full((2, 3, 4), VOID), reduction=reduction)
    loss.sum().backward()
    assert not loss.any()
    assert not logits.grad.any()


@each_case
def test_another_ignore_index(n_channels, n_old):
    logits, labels = random_logits(n_channels), random_labels(n_channels, void=0.0)
    loss = loss_of(n_old)(logits, labels, ignore_index=2, reduction="mean")
    torch.testing.assert_close(loss, naive(logits, labels, n_old, "mean", ignore_index=2))


@each_case
def test_extreme_logits_stay_finite(n_channels, n_old):
    signs = torch.sign(random_logits(n_channels, (8, 8)))
    logits = (80 * signs).float().requires_grad_()
    labels = random_labels(n_channels, (8, 8))
    loss = loss_of(n_old)(logits, labels)
    loss.backward()
    assert loss.item() == pytest.approx(naive(logits, labels, n_old, "mean_all").item(), rel=1e-5)
    assert logits.grad.isfinite().all()


@each_case
@pytest.mark.parametrize("size", [(2, 3), (3, 5)], ids=["fits", "upsampled"])
def test_gradient(n_channels, n_old, size):
    logits = random_logits(n_channels, (2, 3)).requires_grad_()
    labels = random_labels(n_channels, size)
    for reduction in REDUCTIONS:
        assert gradcheck(lambda z, r=reduction: loss_of(n_old)(z, labels, reduction=r), logits)


@each_case
def test_void_pixels_get_no_gradient(n_channels, n_old):
    logits, labels = random_logits(n_channels).requires_grad_(), random_labels(n_channels)
    loss_of(n_old)(logits, labels).backward()
    by_pixel = logits.grad.abs().sum(dim=1)
    assert (by_pixel[labels == VOID] == 0).all()
    if n_old != n_channels:  # K = C: every label may be any class, and nothing is to be learned.
        assert (by_pixel[labels != VOID] > 0).all()


@each_case
@pytest.mark.parametrize(
    ("logits_shape", "labels_shape"),
    [
        ((7,), (2, 3, 4)),
        ((7, 3, 4), (2, 3, 4)),
        ((2, 7, 3, 4), (2, 1, 3, 4)),
        ((2, 7, 3, 4), (3, 4)),
        ((2, 7, 3, 4), (1, 3, 4)),
    ],
)
def test_shapes_that_do_not_fit(n_channels, n_old, logits_shape, labels_shape):
    labels = torch.zeros(labels_shape, dtype=torch.int64)
    with pytest.raises(ValueError, match="B x C x h x w and B x H x W"):
        loss_of(n_old)(torch.zeros(logits_shape), labels)


@each_case
def test_an_unknown_reduction_lists_the_known_ones(n_channels, n_old):
    with pytest.raises(ValueError, match=r"'median'.*mean, mean_all, sum, none"):
        loss_of(n_old)(random_logits(n_channels), random_labels(n_channels), reduction="median")


@each_case
@pytest.mark.parametrize("label", [-1, 7])
def test_a_label_without_a_channel_is_an_error(n_channels, n_old, label):
    expected = rf"got labels {label}\.\.{label} for logits of {n_channels} channels; expected"
    with pytest.raises(ValueError, match=expected):
        loss_of(n_old)(random_logits(n_channels), torch.full((2, 3, 4), label))
