import numpy as np
import pytest

from avalanche_seg.benchmarks import split_classes
from avalanche_seg.benchmarks.class_splits import named_order
from avalanche_seg.datasets.voc_tasks import VOC_ORDERS, presence_partition

STEPS = (tuple(range(1, 16)), (16,), (17,), (18,), (19,), (20,))


def test_there_are_22_random_orders_by_two_names() -> None:
    letters = "bcdefghijklmnopqrstuvw"
    assert set(VOC_ORDERS) == {f"{task}_{x}" for task in ("15-5s", "15-1") for x in letters}
    assert all(sorted(order) == list(range(1, 21)) for order in VOC_ORDERS.values())
    assert len(set(VOC_ORDERS.values())) == len(letters)


@pytest.mark.parametrize("task", ["15-5s_b", "15-1_b"])
def test_an_order_is_cut_by_its_own_task(task: str) -> None:
    grammar, order = named_order(task, None, VOC_ORDERS)
    steps = split_classes(grammar, class_ids=range(1, 21), class_order=order)
    assert steps[0] == (12, 9, 20, 7, 15, 8, 14, 16, 5, 19, 4, 1, 13, 2, 11)
    assert steps[1:] == ((17,), (3,), (6,), (18,), (10,))


def _presence(shown: list[list[int]]) -> np.ndarray:
    presence = np.zeros((len(shown), 256), dtype=bool)
    for image, values in enumerate(shown):
        presence[image, values] = True
    return presence


def test_the_partition_is_the_draw_of_the_legacy_generator() -> None:
    shown = [[0, 1, 16], [0, 255], [2, 17, 18], [0, 20, 255], [3, 4], [15, 16], [19, 20]] * 40
    state = np.random.RandomState(0)
    expected: list[list[int]] = [[] for _ in STEPS]
    for image, values in enumerate(shown):
        classes = [value for value in values if value not in (0, 255)]
        if classes:
            drawn = state.choice(classes)
            expected[max(0, drawn - 15)].append(image)
    found = presence_partition(_presence(shown), STEPS)
    assert [list(part) for part in found] == expected
    # Images of one class need no draw of the generator, and those without one belong nowhere.
    assert sum(map(len, found)) == 6 * 40 and 3 in found[5]


def test_a_drawn_class_of_no_step_leaves_its_image_out() -> None:
    assert presence_partition(_presence([[3], [2], [1, 3]]), ((1,), (2,)), seed=1) in (
        [(), (1,)],
        [(2,), (1,)],
    )
