import pytest

from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.reporting.published import (
    convention,
    differences,
    other_settings,
    published_for,
)
from avalanche_seg.cli.reporting.published_results import PUBLISHED_RESULTS

CONFIG = {"method": "MiB", "task": "15-5", "setting": "overlapped", "dataset": "voc"}


def numbers(**config):
    return [(line.old, line.new, line.all) for line in published_for(CONFIG | config)]


def test_lines_are_found_by_method_task_setting_and_exemplars():
    assert numbers() == [(75.5, 49.4, 69.0), (76.4, 50.0, 70.1), (65.5, 39.4, 59.3)]
    assert numbers(setting="disjoint") == [(71.8, 43.3, 64.7)]
    lines = [(35.1, 13.5, 29.7), (34.2, 13.5, 29.3), (29.6, 11.8, 25.3)]
    assert numbers(task="15-1") == numbers(task="15-5s") == lines
    assert numbers(task="10-10") == [(None, None, 67.2)], "only all is printed"
    assert numbers(task="50", dataset="ade20k") == numbers(task="50-50") == [(45.57, 21.01, 29.31)]
    assert numbers(method="SMiB", exemplars=25) == [(72.3, 54.9, 68.2)]
    assert numbers(method="SMiB", method_options={"n_exemplars": 5}) == [(70.0, 47.1, 64.5)]
    assert numbers(method="FT", exemplars=5) == [(59.5, 38.3, 54.5)]
    assert numbers(method="SMiB", exemplars=7) == numbers(task="10-5") == []


def test_a_joint_run_is_found_in_any_setting():
    assert numbers(method="JOINT", setting="disjoint") == [(79.1, 72.6, 77.4), (75.3, 68.9, 73.8)]


N_OLD = {
    "15-5": 15, "15-5s": 15, "19-1": 19, "10-1": 10, "10-10": 10, "5-3": 5,
    "100-50": 100, "100-10": 100, "100-5": 100, "50-50": 50,
}  # fmt: skip


def test_every_line_is_of_a_method_here_and_adds_up():
    assert len(PUBLISHED_RESULTS) == 133
    assert len({(line.source.name, *vars(line).values()) for line in PUBLISHED_RESULTS}) == 133
    for line in PUBLISHED_RESULTS:
        assert line.method in METHODS
        n_old, n = N_OLD[line.task], {"voc": 20, "ade20k": 150}[line.dataset]
        if line.old is None:
            continue
        if line.source.background == "all":  # Then the background's own IoU is what is missing.
            background = (n + 1) * line.all - n_old * line.old - (n - n_old) * line.new
            assert 80 < background < 100, line
            continue
        background = int(line.source.background == "old and all")
        mean = ((n_old + background) * line.old + (n - n_old) * line.new) / (n + background)
        # The mean over all classes follows from the two others, up to rounding and misprints.
        misprint = (line.source.name[:6], line.task, line.method) == ("CFSSeg", "15-5s", "ILT")
        assert mean == pytest.approx(line.all, abs=4 if misprint else 0.8), line


def test_what_forbids_a_comparison_is_told_first():
    mib, by_plop, smib = published_for(CONFIG)
    alike = CONFIG | {"backbone": "resnet50", "weights": "imagenet", "old_labels": "hidden"}
    assert differences(smib, alike, n_steps=2) == []
    assert differences(mib, alike, n_steps=1) == [
        "ours is unfinished: 1 of 2 steps",
        "not the network of this run, which is BiSeNet-R50",
    ]
    other = alike | {"dataset": "folder", "weights": None, "old_labels": "visible"}
    assert differences(smib, other, n_steps=2) == [
        "not the data of this run",
        "ours starts from random weights, theirs from ImageNet's",
        "old labels are visible in ours, hidden there",
    ]
    assert differences(by_plop, alike | {"train_void": "background"}, n_steps=2) == [
        "not the network of this run, which is BiSeNet-R50",
        "void is background in training in ours, ignore there",
        "its settings are not known here",
    ]


def test_the_convention_is_told_in_words():
    lines = {line.source.name: line for line in PUBLISHED_RESULTS}
    assert convention(lines["SMiB report"]) == (
        "VOC 2012, BiSeNet-R50, background counted in old and all, void background in training"
    )
    wilson = lines["WILSON, 10-10 table"]
    assert "background counted in all, not in old" in convention(wilson)
    assert wilson.source.groups == ("old", "new", "all with bg")
    ade = published_for(CONFIG | {"task": "100-50"})[0]
    assert convention(ade).startswith("ADE20K, DeepLabV3-R101, background not told of")


