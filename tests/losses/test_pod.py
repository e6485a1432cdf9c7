import math
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import LocalPODTerm, StepBatch, local_pod, merge_new_channels
from tests.losses import references
from tests.losses.batches import random_logits


@pytest.mark.parametrize("size", [(8, 8), (4, 12), (9, 11), (3, 5), (1, 1)])
def test_equals_the_reference(size):
    student, teacher = random_logits(3, size, seed=1), random_logits(3, size, seed=2)
    expected = references.local_pod(student.tolist(), teacher.tolist())
    assert local_pod(student, teacher).item() == pytest.approx(expected, rel=1e-12)


def test_a_square_map_has_14_c_w_numbers():
    embedding = references.pod_embedding(random_logits(3, (8, 8)).tolist()[0], (1, 2, 4))
    assert len(embedding) == 14 * 3 * 8


def test_gradient_is_zero_where_student_equals_teacher():
    student = random_logits(3, (8, 8)).requires_grad_()
    loss = local_pod(student, student.detach().clone())
    loss.backward()
    assert loss.item() == 0 and student.grad.eq(0).all()


def test_the_teacher_gets_no_gradient():
    student, teacher = random_logits(2, seed=1).requires_grad_(), random_logits(2, seed=2)
    teacher.requires_grad_()
    local_pod(student, teacher).backward()
    assert teacher.grad is None
    assert gradcheck(lambda x: local_pod(x, teacher.detach()), student)


def test_merged_channels_by_hand():
    logits = torch.tensor([0.5, 5.0, 1.0, 2.0]).double().view(1, 4, 1, 1)
    assert merge_new_channels(logits, 2).flatten().tolist() == [3.5, 5.0]
    merged = merge_new_channels(logits, 2, extra_channels="lse").flatten().tolist()
    assert merged == pytest.approx([references.log_sum_exp([0.5, 1.0, 2.0]), 5.0])
    assert merge_new_channels(logits, 4).equal(logits)


def test_with_the_balanced_initialisation_lse_is_the_teachers_logit_and_sum_is_not():
    teacher = random_logits(3, seed=1)
    new = (teacher[:, :1] - math.log(3)).expand(-1, 2, -1, -1)  # N = 2
    student = torch.cat([new[:, :1], teacher[:, 1:], new], dim=1)
    torch.testing.assert_close(merge_new_channels(student, 3, extra_channels="lse"), teacher)
    merged = merge_new_channels(student, 3)[:, 0]
    torch.testing.assert_close(merged, 3 * (teacher[:, 0] - math.log(3)))


def output(n_channels, seed, names=("layer1", "head")):
    features = {name: random_logits(2, (4, 8), seed=seed + i) for i, name in enumerate(names)}
    return SimpleNamespace(logits=random_logits(n_channels, seed=seed), aux=(), features=features)


def batch(n_channels=5, n_old=3, **options):
    nothing = torch.empty(0)
    return StepBatch(
        nothing, nothing, output(n_channels, 1), n_old, 1, teacher=output(n_old, 9), **options
    )


@pytest.mark.parametrize("extra", ["sum", "lse"])
@pytest.mark.parametrize("taps", [None, ("head",)])
def test_terms_are_weighted_means_over_the_maps(extra, taps):
    given = batch()
    terms = LocalPODTerm(0.01, 5e-4, taps=taps, extra_channels=extra)(given)
    names = taps or ("layer1", "head")
    factor = math.sqrt(5 / 2) / (len(names) + 1)
    ours, theirs = given.output.features, given.teacher.features
    pod = sum(references.local_pod(ours[n].tolist(), theirs[n].tolist()) for n in names)
    merged = given.output.logits[:, :3].clone()
    added = given.output.logits[:, [0, 3, 4]]
    merged[:, 0] = added.sum(1) if extra == "sum" else added.exp().sum(1).log()
    of_logits = references.local_pod(merged.tolist(), given.teacher.logits.tolist())
    assert terms["pod"].item() == pytest.approx(0.01 * factor * pod, rel=1e-10)
    assert terms["pod_logits"].item() == pytest.approx(5e-4 * factor * of_logits, rel=1e-10)


def test_without_new_classes_the_root_is_one():
    terms, more = LocalPODTerm()(batch(3, 3)), LocalPODTerm()(batch(6, 3))
    assert terms["pod"].item() * math.sqrt(2) == pytest.approx(more["pod"].item())


def test_step_0_has_no_term_but_looks_for_the_maps():
    first = StepBatch(torch.empty(0), torch.empty(0), output(3, 1), n_old=0, step=0)
    assert LocalPODTerm()(first) == {}
    with pytest.raises(ValueError, match=r"returns the feature maps layer1, head; .*'layer4'"):
        LocalPODTerm(taps=("head", "layer4"))(first)
    none = StepBatch(torch.empty(0), torch.empty(0), output(3, 1, ()), n_old=0, step=0)
    with pytest.raises(ValueError, match="feature maps none; local POD needs at least one"):
        LocalPODTerm()(none)


def test_bad_input():
    with pytest.raises(ValueError, match="expected the same shape"):
        local_pod(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 4, 3))
    with pytest.raises(ValueError, match="extra_channels='max' is unknown; expected one of sum"):
        LocalPODTerm(extra_channels="max")
    with pytest.raises(ValueError, match="scales"):
        LocalPODTerm(scales=(0,))
