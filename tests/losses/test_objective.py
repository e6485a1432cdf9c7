"""Objectives: terms by name, sums of them, and what is computed in one pass."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from avalanche_seg.losses import (
    AnnotatedClassification,
    CriterionObjective,
    CrossEntropy,
    FeatureDistillationTerm,
    StepBatch,
    TeacherTerm,
    UnbiasedCrossEntropy,
    UnbiasedDistillationTerm,
    annotated_cross_entropy,
    at_target_size,
    combine,
    cross_entropy,
    unbiased_cross_entropy,
    unbiased_distillation,
)
from avalanche_seg.losses import classification as classification_module

N_OLD, N_CLASSES = 3, 5


def output(*channels, size=(4, 5), seed=0, **features):
    generator = torch.Generator().manual_seed(seed)
    main, *aux = (torch.randn(2, n, *size, generator=generator) for n in channels)
    for logits in (main, *aux):
        logits.requires_grad_(True)
    return SimpleNamespace(logits=main, aux=tuple(aux), features=features)


def make_batch(student, teacher=None, weight=None, seed=1):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, N_CLASSES, (2, 8, 10), generator=generator)
    target[0, :2] = 255
    return StepBatch(
        torch.zeros(2, 3, 8, 10),
        target,
        student,
        n_old=N_OLD if teacher is not None else 0,
        step=int(teacher is not None),
        teacher=teacher,
        weight=weight,
    )


class Sharpness(TeacherTerm):
    """A made-up term from feature maps, which no shipped method has."""

    name = "sharpness"

    def term(self, batch):
        taps = ("low", "middle", "high")
        return sum(
            (batch.output.features[t].mean() - batch.teacher.features[t].mean()).abs() for t in taps
        )


def test_classification_is_the_sum_over_main_and_auxiliary_outputs():
    student = output(N_CLASSES, N_CLASSES)
    batch = make_batch(student)
    (term,) = CriterionObjective(CrossEntropy())(batch).values()
    levels = (student.logits, *student.aux)
    expected = sum(cross_entropy(logits, batch.target) for logits in levels)
    torch.testing.assert_close(term, expected)


def test_terms_of_several_objectives_keep_their_names_and_alike_ones_add_up():
    features = {t: torch.full((1,), v) for t, v in (("low", 1.0), ("middle", 2.0), ("high", 4.0))}
    student = output(N_CLASSES, **features)
    teacher = output(N_OLD, seed=3, **{t: torch.zeros(1) for t in features})
    whole = combine([CriterionObjective(CrossEntropy()), Sharpness(10.0), Sharpness(1.0)])
    terms = whole(make_batch(student, teacher))
    assert list(terms) == ["classification", "sharpness"]
    assert terms["sharpness"].item() == pytest.approx(11 * 7.0)
    assert whole.needs_teacher
    assert not CriterionObjective(CrossEntropy()).needs_teacher


def test_nothing_is_distilled_at_step_0():
    whole = combine([CriterionObjective(UnbiasedCrossEntropy()), UnbiasedDistillationTerm(10.0)])
    batch = make_batch(output(N_CLASSES, N_CLASSES))
    terms = whole(batch)
    expected = sum(
        cross_entropy(logits, batch.target) for logits in (batch.output.logits, *batch.output.aux)
    )
    assert list(terms) == ["classification"]
    torch.testing.assert_close(terms["classification"], expected)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_mibs_terms_are_computed_in_one_pass_and_are_the_separate_ones(monkeypatch, scale):
    passes = []
    one_pass = classification_module.mib_loss
    monkeypatch.setattr(
        classification_module, "mib_loss", lambda *a, **k: passes.append(1) or one_pass(*a, **k)
    )
    student, teacher = output(N_CLASSES, N_CLASSES), output(N_OLD, seed=3)
    batch = make_batch(student, teacher)
    parts = [CriterionObjective(UnbiasedCrossEntropy()), UnbiasedDistillationTerm(10.0, scale)]
    leaves = [student.logits, *student.aux]
    terms = combine(parts)(batch)
    gradients = torch.autograd.grad(sum(terms.values()), leaves)
    assert passes == [1]
    ce = sum(unbiased_cross_entropy(z, batch.target, n_old=N_OLD) for z in leaves)
    kd = 10 * unbiased_distillation(
        student.logits, teacher.logits, size=batch.size, teacher_scale=scale
    )
    torch.testing.assert_close(terms["classification"], ce)
    torch.testing.assert_close(terms["unkd"], kd)
    for ours, expected in zip(gradients, torch.autograd.grad(ce + kd, leaves), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "criterion", [CrossEntropy(), UnbiasedCrossEntropy(reduction="mean"), lambda z, y: z.sum()]
)
def test_other_criteria_are_not_fused(criterion):
    parts = [CriterionObjective(criterion), UnbiasedDistillationTerm(10.0)]
    assert parts[0].fuse(parts[1]) is None
    batch = make_batch(output(N_CLASSES), output(N_OLD, seed=3))
    terms = combine(parts)(batch)
    torch.testing.assert_close(terms["unkd"], parts[1](batch)["unkd"])


@pytest.mark.parametrize("shape", [(2,), (2, 8, 10)])
@pytest.mark.parametrize("reduction", ["mean_all", "mean", "sum"])
def test_weights_of_images_and_pixels(shape, reduction):
    """By hand: every pixel's loss times its weight, over the pixels that the reduction counts."""
    weight = torch.rand(shape, generator=torch.Generator().manual_seed(5))
    student, teacher = output(N_CLASSES), output(N_OLD, seed=3)
    batch = make_batch(student, teacher, weight=weight)
    objective = CriterionObjective(UnbiasedCrossEntropy(reduction=reduction))
    (term,) = objective(batch).values()
    pixels = unbiased_cross_entropy(student.logits, batch.target, n_old=N_OLD, reduction="none")
    total = (pixels * weight.view(*shape, *[1] * (3 - len(shape)))).sum()
    counted = {"mean_all": 160, "mean": int((batch.target != 255).sum()), "sum": 1}[reduction]
    torch.testing.assert_close(term, total / counted)


