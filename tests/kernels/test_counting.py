import pytest
import torch

from avalanche_seg.kernels import count_values
from avalanche_seg.kernels.counting import scattered_counts


@pytest.mark.parametrize("count", [count_values, scattered_counts])
@pytest.mark.parametrize("n_values", [1, 7, 442, 3_000_000])
def test_both_ways_count_as_a_loop_does(count, n_values):
    values = torch.randint(min(n_values, 9), (3, 5, 40), generator=torch.Generator().manual_seed(0))
    expected = [0] * n_values
    for value in values.flatten().tolist():
        expected[value] += 1
    found = count(values, n_values)
    assert found.dtype == torch.int64
    assert found.equal(torch.tensor(expected))


@pytest.mark.parametrize("count", [count_values, scattered_counts])
def test_nothing_is_counted_where_nothing_is(count):
    assert count(torch.zeros(0, 4, dtype=torch.int64), 3).tolist() == [0, 0, 0]
