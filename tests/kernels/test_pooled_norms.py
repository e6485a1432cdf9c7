import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from avalanche_seg.kernels import plain_pooled_norms, pooled_norms


def maps(size, seed, *, batch=2, channels=3, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, channels, *size, generator=generator, dtype=dtype)


SIDES = st.integers(1, 13)
SCALES = st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True).map(lambda s: [1, *s])


@given(size=st.tuples(SIDES, SIDES), scales=SCALES, channels_last=st.booleans())
def test_equals_the_plain_formula_with_its_gradient(size, scales, channels_last):
    kept = torch.channels_last if channels_last else torch.contiguous_format
    student = maps(size, 0).contiguous(memory_format=kept).requires_grad_()
    teacher = maps(size, 1).contiguous(memory_format=kept)
    slopes = []
    for norms in (pooled_norms, plain_pooled_norms):
        found = norms(student, teacher, scales)
        slopes.append(torch.autograd.grad(found @ torch.tensor([1.0, -2.0]).double(), student)[0])
        slopes.append(found.detach())
    torch.testing.assert_close(slopes[0], slopes[2])
    torch.testing.assert_close(slopes[1], slopes[3])
    assert slopes[0].stride() == student.stride(), "the fused optimizer pairs numbers by place"


def test_gradients_by_differences():
    student, teacher = maps((5, 6), 0).requires_grad_(), maps((5, 6), 1)
    for norms in (pooled_norms, plain_pooled_norms):
        assert gradcheck(lambda x, f=norms: f(x, teacher, (1, 2, 4)), student)
        assert gradgradcheck(lambda x, f=norms: f(x, teacher, (1, 2, 4)), student)


@pytest.mark.parametrize("norms", [pooled_norms, plain_pooled_norms])
def test_the_gradient_is_zero_where_both_agree(norms):
    student, teacher = maps((4, 4), 0).requires_grad_(), maps((4, 4), 0)
    teacher[1] += 1  # The second image differs.
    found = norms(student, teacher, (1, 2, 4))
    assert found[0] == 0 < found[1]
    (slope,) = torch.autograd.grad(found.sum(), student)
    assert slope[0].eq(0).all() and slope[1].ne(0).any()


def test_squares_beyond_half_precision():
    student = torch.full((1, 1, 4, 4), 300.0, dtype=torch.float16).requires_grad_()
    found = pooled_norms(student, torch.zeros_like(student), (1,))
    assert found.dtype == torch.float32 and found.item() == pytest.approx(90000 * 8**0.5)
    found.sum().backward()
    assert student.grad.dtype == torch.float16 and student.grad.isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        again = pooled_norms(student.float(), torch.zeros(1, 1, 4, 4), (1,))
    assert again.item() == pytest.approx(90000 * 8**0.5), "not in bfloat16"
