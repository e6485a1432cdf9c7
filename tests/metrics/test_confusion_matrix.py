import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.metrics import ConfusionMatrix, confusion_matrix
from avalanche_seg.metrics.confusion_matrix import _unchecked_counts
from tests.losses import references

VOID = 255


def random_maps(n_classes, seed, shape=(2, 5, 7), void=0.2):
    generator = torch.Generator().manual_seed(seed)
    prediction = torch.randint(n_classes, shape, generator=generator)
    target = torch.randint(n_classes, shape, generator=generator)
    return prediction, target.masked_fill(torch.rand(shape, generator=generator) < void, VOID)


def random_batch(n_channels, seed, size=(4, 6), target_size=None, n_labels=None):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, n_channels, *size, generator=generator)
    return logits, random_maps(n_labels or n_channels, seed, (2, *(target_size or size)))[1]


def counted(prediction, target, n_classes):
    """One pixel at a time."""
    matrix = [[0] * n_classes for _ in range(n_classes)]
    for guess, truth in zip(prediction.flatten().tolist(), target.flatten().tolist(), strict=True):
        if 0 <= truth < n_classes:
            matrix[truth][guess] += 1
    return matrix


def test_rows_are_the_truth_by_hand():
    truth = torch.tensor([[[0, 0, 0], [1, 2, VOID]]])
    guess = torch.tensor([[[0, 1, 1], [2, 2, 2]]])
    assert confusion_matrix(guess, truth, 3).tolist() == [[1, 2, 0], [0, 0, 1], [0, 0, 1]]


@given(st.integers(1, 8), st.integers(0, 999), st.sampled_from([0.0, 0.3, 1.0]))
def test_agrees_with_a_python_loop(n_classes, seed, void):
    prediction, target = random_maps(n_classes, seed, void=void)
    matrix = confusion_matrix(prediction, target, n_classes)
    assert matrix.tolist() == counted(prediction, target, n_classes)


@pytest.mark.parametrize("n_classes", [2, 5, 21])
def test_agrees_with_torchmetrics(n_classes):
    functional = pytest.importorskip("torchmetrics.functional.classification")
    prediction, target = random_maps(n_classes, seed=n_classes)
    theirs = functional.multiclass_confusion_matrix(
        prediction, target, num_classes=n_classes, ignore_index=VOID
    )
    assert torch.equal(confusion_matrix(prediction, target, n_classes), theirs)


def test_labels_without_a_channel_are_left_out():
    truth = torch.tensor([[[0, 1, 2, 3, 20, 254, VOID, -1]]])
    guess = torch.zeros_like(truth)
    assert confusion_matrix(guess, truth, 2).tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_counts_are_int64_whatever_the_labels_are(dtype):
    prediction, target = random_maps(21, seed=0)  # 20 * 21 + 20 does not fit into a byte.
    matrix = confusion_matrix(prediction.to(dtype), target.to(dtype), 21)
    assert matrix.dtype == torch.int64
    assert matrix.tolist() == counted(prediction, target, 21)


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 2, 2), (2, 6)])
def test_shapes_must_agree(shape):
    target = torch.zeros(2, 2, 3, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"\(2, 2, 3\); expected the same shape"):
        confusion_matrix(torch.zeros(shape, dtype=torch.int64), target, 2)


def test_batches_add_up_to_one_big_batch():
    batches = [random_batch(4, seed) for seed in range(3)]
    small, big = ConfusionMatrix(), ConfusionMatrix()
    for logits, target in batches:
        small.update(logits, target)
    big.update(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    assert torch.equal(small.result(), big.result())


def test_logits_are_resized_to_the_label_map():
    logits, target = random_batch(3, seed=1, size=(3, 4), target_size=(7, 9))
    metric = ConfusionMatrix()
    metric.update(logits, target)
    scores = references.pixels(logits.double().tolist(), (7, 9))
    prediction = torch.tensor([max(range(3), key=z.__getitem__) for z in scores])
    assert metric.result().tolist() == counted(prediction, target, 3)


def test_it_grows_with_the_number_of_classes_and_keeps_its_counts():
    metric = ConfusionMatrix()
    metric.update(*random_batch(3, seed=0))
    before = metric.result().clone()
    metric.update(*random_batch(5, seed=1))
    later = ConfusionMatrix()
    later.update(*random_batch(5, seed=1))
    expected = later.result().clone()
    expected[:3, :3] += before
    assert torch.equal(metric.result(), expected)


def test_a_result_is_not_changed_by_later_batches():
    metric = ConfusionMatrix()
    metric.update(*random_batch(3, seed=0))
    first = metric.result()
    kept = first.clone()
    metric.update(*random_batch(3, seed=1))
    assert torch.equal(first, kept)


def test_the_shape_error_reaches_the_caller():
    with pytest.raises(ValueError, match="expected the same shape"):
        ConfusionMatrix().update(torch.zeros(2, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64))


def test_reset_forgets_everything():
    metric = ConfusionMatrix()
    assert metric.result().shape == (0, 0)
    metric.update(*random_batch(3, seed=0))
    metric.reset()
    assert metric.result().shape == (0, 0)
    metric.update(*random_batch(2, seed=1))
    assert metric.result().shape == (2, 2)


def test_logits_keep_no_graph_alive():
    metric = ConfusionMatrix()
    logits, target = random_batch(3, seed=0)
    metric.update(logits.requires_grad_(), target)
    assert not metric.result().requires_grad


def test_labels_count_like_the_scores_that_give_them():
    logits, target = random_batch(4, seed=0)
    by_scores, by_labels = ConfusionMatrix(), ConfusionMatrix(4)
    by_scores.update(logits, target)
    by_labels.update(logits.argmax(dim=1), target)
    assert torch.equal(by_scores.result(), by_labels.result())
    by_labels.n_classes = 6
    by_labels.update(logits.argmax(dim=1), target)
    expected = torch.zeros(6, 6, dtype=torch.int64)
    expected[:4, :4] = 2 * by_scores.result()
    assert torch.equal(by_labels.result(), expected)


def test_what_does_not_fit_the_number_of_classes_is_refused():
    logits, target = random_batch(3, seed=0)
    with pytest.raises(ValueError, match="no number of classes"):
        ConfusionMatrix().update(logits.argmax(dim=1), target)
    with pytest.raises(ValueError, match="scores of 3 channels; expected n_classes=4"):
        ConfusionMatrix(4).update(logits, target)
    metric = ConfusionMatrix()
    metric.update(logits, target)
    with pytest.raises(ValueError, match=r"got 2 classes after batches of 3; .* reset\(\)"):
        metric.update(logits[:, :2], target)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_devices_count_wrong_predictions_instead_of_looking_for_them(dtype):
    prediction, target = random_maps(300 if dtype == torch.int64 else 21, seed=3)
    n_classes = 15
    counts = _unchecked_counts(prediction.to(dtype), target, n_classes)
    fits = prediction < n_classes
    expected = confusion_matrix(prediction[fits], target[fits], n_classes)
    assert counts[:-2].view(n_classes, n_classes).equal(expected)
    assert counts[-1] == (~fits).sum() > 0
    assert counts.sum() == target.numel()


def test_the_result_tells_of_them():
    metric = ConfusionMatrix(2)
    metric.counts, metric._outside = torch.eye(2), torch.tensor(3)
    with pytest.raises(ValueError, match="got 3 pixels whose predictions are no channels"):
        metric.result()
    metric.reset()
    assert metric.result().shape == (0, 0)
