import numpy as np
import pytest

from avalanche_seg.benchmarks import split_classes
from avalanche_seg.benchmarks.class_splits import named_order
from avalanche_seg.datasets.ade20k_tasks import ADE20K_NAMES, ADE20K_ORDERS, ADE20K_PARTITIONS

SIZES = {
    "100-50": [100, 50],
    "100-10": [100, *[10] * 5],
    "100-5": [100, *[5] * 10],
    "50": [50] * 3,
    "50-50": [50] * 3,
    "100-25": [100, 25, 25],
    "50-10": [50, *[10] * 10],
    "50-20": [50, *[20] * 5],
    "100-50b": [100, 50],
    "100-10b": [100, *[10] * 5],
    "100-50c": [100, 50],
    "100-10c": [100, *[10] * 5],
    "50b": [50] * 3,
    "50c": [50] * 3,
}
# Images of every step, from the tables of MiB; 14 belong to none.
COUNTS = {
    "100-50": [13452, 6744],
    "50": [8219, 6384, 5593],
    "50-50": [8219, 6384, 5593],
    "100-10": [13452, 1130, 1200, 1366, 1550, 1498],
}
PRESENCE = np.zeros((20210, 1), dtype=bool)


def steps_of(task: str) -> tuple[tuple[int, ...], ...]:
    grammar, order = named_order(task, None, ADE20K_ORDERS)
    return split_classes(grammar, class_ids=range(1, 151), class_order=order)


@pytest.mark.parametrize(("task", "sizes"), SIZES.items())
def test_steps_of_every_task(task: str, sizes: list[int]) -> None:
    steps = steps_of(task)
    assert [len(step) for step in steps] == sizes
    assert sorted(c for step in steps for c in step) == list(range(1, 151))


def test_orders_b_and_c() -> None:
    assert [steps_of("100-10b")[k][0] for k in range(6)] == [1, 11, 30, 2, 4, 17]
    assert [sum(step) for step in steps_of("100-10c")[1:]] == [559, 886, 735, 961, 846]
    for letter in "bc":
        base, *later = steps_of(f"100-10{letter}")
        merged = tuple(c for step in later for c in step)
        assert steps_of(f"100-50{letter}") == (base, merged)
        assert all(list(step) == sorted(step) for step in (base, *later, *steps_of(f"50{letter}")))


@pytest.mark.parametrize(("task", "counts"), COUNTS.items())
def test_counts_of_mibs_partitions(task: str, counts: list[int]) -> None:
    parts = ADE20K_PARTITIONS[task](PRESENCE, steps_of(task))
    assert [len(part) for part in parts] == counts
    owned = [image for part in parts for image in part]
    assert len(set(owned)) == len(owned) == 20210 - 14


def test_partitions_of_order_b_have_as_many_steps_as_their_tasks() -> None:
    for task in ("100-50b", "100-10b", "50b"):
        parts = ADE20K_PARTITIONS[task](PRESENCE, steps_of(task))
        assert len(parts) == len(SIZES[task]) and sum(map(len, parts)) == 20196


def test_another_number_of_images_has_no_partition() -> None:
    with pytest.raises(ValueError, match=r"'100-50' of ADE20K is made for 20210 .* got 3: restore"):
        ADE20K_PARTITIONS["100-50"](PRESENCE[:3], steps_of("100-50"))


def test_names() -> None:
    assert len(ADE20K_NAMES) == len(set(ADE20K_NAMES)) == 150
    assert (ADE20K_NAMES[20 - 1], ADE20K_NAMES[137 - 1]) == ("chair", "traffic light")
