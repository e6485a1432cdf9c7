import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.plugins.replay.selection import (
    assign,
    herding_order,
    largest_order,
    random_order,
)


def test_random_order_is_a_seeded_permutation():
    orders = [random_order([4, 7, 9, 11], np.random.default_rng(s)) for s in (0, 0, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert all(sorted(order) == [4, 7, 9, 11] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_largest_keeps_the_order_of_equal_areas():
    assert largest_order([5, 6, 7, 8], [2, 9, 2, 9]) == [6, 8, 5, 7]


def test_herding_against_a_naive_greedy_search():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(7, 3))
    unit = [row / np.sqrt((row**2).sum()) for row in features]
    mean = sum(unit) / len(unit)
    chosen = []
    while len(chosen) < 7:
        left = [i for i in range(7) if i not in chosen]

        def distance(i, chosen=chosen):
            group = [unit[k] for k in [*chosen, i]]
            return float(np.linalg.norm(mean - sum(group) / len(group)))

        chosen = [*chosen, min(left, key=distance)]
    assert herding_order(list(range(10, 17)), features) == [10 + i for i in chosen]


@given(
    st.dictionaries(st.integers(1, 4), st.lists(st.integers(0, 5), unique=True), max_size=3),
    st.integers(0, 2),
)
def test_assignment_fills_as_many_places_as_any_other_and_uses_no_image_twice(orders, n):
    chosen = assign(orders, n)
    used = [image for images in chosen.values() for image in images]
    assert len(used) == len(set(used))
    assert all(len(images) <= n for images in chosen.values())
    assert all(set(images) <= set(orders[channel]) for channel, images in chosen.items())
    assert len(used) == _most(orders, n)


def _most(orders, n):
    places = [channel for channel in orders for _ in range(n)]
    options = [[None, *orders[channel]] for channel in places]
    best = 0
    for choice in itertools.product(*options):
        images = [image for image in choice if image is not None]
        if len(images) == len(set(images)):
            best = max(best, len(images))
    return best


@pytest.mark.parametrize("n", [1, 2])
def test_without_rivals_a_class_gets_its_best(n):
    assert assign({3: [8, 6, 4]}, n) == {3: [8, 6][:n]}
