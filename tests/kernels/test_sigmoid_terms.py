import pytest

from avalanche_seg.kernels import LabelSigmoid, TeacherSigmoid
from tests.kernels.plain import assert_same
from tests.losses import references
from tests.losses.batches import random_labels, random_logits


@pytest.mark.parametrize("n_channels", [1, 2, 6])
@pytest.mark.parametrize("scale", [3.0, 300.0])
def test_the_fast_terms_are_the_plain_formulas(n_channels, scale):
    labels = random_labels(n_channels)
    assert_same(LabelSigmoid(), n_channels, labels, bound=20.0, scale=scale)
    assert_same(TeacherSigmoid(), n_channels, labels, n_channels, bound=20.0, scale=scale)


def test_another_ignore_index():
    labels = random_labels(4, void=0.0)
    assert_same(LabelSigmoid(ignore_index=2), 4, labels, bound=20.0)
    (losses,) = LabelSigmoid(ignore_index=2).plain(random_logits(4), labels, None)
    assert not losses[labels == 2].any() and (losses[labels != 2] > 0).all()


def test_the_plain_formulas_agree_with_the_naive_references():
    scores, teacher, labels = random_logits(4), random_logits(4, seed=2), random_labels(4)
    (losses,) = LabelSigmoid().plain(scores, labels, None)
    expected = references.label_loss_map(
        scores.tolist(), labels.tolist(), references.binary_cross_entropy
    )
    assert losses.flatten().tolist() == pytest.approx(expected)
    (losses,) = TeacherSigmoid().plain(scores, None, teacher)
    expected = references.teacher_loss_map(
        scores.tolist(), teacher.tolist(), references.icarl_distillation
    )
    assert losses.flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("weight", [0.0, 2.5])
def test_positive_weights_and_ignored_pixels_as_negatives(weight, negative):
    labels = random_labels(4)
    terms = LabelSigmoid(positive_weight=weight, ignored_is_negative=negative)
    assert_same(terms, 4, labels, bound=20.0)
    (losses,) = terms.plain(random_logits(4), labels, None)
    assert losses[labels == 255].any() == negative
