import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avalanche_seg.benchmarks import split_classes
from avalanche_seg.benchmarks.class_splits import KNOWN_TASKS, named_order

ALL_BUT_5 = (*range(1, 5), *range(6, 21))

# The first class of every step, VOC, ascending ids.
FIRST_CLASSES = {
    "offline": [1],
    "19-1": [1, 20],
    "15-5": [1, 16],
    "15-5s": [1, 16, 17, 18, 19, 20],
    "15-1": [1, 16, 17, 18, 19, 20],
    "10-5-5": [1, 11, 16],
    "10-5": [1, 11, 16],
    "10-10": [1, 11],
    "10-1": [1, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    "5-5": [1, 6, 11, 16],
    "5-3": [1, 6, 9, 12, 15, 18],
    "5-1": [1, *range(6, 21)],
    "2-2": [1, 3, 5, 7, 9, 11, 13, 15, 17, 19],
    "2-1": [1, *range(3, 21)],
    "4-4": [1, 5, 9, 13, 17],
    "8-2": [1, 9, 11, 13, 15, 17, 19],
}


def _steps(first_classes: list[int], n_classes: int) -> tuple[tuple[int, ...], ...]:
    ends = [*first_classes[1:], n_classes + 1]
    return tuple(tuple(range(first, end)) for first, end in zip(first_classes, ends, strict=True))


@pytest.mark.parametrize("task", FIRST_CLASSES)
def test_tasks_on_voc(task: str) -> None:
    assert split_classes(task, class_ids=range(1, 21)) == _steps(FIRST_CLASSES[task], 20)


def test_19_1b_learns_bottle_last() -> None:
    assert split_classes("19-1b", class_ids=range(1, 21)) == (ALL_BUT_5, (5,))


def test_known_tasks_are_the_published_ones() -> None:
    assert len(set(KNOWN_TASKS)) == len(KNOWN_TASKS)
    assert set(KNOWN_TASKS) == {*FIRST_CLASSES, "19-1b"}


@pytest.mark.parametrize(
    ("task", "first_classes"),
    [
        ("50", [1, 51, 101]),
        ("50-50", [1, 51, 101]),
        ("100-50", [1, 101]),
        ("100-10", [1, 101, 111, 121, 131, 141]),
        ("100-5", [1, *range(101, 150, 5)]),
        ("100-50s", [1, *range(101, 151)]),
        ("90-20-20-20", [1, 91, 111, 131]),
    ],
)
def test_tasks_on_ade20k(task: str, first_classes: list[int]) -> None:
    assert split_classes(task, class_ids=range(1, 151)) == _steps(first_classes, 150)


@pytest.mark.parametrize(
    ("task", "sizes"),
    [("12-3", [12, 3, 3, 2]), ("6", [6, 6, 6, 2]), ("15-10", [15, 5]), ("3-9-8", [3, 9, 8])],
)
def test_sizes_and_the_short_last_group(task: str, sizes: list[int]) -> None:
    assert [len(step) for step in split_classes(task, class_ids=range(1, 21))] == sizes


def test_class_order_is_cut_into_groups() -> None:
    order = [3, 6, 1, 5, 2, 4]
    classes: Any = {"class_ids": range(1, 7), "class_order": order}
    assert split_classes("2-3", **classes) == (
        (3, 6),
        (1, 5, 2),
        (4,),
    )
    assert split_classes("4-2s", **classes) == (
        (3, 6, 1, 5),
        (2,),
        (4,),
    )
    assert split_classes("offline", **classes) == (tuple(order),)
    assert split_classes("5-1b", **classes) == (
        (3, 6, 1, 5, 4),
        (2,),
    )
    assert order == [3, 6, 1, 5, 2, 4]


def test_explicit_steps() -> None:
    assert split_classes([[4, 2], [1], [3]], class_ids=range(1, 5)) == ((4, 2), (1,), (3,))
    assert split_classes(((2,), (4,)), class_ids=range(1, 5)) == (
        (2,),
        (4,),
    )  # 1 and 3 are left out


BAD_NAMES: list[tuple[str, list[str]]] = [
    ("15+5", ["is not a task", "'offline'"]),
    ("", ["is not a task"]),
    ("15-5t", ["is not a task"]),
    ("15-5-s", ["is not a task"]),
    ("19-1c", ["is not a task"]),
    ("-5", ["is not a task"]),
    ("0", ["has a group of no class"]),
    ("0-5", ["has a group of no class"]),
    ("15-0", ["has a group of no class"]),
    ("10-0-10", ["has a group of no class"]),
    ("15-4s", ["adds up to 19 classes"]),
    ("15-6s", ["adds up to 21 classes"]),
    ("10-5-4", ["adds up to 19 classes"]),
    ("5-5-5-6", ["adds up to 21 classes"]),
    ("15s", ["'s' without the form A-Bs"]),
    ("10-5-5s", ["'s' without the form A-Bs"]),
    ("20", ["leaves no class", "base of 20"]),
    ("20-1", ["leaves no class", "base of 20"]),
    ("25-5", ["leaves no class", "base of 25"]),
    ("18-1b", ["holds one class out of a different number"]),
]


@pytest.mark.parametrize(("task", "texts"), BAD_NAMES, ids=[task for task, _ in BAD_NAMES])
def test_bad_names(task: str, texts: list[str]) -> None:
    with pytest.raises(ValueError, match=re.escape(f"task={task!r}")) as error:
        split_classes(task, class_ids=range(1, 21))
    for text in (*texts, "20 classes", "expected", "15-5s"):
        assert text in str(error.value)


def test_holding_the_fifth_class_out_needs_five() -> None:
    assert split_classes("4-1b", class_ids=range(1, 6)) == ((1, 2, 3, 4), (5,))
    with pytest.raises(ValueError, match=r"task='3-1b'.*the dataset has 4 classes"):
        split_classes("3-1b", class_ids=range(1, 5))


BAD_CLASSES: list[tuple[Any, list[int] | None, list[str]]] = [
    ([[1, 2], [2]], None, ["task", "[2] twice", "list each class once"]),
    ([[1, 1]], None, ["task", "[1] twice"]),
    ([[1], [5]], None, ["task", "[5]", "expected ids in 1..4"]),
    ([[0, 1]], None, ["task", "[0]", "0, the background"]),
    ([[1], [255]], None, ["task", "[255]"]),
    ([[1], [-2]], None, ["task", "[-2]"]),
    ([[1, 2], []], None, ["[[1, 2], []]", "empty step", "at least one class"]),
    ([], None, ["[]", "empty step"]),
    ([[1], [2]], [1, 2, 3, 4], ["explicit steps", "class_order=[1, 2, 3, 4]", "leave class_order"]),
    ("2-2", [1, 2, 4], ["class_order has 3 classes", "has 4", "add [3]"]),
    ("2-2", [1, 2, 3, 3], ["class_order", "[3] twice"]),
    ("2-2", [1, 2, 3, 5], ["class_order", "[5]", "1..4"]),
    ("2-2", [0, 1, 2, 3], ["class_order", "[0]"]),
]


@pytest.mark.parametrize(("task", "class_order", "texts"), BAD_CLASSES)
def test_bad_classes(task: Any, class_order: list[int] | None, texts: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        split_classes(task, class_ids=range(1, 5), class_order=class_order)
    for text in texts:
        assert text in str(error.value)


@pytest.mark.parametrize("task", [[15, 5], ["15", "5"], 15])
def test_a_task_of_the_wrong_form_is_named(task: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(task))):
        split_classes(task, class_ids=range(1, 21))


@st.composite
def _numbers(draw: st.DrawFn) -> tuple[int, int, int]:
    n_classes = draw(st.integers(2, 60))
    return n_classes, draw(st.integers(1, n_classes - 1)), draw(st.integers(1, 70))


@given(_numbers())
def test_base_and_groups_partition_the_classes(numbers: tuple[int, int, int]) -> None:
    n_classes, base, group = numbers
    steps = split_classes(f"{base}-{group}", class_ids=range(1, n_classes + 1))
    assert [c for step in steps for c in step] == list(range(1, n_classes + 1))
    assert len(steps[0]) == base
    assert all(len(step) == group for step in steps[1:-1])
    assert 1 <= len(steps[-1]) <= group
    one_by_one = split_classes(f"{base}-{n_classes - base}s", class_ids=range(1, n_classes + 1))
    assert one_by_one == (steps[0], *((c,) for step in steps[1:] for c in step))


ORDERS = {"b": [3, 1, 2], "2-1c": [2, 3, 1], "2-1s": [1, 3, 2], "offline": [3, 2, 1]}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("2-1_b", ("2-1", [3, 1, 2])),
        ("2-1s_b", ("2-1s", [3, 1, 2])),
        ("offline_b", ("offline", [3, 1, 2])),
        ("1-1-1_b", ("1-1-1", [3, 1, 2])),
        ("2-1c", ("2-1", [2, 3, 1])),
        ("2-1s", ("2-1s", [1, 3, 2])),
        ("offline", ("offline", [3, 2, 1])),
        ("2-1", ("2-1", None)),
        ("2-1b", ("2-1b", None)),  # MiB's grammar; an order needs the underscore.
        ("nonsense", ("nonsense", None)),
        ([[3], [1]], ([[3], [1]], None)),
    ],
)
def test_tasks_that_name_an_order(task: Any, expected: Any) -> None:
    assert named_order(task, None, ORDERS) == expected


