"""Tasks that differ in the order of their classes alone, put side by side."""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from avalanche_seg.cli.groups import Group, Section, labelled

__all__ = ["OrderFamily", "order_families", "task_and_order"]

# "15-1_b", and as ADE20K's tasks have it "100-50b"; the s of "15-5s" is no order.
_NAMED = re.compile(r"(?P<task>\d[\d-]*s?)_(?P<order>[a-z])|(?P<other>\d[\d-]*)(?P<last>[a-rt-z])")


def task_and_order(task: str) -> tuple[str, str]:
    """The task of a name, and the letter of its class order; "a" for the usual one.

    Example:
        >>> task_and_order("15-1_b"), task_and_order("100-50c"), task_and_order("15-5s")
        (('15-1', 'b'), ('100-50', 'c'), ('15-5s', 'a'))
    """
    found = _NAMED.fullmatch(task)
    if found is None:
        return task, "a"
    return found["task"] or found["other"], found["order"] or found["last"]


@dataclass(frozen=True)
class OrderFamily:
    """The runs of a task in several class orders.

    Attributes:
        title: task, setting and data.
        methods: by label the groups of its orders, by letter.
    """

    title: str
    methods: Mapping[str, Mapping[str, Group]]

    @property
    def orders(self) -> list[str]:
        """The letters, sorted."""
        return sorted({order for groups in self.methods.values() for order in groups})

    def values(self, label: str) -> list[float]:
        """The mIoU of all classes after the last step, in percent, by order: means over seeds."""
        by_order = (group.means("mIoU_all") for _, group in sorted(self.methods[label].items()))
        return [statistics.mean(values) for values in by_order if values]


def order_families(sections: Sequence[Section]) -> list[OrderFamily]:
    """The tasks of these sections that have runs in two class orders or more."""
    families: dict[tuple[str, str, str], dict[str, list[Group]]] = {}
    for section in sections:
        for group in section.groups:
            config = group.runs[0].config
            task, order = task_and_order(config["task"])
            family = families.setdefault((section.data, task, config["setting"]), {})
            family.setdefault(order, []).append(group)
    return [
        OrderFamily(f"{task} {setting} on {data}", _by_method(orders))
        for (data, task, setting), orders in families.items()
        if len(orders) > 1
    ]


def _by_method(orders: Mapping[str, Sequence[Group]]) -> dict[str, dict[str, Group]]:
    """By method and settings, whose labels are those of all orders together."""
    found: dict[str, dict[str, Group]] = {}
    alike: dict[str, list[Group]] = {}
    for order, groups in orders.items():
        for group in groups:
            key = group.runs[0].key(without=("task",))
            found.setdefault(key, {})[order] = group
            alike.setdefault(key, []).append(group)
    runs = [[run for group in groups for run in group.runs] for groups in alike.values()]
    labels = [group.label for group in labelled(runs, without=("task",))]
    return dict(zip(labels, found.values(), strict=True))