def test_a_weight_needs_a_criterion_that_tells_its_pixels():
    batch = make_batch(output(N_CLASSES), weight=torch.ones(2))
    with pytest.raises(ValueError, match=r"weight of images or pixels.*function.*reduction"):
        CriterionObjective(lambda logits, target: logits.sum())(batch)


def test_a_missing_feature_map_is_named():
    batch = make_batch(output(N_CLASSES, head=torch.zeros(1)), output(N_OLD))
    with pytest.raises(ValueError, match=r"maps none.*'head'"):
        FeatureDistillationTerm(1.0)(batch)


class TwiceDistilled(UnbiasedDistillationTerm):
    def term(self, batch):
        return 2 * super().term(batch)


class TwiceClassified(CriterionObjective):
    def level(self, logits, batch):
        return 2 * super().level(logits, batch)


def test_a_subclass_is_never_fused_away():
    batch = make_batch(output(N_CLASSES), output(N_OLD, seed=3))
    criterion = UnbiasedCrossEntropy()
    plain = combine([CriterionObjective(criterion), UnbiasedDistillationTerm(1.0)])(batch)
    distilled = combine([CriterionObjective(criterion), TwiceDistilled(1.0)])(batch)
    classified = combine([TwiceClassified(criterion), UnbiasedDistillationTerm(1.0)])(batch)
    torch.testing.assert_close(distilled["unkd"], 2 * plain["unkd"])
    torch.testing.assert_close(classified["classification"], 2 * plain["classification"])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weights_reach_a_criterion_of_torchs(reduction):
    weight = torch.tensor([0.5, 2.0])
    batch = make_batch(output(N_CLASSES), weight=weight)
    criterion = torch.nn.CrossEntropyLoss(ignore_index=255, reduction=reduction)
    (term,) = CriterionObjective(at_target_size(criterion))(batch).values()
    pixels = cross_entropy(batch.output.logits, batch.target, reduction="none")
    total = (pixels * weight.view(2, 1, 1)).sum()
    counted = int((batch.target != 255).sum()) if reduction == "mean" else 1
    torch.testing.assert_close(term, total / counted)


def test_weights_reach_what_images_annotate():
    annotated = torch.tensor([[False, False, False, True, True], [False, True, True, True, True]])
    weight = torch.tensor([0.0, 3.0])
    student, teacher = output(N_CLASSES), output(N_OLD, seed=3)
    batch = replace(make_batch(student, teacher, weight), extras={"annotated": annotated})
    objective = AnnotatedClassification(CrossEntropy())
    pixels = annotated_cross_entropy(student.logits, batch.target, annotated, reduction="none")
    expected = (pixels * weight.view(2, 1, 1)).mean()
    torch.testing.assert_close(objective(batch)["classification"], expected)
    first = make_batch(student, weight=weight)
    pixels = cross_entropy(student.logits, first.target, reduction="none")
    expected = (pixels * weight.view(2, 1, 1)).mean()
    torch.testing.assert_close(objective(first)["classification"], expected)
