import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from avalanche_seg.benchmarks import OLD_LABELS, SETTINGS, settings

STEPS = ((2, 1), (3,), (4,))

# The values each image holds; class 5 is never learned.
IMAGES = [
    {0, 1, 255},  # 0
    {1, 2},  # 1
    {0, 2, 3},  # 2
    {0, 3},  # 3
    {3, 4, 255},  # 4
    {0, 1, 4},  # 5
    {4},  # 6
    {0, 255},  # 7: no class at all
    {0, 1, 5},  # 8
    {0, 1, 2, 3, 4},  # 9
    {0, 4, 5},  # 10
]

EXPECTED = {
    "overlapped": [[0, 1, 2, 5, 8, 9], [2, 3, 4, 9], [4, 5, 6, 9, 10]],
    "disjoint": [[0, 1], [2, 3], [4, 5, 6, 9]],
    "sequential": [[0, 1], [2, 3], [4, 5, 6, 9]],
}


def _table(images: list[set[int]]) -> NDArray[np.bool_]:
    presence = np.zeros((len(images), 256), dtype=bool)
    for row, values in zip(presence, images, strict=True):
        row[list(values)] = True
    return presence


def _lists(chosen: list[settings.Indices]) -> list[list[int]]:
    assert all(indices.dtype == np.int64 for indices in chosen)
    return [indices.tolist() for indices in chosen]


@pytest.mark.parametrize("setting", EXPECTED)
def test_images_of_every_step(setting: str) -> None:
    assert _lists(settings.train_images(_table(IMAGES), STEPS, setting)) == EXPECTED[setting]


def test_given_partition() -> None:
    partition = [[9, 0], [], [3, 7, 6]]
    chosen = settings.train_images(_table(IMAGES), STEPS, "partitioned", partition=partition)
    assert _lists(chosen) == [[0, 9], [], [3, 6, 7]]
    assert partition == [[9, 0], [], [3, 7, 6]]


def test_drawn_partition() -> None:
    presence = _table(IMAGES)
    chosen = _lists(settings.train_images(presence, STEPS, "partitioned", seed=1))
    assert sorted(i for part in chosen for i in part) == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]
    only_one_choice = [{0, 1, 8}, {3}, {6, 10}]
    assert all(fixed <= set(part) for fixed, part in zip(only_one_choice, chosen, strict=True))
    again = settings.train_images(presence, STEPS, "partitioned", seed=1)
    assert _lists(again) == chosen
    draws = [
        _lists(settings.train_images(presence, STEPS, "partitioned", seed=s)) for s in range(9)
    ]
    assert any(draw != chosen for draw in draws)


def test_drawn_partition_is_uniform_over_the_steps_of_an_image() -> None:
    presence = _table([{0, 1, 3, 4}] * 3000 + [{1, 3}] * 3000)
    parts = settings.train_images(presence, STEPS, "partitioned", seed=0)
    assert [abs((part < 3000).sum() - 1000) < 100 for part in parts] == [True] * 3
    assert [(part >= 3000).sum() // 100 for part in parts] == pytest.approx([15, 15, 0], abs=1)


@pytest.mark.parametrize(
    ("partition", "texts"),
    [
        ([[0], [1]], ["partition has 2 lists", "expected 3"]),
        ([[0, 1], [1, 2], [2]], ["[1, 2] twice", "to one step"]),
        ([[0], [0], [1]], ["[0] twice"]),
        ([[0], [1], [11]], ["0..10", "[11]"]),
        ([[0], [-1], [2]], ["0..10", "[-1]"]),
    ],
)
def test_bad_partitions(partition: list[list[int]], texts: list[str]) -> None:
    with pytest.raises(ValueError, match="partition") as error:
        settings.train_images(_table(IMAGES), STEPS, "partitioned", partition=partition)
    for text in texts:
        assert text in str(error.value)


def test_partition_needs_its_setting() -> None:
    with pytest.raises(ValueError, match=r"setting='disjoint'.*pass setting='partitioned'"):
        settings.train_images(_table(IMAGES), STEPS, "disjoint", partition=[[0], [1], [2]])


def test_unknown_names_list_the_known_ones() -> None:
    known = "disjoint, overlapped, sequential, partitioned"
    with pytest.raises(ValueError, match=rf"setting='overlap' is unknown.*{known}"):
        settings.train_images(_table(IMAGES), STEPS, "overlap")


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("old_labels", OLD_LABELS)
def test_visible_steps(setting: str, old_labels: str) -> None:
    shows_old = setting == "sequential" or old_labels == "visible"
    visible = [list(settings.visible_steps(setting, old_labels, step)) for step in range(3)]
    assert visible == ([[0], [0, 1], [0, 1, 2]] if shows_old else [[0], [1], [2]])


def test_seen_test_images_are_cumulative() -> None:
    seen = [settings.seen_test_images(_table(IMAGES), STEPS, step).tolist() for step in range(3)]
    assert seen == [[0, 1, 2, 5, 8, 9], [0, 1, 2, 3, 4, 5, 8, 9], [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]]


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[set[int]], tuple[tuple[int, ...], ...]]:
    order = draw(st.permutations(range(1, 8)))[: draw(st.integers(1, 7))]  # the rest: left out
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=3)) if order[1:] else ())
    bounds = zip([0, *cuts], [*cuts, len(order)], strict=True)
    steps = tuple(tuple(order[start:end]) for start, end in bounds)
    values = st.sampled_from([0, *range(1, 8), 255])
    return draw(st.lists(st.sets(values, min_size=1, max_size=5), min_size=1, max_size=12)), steps


def _naive(
    images: list[set[int]], steps: tuple[tuple[int, ...], ...], mode: str
) -> list[list[int]]:
    chosen: list[list[int]] = []
    old: set[int] = set()
    for step in steps:
        new = set(step)
        chosen.append([])
        for i, values in enumerate(images):
            has_new = any(value in new for value in values)
            all_known = all(value in old | new | {0, 255} for value in values)
            if has_new and (mode == "overlapped" or all_known):
                chosen[-1].append(i)
        old |= new
    return chosen


@given(_cases())
def test_agrees_with_the_protocol(
    case: tuple[list[set[int]], tuple[tuple[int, ...], ...]],
) -> None:
    images, steps = case
    presence = _table(images)
    for setting in ("overlapped", "disjoint", "sequential"):
        chosen = _lists(settings.train_images(presence, steps, setting))
        assert chosen == _naive(images, steps, setting)
    overlapped = _naive(images, steps, "overlapped")
    parts = _lists(settings.train_images(presence, steps, "partitioned", seed=len(images)))
    owned = [i for part in parts for i in part]
    assert len(set(owned)) == len(owned)
    assert set(owned) == {i for part in overlapped for i in part}
    assert all(set(part) <= set(kept) for part, kept in zip(parts, overlapped, strict=True))


def test_where_zero_is_a_class_it_is_no_background() -> None:
    presence = _table([{0, 1}, {1, 255}, {0, 2}])
    chosen = settings.train_images(presence, ((1,), (0, 2)), "disjoint", background_id=255)
    assert _lists(chosen) == [[1], [0, 2]]
    assert _lists(settings.train_images(presence, ((1,), (2,)), "disjoint")) == [[0, 1], [2]]
