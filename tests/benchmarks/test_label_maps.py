import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.benchmarks.label_maps import seen_label_map, train_label_map
from avalanche_seg.benchmarks.options import check_options
from avalanche_seg.labels import LabelSpace

NAMES = ("background", "a", "b", "c", "d", "e")
# Channels: 3 -> 1, 1 -> 2, 4 -> 3, 2 -> 4; class 5 is never learned.
SPACE = LabelSpace(steps=((3, 1), (4,), (2,)), names=NAMES)
MASK = np.array([[0, 1, 2, 3], [4, 5, 255, 0]], dtype=np.uint8)


@pytest.mark.parametrize(
    ("visible", "train_void", "expected"),
    [
        ([0], "background", [[0, 2, 0, 1], [0, 0, 0, 0]]),
        ([0], "ignore", [[0, 2, 0, 1], [0, 0, 255, 0]]),
        ([1], "background", [[0, 0, 0, 0], [3, 0, 0, 0]]),
        ([1], "ignore", [[0, 0, 0, 0], [3, 0, 255, 0]]),
        ([2], "background", [[0, 0, 4, 0], [0, 0, 0, 0]]),
        ([0, 1], "background", [[0, 2, 0, 1], [3, 0, 0, 0]]),
        ([0, 1], "ignore", [[0, 2, 0, 1], [3, 0, 255, 0]]),
        (range(3), "ignore", [[0, 2, 4, 1], [3, 0, 255, 0]]),
    ],
)
def test_train(visible: list[int], train_void: str, expected: list[list[int]]) -> None:
    assert train_label_map(SPACE, visible, train_void=train_void)[MASK].tolist() == expected


@pytest.mark.parametrize(
    ("step", "test_unseen", "expected"),
    [
        (0, "ignore", [[0, 2, 255, 1], [255, 255, 255, 0]]),
        (0, "background", [[0, 2, 0, 1], [0, 0, 255, 0]]),
        (1, "ignore", [[0, 2, 255, 1], [3, 255, 255, 0]]),
        (1, "background", [[0, 2, 0, 1], [3, 0, 255, 0]]),
        (2, "ignore", [[0, 2, 4, 1], [3, 255, 255, 0]]),
        (2, "background", [[0, 2, 4, 1], [3, 0, 255, 0]]),
    ],
)
def test_seen(step: int, test_unseen: str, expected: list[list[int]]) -> None:
    assert seen_label_map(SPACE, step, test_unseen=test_unseen)[MASK].tolist() == expected


def test_defaults_are_mibs() -> None:
    assert (
        train_label_map(SPACE, [1]) == train_label_map(SPACE, [1], train_void="background")
    ).all()
    assert (seen_label_map(SPACE, 0) == seen_label_map(SPACE, 0, test_unseen="ignore")).all()


def test_both_tests_agree_on_the_datasets_values_at_the_last_step() -> None:
    space = LabelSpace(steps=((3, 1, 5), (4, 2)), names=NAMES)
    ignore, background = (
        seen_label_map(space, 1, test_unseen=mode)[MASK] for mode in ("ignore", "background")
    )
    assert ignore.tolist() == background.tolist() == [[0, 2, 5, 1], [4, 3, 255, 0]]


def test_tables_cover_every_8_bit_value() -> None:
    for table in (train_label_map(SPACE, [0]), seen_label_map(SPACE, 0)):
        assert table.dtype == np.uint8
        assert table.shape == (256,)


def test_unknown_modes_list_the_known_ones() -> None:
    check_options(train_void="ignore", test_unseen="background")
    with pytest.raises(ValueError, match=r"train_void='void' is unknown.*background, ignore"):
        check_options(train_void="void", test_unseen="ignore")
    with pytest.raises(ValueError, match=r"test_unseen='void' is unknown.*ignore, background"):
        check_options(train_void="ignore", test_unseen="void")


def _train_pixel(value: int, space: LabelSpace, visible: list[int], train_void: str) -> int:
    if value == 255:
        return 255 if train_void == "ignore" else 0
    for step in visible:
        if value in space.steps[step]:
            return space.class_order.index(value)
    return 0


def _seen_pixel(value: int, space: LabelSpace, step: int, test_unseen: str) -> int:
    if value in (0, 255):
        return value
    for group in space.steps[: step + 1]:
        if value in group:
            return space.class_order.index(value)
    return 255 if test_unseen == "ignore" else 0


@given(
    order=st.permutations(range(1, 10)),
    cuts=st.sets(st.integers(1, 8), min_size=1, max_size=3),
    pixels=st.lists(st.sampled_from([*range(10), 255]), min_size=1, max_size=30),
)
def test_agrees_with_a_loop_over_pixels(
    order: list[int], cuts: set[int], pixels: list[int]
) -> None:
    # Classes after the last cut are never learned.
    groups = [tuple(order[a:b]) for a, b in itertools.pairwise([0, *sorted(cuts)])]
    space = LabelSpace(steps=tuple(groups), names=tuple("0123456789"))
    mask = np.array(pixels, dtype=np.uint8)
    for step in range(len(groups)):
        for visible, mode in itertools.product(
            ([step], list(range(step + 1))), ("background", "ignore")
        ):
            train = train_label_map(space, visible, train_void=mode)[mask]
            assert train.tolist() == [_train_pixel(v, space, visible, mode) for v in pixels]
            seen = seen_label_map(space, step, test_unseen=mode)[mask]
            assert seen.tolist() == [_seen_pixel(v, space, step, mode) for v in pixels]
