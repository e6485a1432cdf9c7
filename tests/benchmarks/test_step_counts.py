"""Images by step without a benchmark: the same as the benchmark's own."""

import pytest

from avalanche_seg.benchmarks import SETTINGS, split_classes, usual_tasks
from avalanche_seg.benchmarks.step_counts import count_steps, steps_of
from avalanche_seg.datasets import mask_statistics
from tests.insects import benchmark


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("task", ["2-1", "2-2", [[4], [1, 2]]])
def test_counts_are_the_lengths_of_the_benchmarks_streams(devkit, task, setting):
    known = (mask_statistics(split, progress=False) for split in (devkit.train, devkit.test))
    counts = count_steps(devkit, *known, task, steps_of(devkit, task), setting)
    streams = benchmark(devkit, task=task, setting=setting)
    assert counts.train == tuple(len(step.dataset) for step in streams.train_stream)
    assert counts.test == tuple(len(step.dataset) for step in streams.test_stream)
    assert sum(counts.classes) == streams.n_classes - 1


@pytest.mark.parametrize("n", range(1, 40))
def test_the_usual_tasks_fit_any_number_of_classes(n):
    tasks = usual_tasks(n)
    assert len(set(tasks)) == len(tasks)
    for task in tasks:
        assert sum(map(len, split_classes(task, class_ids=range(1, n + 1)))) == n
