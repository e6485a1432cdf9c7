"""Task names -> which classes are learned at which step.

The grammar is that of MiB's task list (Cermelli et al., CVPR 2020) and of its followers:

=============  ==================================================================================
``offline``    every class at once (the joint upper bound)
``A-B``        A base classes, then groups of B until the classes run out (the last may be short)
``A-Bs``       A base classes, then the remaining B one at a time
``A-B-C-...``  groups of exactly these sizes; they must add up to the number of classes
``N``          groups of N, the same as ``N-N``
``(n-1)-1b``   MiB's 19-1b: every class but the fifth, then the fifth
=============  ==================================================================================

An explicit list of lists of dataset ids is accepted as well, and so are the class orders that a
data set names: ``15-1_b`` cuts the order "b" by the task 15-1, and a task that is a name itself,
such as ``100-10b``, cuts its order by the task before the letter.
"""

import operator
import re
from collections.abc import Mapping, Sequence
from itertools import islice

from avalanche_seg.benchmarks.options import Steps, Task

__all__ = ["KNOWN_TASKS", "named_order", "split_classes"]

KNOWN_TASKS = (
    *("offline", "19-1", "19-1b", "15-5", "15-5s", "15-1", "10-5-5", "10-5", "10-10", "10-1"),
    *("5-5", "5-3", "5-1", "2-2", "2-1", "4-4", "8-2"),
)
"""The names used in the literature on VOC; any other sizes of the same grammar work as well."""

_GRAMMAR = r"(offline|[0-9]+(?:-[0-9]+)*s?)"
_HELD_OUT_CLASS = 5  # MiB's 19-1b learns VOC's class 5 (bottle) last.


def named_order(
    task: Task, class_order: Sequence[int] | str | None, class_orders: Mapping[str, Sequence[int]]
) -> tuple[Task, Sequence[int] | None]:
    """Replace the name of a class order, in a task or as the order itself, by the order.

    Args:
        task: of the grammar above, or one that names an order: ``TASK_NAME``, or a whole task that
            is a name.
        class_order: an order, its name, or None.
        class_orders: the data set's orders by name.

    Returns:
        The task by its grammar alone, and the order, as :func:`split_classes` takes them.

    Raises:
        ValueError: for an unknown name, listing the known ones.

    Example:
        >>> orders = {"b": [3, 1, 2], "2-1c": [2, 3, 1]}
        >>> named_order("2-1_b", None, orders)
        ('2-1', [3, 1, 2])
        >>> named_order("2-1c", None, orders)
        ('2-1', [2, 3, 1])
        >>> named_order("1-1", "b", orders)
        ('1-1', [3, 1, 2])
    """
    if isinstance(class_order, str):
        return task, _order_named(class_order, class_orders, f"class_order={class_order!r}")
    if not isinstance(task, str) or class_order is not None:
        return task, class_order
    if task in class_orders:
        cut = re.match(_GRAMMAR, task)
        return cut[1] if cut else task, class_orders[task]
    named = re.fullmatch(rf"{_GRAMMAR}_(\w+)", task)
    if named is None:
        return task, None
    return named[1], _order_named(named[2], class_orders, f"task={task!r}")


def _order_named(
    name: str, class_orders: Mapping[str, Sequence[int]], argument: str
) -> Sequence[int]:
    if name not in class_orders:
        known = f"expected one of {', '.join(class_orders)}" if class_orders else "it has none"
        raise ValueError(f"{argument} names no class order of this data set; {known}")
    return class_orders[name]


