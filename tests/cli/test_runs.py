"""Finished runs as their folders tell them."""

import pytest

from avalanche_seg.cli.reading import read_sections
from tests.cli.runs import PEAK, write_run


@pytest.fixture
def run(tmp_path):
    folder = write_run(tmp_path / "a", [{"background": 0.9, "cat": None}], seed=7)
    return read_sections([folder])[0].groups[0].runs[0]


def test_the_seed_is_no_setting(run):
    assert run.seed == 7
    assert "random_seed" not in run.settings and run.settings["lr"] == 0.1
    del run.config["random_seed"]
    assert run.seed is None


def test_equal_keys_are_equal_settings(run):
    assert '"task": "2-1"' in run.key()
    assert "task" not in run.key(without=["task"])


def test_the_peak_is_the_gpus_where_it_has_one(run):
    assert run.peak_memory == ("resident", PEAK["resident"])
    run.results["peak_memory"] = PEAK | {"gpu": 5}
    assert run.peak_memory == ("gpu", 5)
    run.results["peak_memory"] = {}
    assert run.peak_memory is None
    del run.results["peak_memory"]
    assert run.peak_memory is None
