import os

import pytest
import torch

from profiling.measuring import Comparison, compare, in_passes, seconds, single_thread


def test_pairs_of_two_comparisons_together():
    both = Comparison([1.0], [2.0]) + Comparison([1.0, 1.0], [4.0, 6.0])
    assert both.ratio == 4.0


def test_calls_alternate_ours_first():
    calls = []
    result = compare(lambda: calls.append("ours"), lambda: calls.append("theirs"), rounds=3)
    assert calls == ["ours", "theirs"] * 4  # One pair to warm up.
    assert len(result.ours) == len(result.theirs) == 3
    assert min(result.ours + result.theirs) > 0


def test_another_clock_is_read_before_and_after():
    readings = iter([0, 1, 10, 14, 100, 102, 1000, 1010])
    result = compare(list, list, rounds=1, clock=lambda: next(readings))
    assert (result.ours, result.theirs) == ([2], [10])


def test_rounds_below_one_are_refused():
    with pytest.raises(ValueError, match="rounds=0"):
        compare(list, list, rounds=0)


def test_the_ratio_is_the_median_over_pairs():
    # The machine is ten times slower during the second pair.
    result = Comparison(ours=[1.0, 10.0, 1.0], theirs=[4.0, 50.0, 6.0])
    assert result.ratio == 5.0
    assert (result.low, result.high) == (4.5, 5.5)
    assert (result.ours_median, result.theirs_median) == (1.0, 6.0)
    assert result.text() == "5.0x (4.5 to 5.5)"


def test_a_single_pair_has_no_spread_and_small_ratios_two_decimals():
    assert Comparison([2.0], [3.0]).text() == "1.50x (1.50 to 1.50)"


def named_by(case, suffix, quick):
    return f"{case}{suffix}", os.getpid()


def test_every_case_is_measured_in_a_process_of_its_own_pass_after_pass():
    results = in_passes(named_by, ("b", "a"), "!", quick=False, passes=2)
    assert list(results) == ["b", "a"]
    assert [name for name, _ in results["a"]] == ["a!", "a!"]
    processes = {process for measured in results.values() for _, process in measured}
    assert len(processes - {os.getpid()}) == 4


def test_seconds_of_a_call():
    assert 0 < seconds(lambda: sum(range(1000))) < 10


def test_single_thread_and_back():
    before = torch.get_num_threads()
    with single_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
