import pytest
import torch

from avalanche_seg.kernels import compute_dtype, resize_logits
from avalanche_seg.kernels.resize import bilinear_matrix
from tests.losses import references


@pytest.mark.parametrize("size", [(3, 4), [3, 4], torch.Size([3, 4])])
def test_logits_of_the_wanted_size_are_returned_as_they_are(size):
    logits = torch.zeros(2, 5, 3, 4)
    assert resize_logits(logits, size) is logits


def test_by_hand():
    row = torch.tensor([[[[0.0, 4.0]]]])
    assert resize_logits(row, (1, 4)).tolist() == [[[[0.0, 1.0, 3.0, 4.0]]]]


@pytest.mark.parametrize("size", [(6, 8), (7, 5), (2, 9), (1, 1), (3, 5), (24, 32)])
def test_agrees_with_the_naive_reference(size):
    logits = torch.randn(
        2, 3, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    expected = [[references.resize(plane, *size) for plane in maps] for maps in logits.tolist()]
    torch.testing.assert_close(
        resize_logits(logits, size), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_dtype(dtype):
    resized = resize_logits(torch.zeros(2, 5, 3, 4, dtype=dtype), (7, 9))
    assert (resized.shape, resized.dtype) == ((2, 5, 7, 9), dtype)


def test_gradient_reaches_the_small_map():
    logits = torch.zeros(1, 1, 2, 2, requires_grad=True)
    resize_logits(logits, (4, 4)).sum().backward()
    assert logits.grad.sum().item() == pytest.approx(16.0)


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 5), (5, 1), (3, 3), (64, 512), (7, 5)])
def test_every_row_of_the_matrix_sums_to_one(n_in, n_out):
    matrix = bilinear_matrix(n_in, n_out, torch.float64, torch.device("cpu"))
    assert matrix.shape == (n_out, n_in)
    torch.testing.assert_close(matrix.sum(dim=1), torch.ones(n_out, dtype=torch.float64))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_what_is_narrower_than_float32_is_computed_in_it(dtype, expected):
    assert compute_dtype(torch.zeros(1, dtype=dtype)) == expected