def test_data_sets_are_told_apart():
    (line,) = published_for(CONFIG | {"task": "100-50", "dataset": "ade20k"})
    alike = {"dataset": "ade20k", "model": "deeplabv3", "backbone": "resnet101"}
    told = differences(line, alike, n_steps=1)
    assert told == ["ours is unfinished: 1 of 2 steps", "its settings are not known here"]
    assert "not the data of this run" in differences(line, CONFIG, n_steps=2)


def test_the_network_is_that_of_the_run():
    other = {"model": "of_mine", "backbone": "resnet101"}
    told = differences(published_for(CONFIG)[0], CONFIG | other, n_steps=2)
    assert told == ["not the network of this run, which is of_mine-R101"]


def test_only_settings_that_are_told_and_differ_are_named():
    mib = published_for(CONFIG)[0]
    assert other_settings(mib, CONFIG | {"epochs": 30, "lr": 0.1}) == ["lr 0.1, there 0.01"]


def as_published(line, *more):
    """The settings of a command that follows a line's recipe."""
    flags = ["--recipe", line.source.recipe, "--dataset", line.dataset, "--task", line.task]
    flags += ["--method", line.method, "--setting", line.setting, *more]
    if line.exemplars is not None:
        flags += ["--use_exemplars", "--exemplars_size", str(line.exemplars)]
    return parse(flags).as_dict()


@pytest.mark.parametrize("line", [line for line in PUBLISHED_RESULTS if line.source.recipe])
def test_a_run_by_the_recipe_differs_in_nothing(line):
    assert other_settings(line, as_published(line)) == []


OWN = {
    "LWF": ("--loss_kd 7", "loss_kd 7.0, there 100.0"),
    "LWF-MC": ("--icarl_importance 7", "icarl_importance 7.0, there 10.0"),
    "ILT": ("--loss_de 7", "loss_de 7.0, there 100.0"),
    "EWC": ("--reg_alpha 0.5", "reg_alpha 0.5, there 0.9"),
    "RW": ("--reg_iterations 7", "reg_iterations 7, there 10"),
    "PI": ("--reg_importance 7", "reg_importance 7.0, there 500.0"),
    "MiB": ("--loss_kd 100", "loss_kd 100.0, there 10.0"),
    "SMiB": ("--loss_kd 100", "loss_kd 100.0, there 10.0"),
    "FT": ("--weight_decay 0.5", "weight_decay 0.5, there 0.0001"),
    "JOINT": ("--momentum 0.5", "momentum 0.5, there 0.9"),
    "PLOP": ("--pod_weight 7", "pod_weight 7.0, there 0.01"),
    "EWF": ("--loss_kd 7", "loss_kd 7.0, there 10.0"),
    "EWF-PLOP": ("--extra_channels lse", "extra_channels lse, there sum"),
    "LGKD": ("--guided_old_weight 7", "guided_old_weight 7.0, there 5.0"),
    "SSUL": ("--pseudo_threshold 0.5", "pseudo_threshold 0.5, there 0.7"),
    "SSUL-M": ("--memory_size 50", "memory_size 50, there 100"),
    "DKD": ("--decomposed_weight 1", "decomposed_weight 1.0, there 5.0"),
    "DKD-M": ("--pseudo_threshold 0.5", "pseudo_threshold 0.5, there 0.9"),
}
UNPUBLISHED = {"DFT"}


def test_every_method_has_a_line_or_no_published_number():
    assert {line.method for line in PUBLISHED_RESULTS} == METHODS.keys() - UNPUBLISHED


@pytest.mark.parametrize("method", sorted(METHODS.keys() - UNPUBLISHED))
def test_a_methods_own_weights_are_compared(method):
    line = next(x for x in PUBLISHED_RESULTS if x.method == method and x.source.recipe)
    flags, told = OWN[method]
    assert other_settings(line, as_published(line, *flags.split())) == [told]


def test_recipes_change_what_is_expected_of_a_method():
    mib, ilt = (
        next(line for line in PUBLISHED_RESULTS if (line.method, line.task) == wanted)
        for wanted in (("MiB", "15-5s"), ("ILT", "15-5"))
    )
    assert other_settings(mib, as_published(mib, "--loss_kd", "10")) == [
        "loss_kd 10.0, there 100.0"
    ]
    assert other_settings(ilt, as_published(ilt, "--amp", "bf16", "--freeze")) == [
        "amp bf16, there off",
        "freeze True, there False",
    ]


def test_the_memorys_options_are_compared():
    line = next(line for line in PUBLISHED_RESULTS if line.method == "SMiB")
    flags = ("--exemplars_selection", "herding", "--exemplars_share", "0.25", "--random_seed", "1")
    assert other_settings(line, as_published(line, *flags)) == [
        "exemplars_selection herding, there random",
        "exemplars_share 0.25, there None",
    ]
