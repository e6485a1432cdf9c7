"""Whether methods are apart over their seeds."""

import math

import pytest

from avalanche_seg.cli.reading import read_sections
from avalanche_seg.cli.significance import check_against, paired_difference, told_apart
from tests.cli.runs import write_run

# Student's t at 0.975, from a printed table.
QUANTILES = {1: 12.706, 2: 4.303, 4: 2.776, 9: 2.262}


def naive(first, second):
    """Mean and half the interval, typed again."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    n = len(differences)
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    return mean, QUANTILES[n - 1] * math.sqrt(variance / n)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_the_interval_is_students(n):
    first = [30 + math.sin(7 * i) for i in range(n)]
    second = [29 + math.cos(5 * i) for i in range(n)]
    found = paired_difference(dict(enumerate(first)), dict(enumerate(second)))
    mean, half = naive(first, second)
    assert found.mean == pytest.approx(mean)
    assert (found.low, found.high) == pytest.approx((mean - half, mean + half), abs=1e-3)


def test_only_common_seeds_count_and_they_are_paired():
    # Apart only because every seed has nearly the same gain; the seeds themselves spread by 20.
    first = {0: 12.0, 1: 22.1, 2: 32.0, 7: 99.0}
    second = {2: 30.0, 1: 20.0, 0: 10.0, 8: 1.0}
    found = paired_difference(first, second)
    assert len(found.values) == 3 and found.apart
    assert str(found) == "apart: +2.0 [1.9, 2.2], 3 seeds"


def test_words():
    assert str(paired_difference({0: 1.0, 1: 5.0}, {0: 2.0, 1: 3.0})) == (
        "not apart: +0.5 [-18.6, 19.6], 2 seeds"
    )
    assert str(paired_difference({0: 1.0}, {0: 2.0})) == (
        "cannot be told: -1.0, 1 seed in common, two or more are needed"
    )
    assert str(paired_difference({0: 1.0}, {1: 2.0})) == (
        "cannot be told: 0 seeds in common, two or more are needed"
    )
    assert not paired_difference({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}).apart, "equal in every seed"


def runs(tmp_path, seeds=(0, 1, 2), **levels):
    """Runs whose mIoU of all classes is a method's level, and a little more by seed."""
    folders = [
        write_run(
            tmp_path / f"{method}{seed}",
            [{"background": 0.9, "cat": level + 0.01 * seed + 0.001 * seed**2 * (method == "MiB")}],
            seed=seed,
            method=method,
        )
        for method, level in levels.items()
        for seed in seeds
    ]
    return read_sections(folders)


def test_each_method_is_compared_with_the_next_best(tmp_path):
    (section,) = runs(tmp_path, FT=0.1, MiB=0.4, LWF=0.3, JOINT=0.9)
    assert told_apart(section) == [
        "MiB - LWF: apart: +10.2 [9.6, 10.7], 3 seeds",
        "LWF - FT: apart: +20.0 [20.0, 20.0], 3 seeds",
    ]
    assert [line.partition(":")[0] for line in told_apart(section, "joint")] == [
        "FT - JOINT", "MiB - JOINT", "LWF - JOINT",
    ]  # fmt: skip


def test_one_seed_tells_nothing(tmp_path):
    (section,) = runs(tmp_path, seeds=(0,), FT=0.1, MiB=0.4)
    assert told_apart(section) == [
        "No two methods share two seeds: which is better cannot be told."
    ]
    (alone,) = runs(tmp_path / "alone", FT=0.1)
    assert told_apart(alone) == []


def test_a_method_that_nobody_ran_is_refused(tmp_path):
    sections = runs(tmp_path, FT=0.1, MiB=0.4)
    check_against(sections, "mib")
    with pytest.raises(ValueError, match="--against EWC: no run is of it; expected one of FT, MiB"):
        check_against(sections, "EWC")


def test_a_seed_that_was_run_twice_counts_once(tmp_path):
    folders = [
        write_run(tmp_path / str(i), [{"background": 0.9, "cat": 0.1 * i}], seed=0) for i in (1, 2)
    ]
    (group,) = read_sections(folders)[0].groups
    assert (len(group.runs), group.n_seeds) == (2, 1)
    assert group.by_seed("mIoU_all") == pytest.approx({0: 15.0})
