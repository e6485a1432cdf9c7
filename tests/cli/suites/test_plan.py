"""Plans: what is shared, what is left, and what cannot be begun."""

import json

import pytest

from avalanche_seg.cli.running.benchmarks import make_benchmarks
from avalanche_seg.cli.running.data_record import record_data
from avalanche_seg.cli.running.run_folder import DATA_FILE
from avalanche_seg.cli.suites.plan import make_plan
from avalanche_seg.cli.suites.suite_file import make_suite
from tests.cli.suites.suites import content, plan_of


def test_runs_of_one_first_step_share_it_and_a_lone_one_trains_its_own(devkit, tmp_path):
    plan = plan_of(devkit, tmp_path, method=["FT", "MiB", "SMiB", "LWF-MC", "JOINT"])
    shared = {run.name: run.first_step for run in plan.runs}
    (first,) = plan.first_steps
    assert [name for name, job in shared.items() if job is first] == [
        "FT_15-5_overlapped_s3",
        "MiB_15-5_overlapped_s3",
        "SMiB+5_15-5_overlapped_s3",
    ]
    assert [sorted(run.iterations) for run in plan.runs] == [[1], [1], [1], [0, 1], [0]]
    assert plan.jobs[0] is first, "before those that need it"
    assert sorted(first.iterations) == [0]


def test_every_seed_has_its_first_step_and_tasks_of_one_base_have_it_together(devkit, tmp_path):
    plan = plan_of(
        devkit, tmp_path, method=["FT", "MiB"], random_seed=[0, 1], task=["10-10", "10-5"]
    )
    assert len(plan.runs) == 8
    assert len(plan.first_steps) == 2


def test_a_first_step_that_is_there_is_used_by_a_run_that_joins(devkit, tmp_path):
    lone = plan_of(devkit, tmp_path, method="FT")
    assert lone.first_steps == []
    shared = plan_of(devkit, tmp_path, method=["FT", "MiB"])
    shared.first_steps[0].folder.mkdir(parents=True)
    joined = plan_of(devkit, tmp_path, method="ILT")
    assert joined.runs[0].first_step is not None
    assert joined.runs[0].first_step.folder == shared.first_steps[0].folder


def test_a_run_that_trained_its_own_keeps_it(devkit, tmp_path):
    plan = plan_of(devkit, tmp_path, method=["FT", "MiB", "ILT"])
    own = plan.runs[0].folder / "models" / "step0.safetensors"
    own.parent.mkdir(parents=True)
    own.touch()
    again = plan_of(devkit, tmp_path, method=["FT", "MiB", "ILT"])
    assert [run.first_step is None for run in again.runs] == [True, False, False]


def test_exemplars_make_the_later_steps_longer(devkit, tmp_path):
    methods = [{"method": "FT"}, {"method": "SMiB", "exemplars_size": 2}]
    without, with_exemplars = plan_of(devkit, tmp_path, runs=methods, batch_size=2).runs
    assert with_exemplars.iterations[1] > without.iterations[1]


def test_the_plan_is_plain_values(devkit, tmp_path):
    plan = plan_of(devkit, tmp_path, method=["FT", "MiB"])
    told = json.loads(json.dumps(plan.as_dict()))
    (first,) = plan.first_steps
    assert told["runs"]["MiB_15-5_overlapped_s3"]["first_step"] == first.name
    assert "--method" in told["first_steps"][first.name]["argv"]


def test_runs_are_chosen_by_name(devkit, tmp_path):
    suite = make_suite(content(devkit, method=["FT", "MiB", "ILT"]))
    chosen = make_plan(suite, tmp_path, only=["MiB*", "FT_15-5_*"])
    assert [run.options.method for run in chosen.runs] == ["FT", "MiB"]
    whole, alone = make_plan(suite, tmp_path), make_plan(suite, tmp_path, only=["ILT*"])
    assert alone.runs[0].first_step.folder == whole.first_steps[0].folder, "shared with the others"
    with pytest.raises(ValueError, match=r"--only XYZ\*: no run is called so; the suite has FT_15"):
        make_plan(suite, tmp_path, only=["XYZ*"])


def test_data_that_are_on_another_machine_are_no_matter_to_the_chosen_runs(devkit, tmp_path):
    elsewhere = {"task": "19-1", "dataset": "ade20k", "data_root": str(tmp_path / "none")}
    suite = make_suite(content(devkit, runs=[{"method": "FT"}, {"method": "ILT"} | elsewhere]))
    with pytest.raises(ValueError, match="ade20k_ILT"):
        make_plan(suite, tmp_path)
    (run,) = make_plan(suite, tmp_path, only=["voc_*"]).runs
    assert run.first_step is None


def test_a_run_of_the_same_name_with_other_settings_is_refused(devkit, tmp_path):
    (run,) = plan_of(devkit, tmp_path, method="FT").runs
    run.folder.mkdir(parents=True)
    (run.folder / "config.json").write_text(json.dumps(run.options.as_dict()))
    plan_of(devkit, tmp_path, method="FT")
    with pytest.raises(ValueError, match=r"settings: lr was 0.01 and is 0.1; .*; give the block"):
        plan_of(devkit, tmp_path, method="FT", lr=0.1)


def test_a_run_that_was_made_with_other_data_is_refused(devkit, tmp_path):
    (run,) = plan_of(devkit, tmp_path, method="FT").runs
    record = record_data(make_benchmarks(run.options)[1])
    run.folder.mkdir(parents=True)
    (run.folder / DATA_FILE).write_text(json.dumps(record))
    plan_of(devkit, tmp_path, method="FT")
    record["train masks"][0][1] = "0" * 16
    (run.folder / DATA_FILE).write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"made with other data \(train masks: 1 of 20 changed"):
        plan_of(devkit, tmp_path, method="FT")


def test_what_auto_stood_for_is_no_other_setting(devkit, tmp_path):
    (run,) = plan_of(devkit, tmp_path, method="FT", amp="auto").runs
    run.folder.mkdir(parents=True)
    (run.folder / "config.json").write_text(json.dumps(run.options.as_dict() | {"amp": "bf16"}))
    plan_of(devkit, tmp_path, method="FT", amp="auto")


def test_data_that_cannot_work_are_refused_before_anything_is_trained(devkit, tmp_path):
    with pytest.raises(ValueError, match="exemplars_size 1000 is more than the 20 training images"):
        plan_of(devkit, tmp_path, method="SMiB", exemplars_size=1000)
    with pytest.raises(ValueError, match="99-1"):
        plan_of(devkit, tmp_path, method="FT", task="99-1")
    assert list(tmp_path.iterdir()) == []