def test_an_order_that_is_given_wins_over_names() -> None:
    assert named_order("2-1c", [1, 2, 3], ORDERS) == ("2-1c", [1, 2, 3])
    assert named_order("2-1", "2-1c", ORDERS) == ("2-1", [2, 3, 1])


@pytest.mark.parametrize("given", [{"task": "2-1_d"}, {"task": "2-1", "class_order": "d"}])
def test_unknown_orders_list_the_known_ones(given: dict[str, str]) -> None:
    (argument, value) = list(given.items())[-1]
    text = f"{argument}='{value}' names no class order.*expected one of b, 2-1c"
    with pytest.raises(ValueError, match=text):
        named_order(given["task"], given.get("class_order"), ORDERS)
    with pytest.raises(ValueError, match="it has none"):
        named_order(given["task"], given.get("class_order"), {})


def test_ids_need_not_start_at_one() -> None:
    assert split_classes("2-1", class_ids=range(4)) == ((0, 1), (2,), (3,))
    assert split_classes("1-2", class_ids=[5, 9, 7]) == ((5,), (9, 7))
    assert split_classes([[0]], class_ids=range(4)) == ((0,),)
    with pytest.raises(ValueError, match=r"holds \[4\].*expected ids in 0\.\.3$"):
        split_classes([[4]], class_ids=range(4))


@pytest.mark.parametrize(
    "task", ["\uff11\uff15-5", "15-\u0665", "15-\u096bs", "\u00b95-5", "\U0001d7cf9-1b"]
)
def test_digits_of_other_scripts_are_no_task(task):
    with pytest.raises(ValueError, match="is not a task"):
        split_classes(task, class_ids=range(1, 21))
