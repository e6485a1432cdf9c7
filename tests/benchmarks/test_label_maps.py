import itertools
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.benchmarks.label_maps import seen_label_map, train_label_map
from avalanche_seg.labels import LabelSpace, ZeroIs

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


def _train_pixel(value: int, space: LabelSpace, visible: list[int], train_void: str) -> int:
    if value == 255 or (value == 0 and space.zero_is == "unlabelled"):
        return 255 if train_void == "ignore" else 0
    for step in visible:
        if value in space.steps[step]:
            return 1 + [c for group in space.steps for c in group].index(value)
    return 0


def _seen_pixel(value: int, space: LabelSpace, step: int, test_unseen: str) -> int:
    if value == 255 or (value == 0 and space.zero_is == "unlabelled"):
        return 255
    if value == 0 and space.zero_is == "background":
        return 0
    for group in space.steps[: step + 1]:
        if value in group:
            return 1 + [c for group in space.steps for c in group].index(value)
    return 255 if test_unseen == "ignore" else 0


@pytest.mark.parametrize("zero_is", get_args(ZeroIs))
@given(data=st.data())
def test_agrees_with_a_loop_over_pixels(zero_is: ZeroIs, data: st.DataObject) -> None:
    first = 0 if zero_is == "class" else 1
    order = data.draw(st.permutations(range(first, 10)))
    cuts = data.draw(st.sets(st.integers(1, 8), min_size=1, max_size=3))
    values = st.sampled_from([*range(10), 255])
    pixels = data.draw(st.lists(values, min_size=1, max_size=30))
    # Classes after the last cut are never learned.
    groups = [tuple(order[a:b]) for a, b in itertools.pairwise([0, *sorted(cuts)])]
    space = LabelSpace(tuple(groups), tuple("0123456789"), zero_is)
    mask = np.array(pixels, dtype=np.uint8)
    for step in range(len(groups)):
        for visible, mode in itertools.product(
            ([step], list(range(step + 1))), ("background", "ignore")
        ):
            train = train_label_map(space, visible, train_void=mode)[mask]
            assert train.tolist() == [_train_pixel(v, space, visible, mode) for v in pixels]
            seen = seen_label_map(space, step, test_unseen=mode)[mask]
            assert seen.tolist() == [_seen_pixel(v, space, step, mode) for v in pixels]


def test_zero_that_is_a_class_or_no_label() -> None:
    mask = np.array([0, 1, 2, 255], dtype=np.uint8)
    roads = LabelSpace(((2,), (0, 1)), ("road", "car", "sky"), "class")
    assert train_label_map(roads, [0])[mask].tolist() == [0, 0, 1, 0]
    assert train_label_map(roads, [1], train_void="ignore")[mask].tolist() == [2, 3, 0, 255]
    assert seen_label_map(roads, 0)[mask].tolist() == [255, 255, 1, 255]
    assert seen_label_map(roads, 0, test_unseen="background")[mask].tolist() == [0, 0, 1, 255]
    scenes = LabelSpace(((2,), (1,)), ("unlabelled", "wall", "sky"), "unlabelled")
    assert train_label_map(scenes, [0])[mask].tolist() == [0, 0, 1, 0]
    assert train_label_map(scenes, [0], train_void="ignore")[mask].tolist() == [255, 0, 1, 255]
    assert seen_label_map(scenes, 1)[mask].tolist() == [255, 2, 1, 255]


def test_without_a_background_what_is_no_class_is_void() -> None:
    roads = LabelSpace(((0, 1), ()), ("road", "car"), "class", has_background=False)
    for void in ("background", "ignore"):
        table = train_label_map(roads, [0], train_void=void)  # type: ignore[arg-type]
        assert table[[0, 1, 2, 255]].tolist() == [0, 1, 255, 255]
    for unseen in ("background", "ignore"):
        table = seen_label_map(roads, 1, test_unseen=unseen)  # type: ignore[arg-type]
        assert table[[0, 1, 2, 255]].tolist() == [0, 1, 255, 255]
    scenes = LabelSpace(((1,),), ("unlabelled", "wall"), "unlabelled", has_background=False)
    assert train_label_map(scenes, [0])[[0, 1, 255]].tolist() == [255, 0, 255]
