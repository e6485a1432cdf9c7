import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.benchmarks.settings import Indices, hold_out

CHOSEN = [np.arange(0, 40), np.arange(30, 50), np.arange(0, 100, 10)]


def _same(a: list[Indices], b: list[Indices]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_sizes_are_rounded() -> None:
    train, valid = hold_out(CHOSEN, 0.26, n_images=100, seed=0)
    assert [len(part) for part in valid] == [10, 5, 3]
    assert [len(part) for part in train] == [30, 15, 7]


def test_nothing_is_held_out_by_default() -> None:
    train, valid = hold_out(CHOSEN, 0.0, n_images=100, seed=0)
    assert _same(train, CHOSEN)
    assert [len(part) for part in valid] == [0, 0, 0]


@given(st.floats(0.1, 0.9), st.integers(0, 5))
def test_two_parts_make_the_whole(fraction: float, seed: int) -> None:
    for images, train, valid in zip(
        CHOSEN, *hold_out(CHOSEN, fraction, n_images=100, seed=seed), strict=True
    ):
        assert not set(train) & set(valid)
        assert sorted([*train, *valid]) == images.tolist()
        assert (np.diff(train) > 0).all()
        assert (np.diff(valid) > 0).all()


def test_seed_decides() -> None:
    first = hold_out(CHOSEN, 0.2, n_images=100, seed=3)[1]
    assert _same(first, hold_out(CHOSEN, 0.2, n_images=100, seed=3)[1])
    assert not _same(first, hold_out(CHOSEN, 0.2, n_images=100, seed=4)[1])


def test_one_order_decides_for_every_step() -> None:
    _, (first, again) = hold_out([CHOSEN[0], CHOSEN[0]], 0.2, n_images=100, seed=0)
    assert first.tolist() == again.tolist()


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5, float("nan")])
def test_fraction_out_of_range(fraction: float) -> None:
    with pytest.raises(ValueError, match=f"val_fraction={fraction} is out of range; expected 0 <="):
        hold_out(CHOSEN, fraction, n_images=100, seed=0)


@pytest.mark.parametrize(
    ("fraction", "held", "size"), [(0.04, 0, 10), (0.96, 10, 10)], ids=["no valid", "no train"]
)
def test_both_parts_need_an_image(fraction: float, held: int, size: int) -> None:
    message = f"holds out {held} of the {size} images of step 2; choose a fraction"
    with pytest.raises(ValueError, match=message):
        hold_out(CHOSEN, fraction, n_images=100, seed=0)
