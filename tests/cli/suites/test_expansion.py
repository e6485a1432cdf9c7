"""From blocks to runs: products, names, values as flags, and what cannot be a run."""

import re

import pytest

from avalanche_seg.cli.suites.expansion import argv_of, expand
from avalanche_seg.cli.suites.suite_file import make_suite


def runs_of(content):
    return {run.name: run for run in expand(make_suite({"dataset": "synthetic"} | content))}


def test_lists_make_a_product_the_last_varying_fastest():
    runs = runs_of({"method": ["FT", "MiB"], "task": ["15-5", "19-1"], "random_seed": [0, 1]})
    assert list(runs) == [
        f"{method}_{task}_disjoint_s{seed}"
        for method in ("FT", "MiB")
        for task in ("15-5", "19-1")
        for seed in (0, 1)
    ]
    run = runs["MiB_19-1_disjoint_s1"]
    assert (run.options.method, run.options.task, run.options.random_seed) == ("MiB", "19-1", 1)


def test_blocks_add_to_the_top_and_go_over_it():
    runs = runs_of(
        {
            "lr": 0.1,
            "runs": [{"method": "FT"}, {"method": "SMiB", "lr": 0.2, "exemplars_size": [5, 25]}],
        }
    )
    assert {name: run.options.lr for name, run in runs.items()} == {
        "FT_15-5_disjoint_s42": 0.1,
        "SMiB+5_15-5_disjoint_s42": 0.2,
        "SMiB+25_15-5_disjoint_s42": 0.2,
    }


def test_names_tell_what_else_is_listed_and_take_a_name_of_ones_own():
    listed = runs_of({"method": "MiB", "loss_kd": [1, 10]})
    assert list(listed) == ["MiB_15-5_disjoint_loss_kd-1_s42", "MiB_15-5_disjoint_loss_kd-10_s42"]
    named = runs_of({"runs": [{"name": "ours", "method": "SMiB", "exemplars_size": [5, 25]}]})
    assert list(named) == ["ours+5_15-5_disjoint_s42", "ours+25_15-5_disjoint_s42"]


def test_runs_of_several_data_sets_are_called_by_them(tmp_path):
    runs = runs_of({"runs": [{"dataset": "synthetic"}, {"dataset": "voc", "data_root": "x"}]})
    assert list(runs) == ["synthetic_MiB_15-5_disjoint_s42", "voc_MiB_15-5_disjoint_s42"]


def test_values_of_several_words_are_one_value_and_a_list_of_them_a_choice():
    one = runs_of({"metrics": ["boundary_iou"], "model_args": {"dropout": 0.5}})
    (run,) = one.values()
    assert run.options.metrics == ("boundary_iou",)
    assert run.options.model_args == {"dropout": 0.5}
    several = runs_of({"loggers": [["csv"], ["csv", "tensorboard"]]})
    assert [run.options.loggers for run in several.values()] == [("csv",), ("tensorboard", "csv")]


def test_switches_shortcuts_and_dashes_are_spelled_as_flags():
    (run,) = runs_of({"overlap": True, "no-pretrained": True, "channels_last": False}).values()
    assert run.options.setting == "overlapped"
    assert run.options.weights is None
    assert not run.options.channels_last
    assert argv_of({"sync_bn": False, "no_channels_last": False}) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"runs": [{"method": "FT"}, {"methods": "FT"}]}, "runs[1]: methods is no setting"),
        ({"lrr": 1}, "did you mean lr?"),
        ({"resume": True}, "runs[0]: resume is for the suite to decide"),
        ({"method": "FT", "loss_kd": 1}, "runs[0]: --loss_kd has no effect on --method FT"),
        ({"method": "XYZ"}, "'XYZ' is unknown"),
        ({"lr": "fast"}, "invalid float value: 'fast'"),
        ({"lr": -1.0}, "--lr -1.0; expected a positive number"),
        ({"method": []}, "method is an empty list"),
        ({"name": 3}, "name is 3"),
        ({"runs": [{"name": ["a", "b"]}]}, "runs[0]: name is ['a', 'b']; expected the start of"),
        ({"runs": [{"name": "a\nb"}]}, "runs[0]: name is"),
        ({"runs": [{"name": "a" * 250}]}, "too long a name for a folder"),
        ({"fix_bn": 1}, "fix_bn is 1; expected true or false"),
        ({"overlap": "yes"}, "overlap is 'yes'; expected true or false"),
        ({"random_seed": True}, "random_seed is True; expected no switch but a value"),
        ({"method": [["FT", "MiB"]]}, "method is ['FT', 'MiB']; expected plain values"),
        ({"lr": {"step0": 0.1}}, "lr is {'step0': 0.1}; expected a plain value, no table"),
        ({"use-exemplars": True, "use_exemplars": True}, "spelled in two ways"),
    ],
)
def test_what_cannot_be_a_run_is_refused_by_its_block(content, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        runs_of(content)


def test_two_runs_of_one_name_are_refused_with_both_places():
    two = {"runs": [{"method": "FT", "lr": 0.1}, {"method": "FT", "lr": 0.2}]}
    with pytest.raises(
        ValueError, match=re.escape("runs[1] has a run FT_15-5_disjoint_s42")
    ) as told:
        runs_of(two)
    assert "and runs[0] has one of this name already" in str(told.value)
