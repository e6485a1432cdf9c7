import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.kernels import tile_resize
from avalanche_seg.kernels.resize import bilinear_matrix
from avalanche_seg.kernels.resized_line import Line, slices, whole_factor


@given(n_in=st.integers(1, 7), factor=st.integers(2, 9), data=st.data())
def test_groups_of_rows_are_the_product_with_the_matrix(n_in, factor, data):
    start = data.draw(st.integers(0, n_in - 1))
    stop = data.draw(st.integers(start + 1, n_in))
    rows = slice(start * factor, stop * factor)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    source = torch.randn(2, 3, n_in, 5, dtype=torch.float64, generator=generator)
    gradient = torch.randn(
        2, 3, rows.stop - rows.start, 5, dtype=torch.float64, generator=generator
    )
    line = Line(n_in, factor * n_in, source)
    assert line._own_rows(rows) == slice(start, stop)
    matrix = bilinear_matrix(n_in, factor * n_in, torch.float64, source.device)[rows]
    out = torch.empty_like(gradient)
    torch.testing.assert_close(line.stretch(source, rows, out), matrix @ source)
    sums = torch.ones_like(source)
    line.fold_(sums, gradient, rows)
    torch.testing.assert_close(sums, 1 + matrix.T @ gradient)


@pytest.mark.parametrize(
    ("n_in", "n_out", "rows"), [(4, 12, slice(1, 6)), (4, 13, slice(0, 13)), (6, 3, slice(0, 3))]
)
def test_other_rows_are_that_product(n_in, n_out, rows):
    source = torch.randn(1, 2, n_in, 3, dtype=torch.float64)
    line = Line(n_in, n_out, source)
    assert line._own_rows(rows) is None
    out = source.new_empty(1, 2, rows.stop - rows.start, 3)
    matrix = bilinear_matrix(n_in, n_out, torch.float64, source.device)[rows]
    torch.testing.assert_close(line.stretch(source, rows, out), matrix @ source)


def test_factors():
    assert [whole_factor(*pair) for pair in ((3, 3), (3, 24), (3, 25), (8, 4))] == [1, 8, 1, 1]
    assert slices(7, 3) == [slice(0, 2), slice(2, 4), slice(4, 7)]


def test_tiles_are_whole_groups_of_rows(set_tile_bytes):
    maps = torch.zeros(1, 2, 16, 16)
    set_tile_bytes(2 * 4 * 128 * 20)  # 20 rows of 128 columns.
    for _, _, tiles in tile_resize.stripes(maps, (128, 128)):
        assert len(tiles) > 1
        assert all(rows.start % 8 == rows.stop % 8 == 0 for rows in tiles)
