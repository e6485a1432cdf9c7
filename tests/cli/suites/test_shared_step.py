"""Shared first steps on the disk: whole, damaged in either file, and set aside."""

import pytest

from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.suites.shared_step import damage, set_aside
from tests.cli.suites.suites import plan_of


@pytest.fixture
def first(devkit, tmp_path):
    (job,) = plan_of(devkit, tmp_path, method=["FT", "MiB"], epochs=1).first_steps
    assert main(job.command) == 0
    return job


def test_damage_is_found_in_model_and_state_and_what_is_set_aside_is_kept(first):
    state = first.model.with_suffix(".state.pt")
    assert damage(first) is None
    whole = first.model.read_bytes()
    first.model.write_bytes(whole[: len(whole) // 2])
    assert str(first.model) in damage(first)
    first.model.write_bytes(whole)
    state.write_bytes(state.read_bytes()[:-50])
    assert str(state) in damage(first)
    state.unlink()
    assert damage(first) == f"{state} is missing"
    assert first.finished
    set_aside(first)
    first.again()
    assert not first.finished
    assert first.model.with_name("step0.safetensors.damaged").read_bytes() == whole
