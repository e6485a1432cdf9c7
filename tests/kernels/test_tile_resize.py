import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.kernels import resize_logits, resized_line
from avalanche_seg.kernels import tile_resize as tiling
from avalanche_seg.kernels.tile_resize import TileResize


def parts(data, length):
    start = data.draw(st.integers(0, length - 1))
    return slice(start, data.draw(st.integers(start + 1, length)))


@given(data=st.data())
def test_a_tile_is_a_part_of_the_whole(data):
    source, size = (data.draw(st.tuples(*2 * [st.integers(1, 12)])) for _ in range(2))
    rows, columns = (parts(data, length) for length in size)
    images = parts(data, 3)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    maps = torch.randn(3, 2, *source, dtype=torch.float64, generator=generator)
    resize = TileResize(maps, size)
    whole = resize_logits(maps, size)[images, :, rows, columns]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resized_line, "PIECE", data.draw(st.integers(1, 5)))
        torch.testing.assert_close(resize.down(resize.across(images, columns), rows), whole)

        weights = torch.randn(whole.shape, dtype=torch.float64, generator=generator)
        maps.requires_grad_()
        (resize_logits(maps, size)[images, :, rows, columns] * weights).sum().backward()
        gradient = torch.zeros(maps.shape, dtype=torch.float64)
        stripe = resize.gradient_stripe(gradient[images], columns)
        resize.add_tile_gradient(stripe, weights, rows)
        resize.add_stripe_gradient(gradient[images], stripe, columns)
    torch.testing.assert_close(gradient, maps.grad)


@pytest.mark.parametrize("size", [(2, 2), (4, 2), (2, 4)])
def test_a_tile_may_be_overwritten(size):
    maps = torch.ones(1, 1, 2, 2)
    resize = TileResize(maps, size)
    resize.down(resize.across(slice(0, 1), slice(0, 2)), slice(0, 2)).zero_()
    assert maps.all()


def test_stripes_of_gradients_with_other_numbers_are_apart():
    resize = TileResize(torch.zeros(1, 1, 1, 1), (1, 2))
    first, second = (
        resize.gradient_stripe(torch.zeros(1, 1, 1, 1), slice(0, 2), number=number)
        for number in range(2)
    )
    first += 1
    assert second.tolist() == [[[[0.0, 0.0]]]]


def test_tiles_cover_every_pixel_once(set_tile_bytes):
    maps = torch.zeros(5, 6, 3, 4, dtype=torch.float64)
    for budget in (1, 700, 20_000, 1 << 20):
        set_tile_bytes(budget)
        seen = torch.zeros(5, 9, 14)
        for images, columns, tiles in tiling.stripes(maps, (9, 14)):
            for rows in tiles:
                seen[images, rows, columns] += 1
                assert seen[images, rows, columns].numel() <= max(1, budget // (6 * 8))
        assert (seen == 1).all()


def test_many_channels_leave_a_tile_enough_pixels():
    maps = torch.zeros(1, 2000, 2, 2)  # A budget of bytes alone would allow 262 pixels.
    for _, columns, tiles in tiling.stripes(maps, (256, 128)):
        for rows in tiles:
            assert 6000 < (rows.stop - rows.start) * (columns.stop - columns.start) <= 7 << 10