def split_classes(
    task: Task, *, class_ids: Sequence[int], class_order: Sequence[int] | None = None
) -> tuple[tuple[int, ...], ...]:
    """Split the foreground classes of a dataset into steps.

    Args:
        task: a name of the grammar above, or explicit steps of dataset ids. Explicit steps may
            leave classes out; those are never learned (background in training, unseen in the test).
        class_ids: ids of the foreground classes of the dataset.
        class_order: a permutation of them that a named task cuts into groups; default as they are
            given. Not allowed with explicit steps, which are an order already.

    Returns:
        Dataset ids by step, background left out.

    Raises:
        ValueError: for an unknown name, a class listed twice, an id that is no class, an empty
            step, sizes that do not fit the number of classes.

    Example:
        >>> split_classes("2-2", class_ids=range(1, 6))
        ((1, 2), (3, 4), (5,))
        >>> split_classes("3-2s", class_ids=range(1, 6), class_order=[5, 4, 3, 2, 1])
        ((5, 4, 3), (2,), (1,))
        >>> split_classes([[4], [1, 2]], class_ids=range(1, 6))
        ((4,), (1, 2))
    """
    if not isinstance(task, str):
        if class_order is not None:
            raise ValueError(
                f"got explicit steps {_short(task)} and class_order={_short(class_order)}; steps "
                "are an order already: leave class_order out"
            )
        return _explicit_steps(task, class_ids)
    n_foreground = len(class_ids)
    order = [int(c) for c in (class_ids if class_order is None else class_order)]
    _check_classes("class_order", order, class_ids)
    if len(order) != n_foreground:
        missing = sorted(set(class_ids) - set(order))
        raise ValueError(
            f"class_order has {len(order)} classes, the dataset has {n_foreground}; add "
            f"{missing}, or give the task as explicit lists to leave classes out"
        )
    if re.fullmatch(r"[0-9]+-1b", task):
        return _last_class_held_out(task, order)
    remaining = iter(order)
    sizes = _group_sizes(task, n_foreground)
    return tuple(tuple(islice(remaining, size)) for size in sizes)


def _explicit_steps(task: Steps, class_ids: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    try:
        # Not int(): it would read the text "15" as digits and cut 1.7 to 1.
        steps = tuple(tuple(operator.index(class_id) for class_id in step) for step in task)
    except TypeError as error:
        raise ValueError(
            f"task={_short(task)} is no list of lists of ids; expected a name such as '15-5', or "
            "steps such as [[1, 2], [3]]"
        ) from error
    if not steps or not all(steps):
        raise ValueError(
            f"task={_short(task)} has an empty step; every step needs at least one class"
        )
    _check_classes("task", [c for step in steps for c in step], class_ids)
    return steps


def _group_sizes(task: str, n_foreground: int) -> list[int]:
    if task == "offline":
        return [n_foreground]
    match = re.fullmatch(r"([0-9]+)((?:-[0-9]+)*)(s?)", task)
    if match is None:
        raise _unknown(task, n_foreground, "is not a task")
    base, rest = int(match[1]), [int(size) for size in match[2].split("-")[1:]]
    one_by_one = bool(match[3])
    if base < 1 or any(size < 1 for size in rest):
        raise _unknown(task, n_foreground, "has a group of no class")
    if one_by_one and len(rest) != 1:
        raise _unknown(task, n_foreground, "has an 's' without the form A-Bs")
    if one_by_one or len(rest) > 1:
        sizes = [base, *([1] * rest[0] if one_by_one else rest)]
        if sum(sizes) != n_foreground:
            raise _unknown(task, n_foreground, f"adds up to {sum(sizes)} classes")
        return sizes
    group = rest[0] if rest else base
    if base >= n_foreground:
        raise _unknown(task, n_foreground, f"leaves no class for a step after the base of {base}")
    full, short = divmod(n_foreground - base, group)
    return [base] + [group] * full + ([short] if short else [])


def _last_class_held_out(task: str, order: list[int]) -> tuple[tuple[int, ...], ...]:
    n_foreground = len(order)
    if int(task.split("-")[0]) != n_foreground - 1 or n_foreground < _HELD_OUT_CLASS:
        raise _unknown(task, n_foreground, "holds one class out of a different number")
    held_out = order[_HELD_OUT_CLASS - 1]
    return tuple(c for c in order if c != held_out), (held_out,)


def _check_classes(argument: str, classes: Sequence[int], class_ids: Sequence[int]) -> None:
    doubled = sorted({c for c in classes if classes.count(c) > 1})
    if doubled:
        raise ValueError(f"{argument} lists the classes {doubled} twice; list each class once")
    foreign = sorted(set(classes) - set(class_ids))
    hint = "" if 0 in class_ids else " (0, the background, is part of step 0 anyway)"
    if foreign:
        raise ValueError(
            f"{argument} holds {foreign}, which are no foreground classes of this dataset; "
            f"expected ids in {min(class_ids)}..{max(class_ids)}{hint}"
        )


def _unknown(task: str, n_foreground: int, why: str) -> ValueError:
    return ValueError(
        f"task={task!r} {why}, the dataset has {n_foreground} classes; expected 'offline', 'A-B', "
        "'A-Bs', group sizes that add up, or a list of lists of ids. On VOC: "
        f"{', '.join(KNOWN_TASKS)}"
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
