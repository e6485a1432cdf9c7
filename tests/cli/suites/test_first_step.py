"""Which runs have the same step 0, and that they do: bit for bit, for every method."""

import json
import shutil

import pytest
from PIL import Image

from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.running.benchmarks import make_benchmarks
from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.suites.expansion import argv_of, expand
from avalanche_seg.cli.suites.first_step import (
    first_step_key,
    first_step_method,
    first_step_values,
)
from avalanche_seg.cli.suites.suite_file import make_suite
from tests.cli.commands import digest

SHARING = [method for method in METHODS if first_step_method(method) is not None]
# Small enough for the made-up data; what step 0 must not depend on is not its default.
ARGUMENTS = {
    "SSUL": {"pseudo_threshold": 0.5, "background_lr": 0.1},
    "SSUL-M": {"memory_size": 10, "legacy_labels": True},
    "DKD": {"kd_weight": 3, "old_decay": 0.1, "positive_weight_later": 3},
    "DKD-M": {"memory_size": 10},
    "SMiB": {"exemplars_size": 2, "exemplars_selection": "herding"},
    "EWC": {"reg_importance": 3},
    "RW": {"reg_importance": 3},
    "PI": {"reg_importance": 3},
    "LWF-MC": {"icarl_importance": 3},
}


@pytest.fixture
def base(devkit):
    return {
        "dataset": "voc", "data_root": str(devkit), "overlap": True, "no_pretrained": True,
        "epochs": 1, "batch_size": 8, "crop_size": 32, "backbone": "resnet18", "random_seed": 3,
        "sample_num": 0, "loggers": "none",
    }  # fmt: skip


def settings(base, **more):
    (run,) = expand(make_suite(base | more))
    return run


def key(base, **more):
    run = settings(base, **more)
    return first_step_key(run.options, make_benchmarks(run.options)[1])


@pytest.mark.parametrize("method", SHARING)
def test_a_method_goes_on_from_the_first_step_that_it_shares_as_from_its_own(
    base, module_folder, method
):
    run = settings(base, method=method, lr_later=0.002, **ARGUMENTS.get(method, {}))
    shared = argv_of(first_step_values(run))
    name = first_step_key(run.options, make_benchmarks(run.options)[1])
    folder = module_folder / "shared" / name
    if not folder.exists():
        assert main([*shared, "--step", "0", "--logdir", str(folder.parent), "--name", name]) == 0
    model = str(folder / "models" / "step0.safetensors")
    where = ["--logdir", str(module_folder), "--name"]
    assert main([*run.argv, *where, f"{method}_whole"]) == 0
    assert main([*run.argv, *where, f"{method}_later", "--step_ckpt", model]) == 0
    whole, later = (module_folder / f"{method}_{kind}" for kind in ("whole", "later"))
    for step in (0, 1):
        file = f"models/step{step}.safetensors"
        assert digest(whole / file) == digest(later / file)
    measured = [json.loads((run / "results.json").read_text())["steps"] for run in (whole, later)]
    assert measured[0] == measured[1]
    assert (later / "models" / "step0.safetensors").is_symlink(), "by reference, not copied"
    for folder in (whole, later):  # Half a gigabyte each.
        shutil.rmtree(folder)


def test_every_method_but_two_says_what_its_first_step_is():
    assert {*METHODS} - {*SHARING} == {"DFT", "JOINT"}


@pytest.mark.parametrize(
    ("method", "more"),
    [("MiB", {"alpha": 0.5}), ("PLOP", {"no_pseudo_labels": True}), ("SMiB", {"no_mask": True})],
)
def test_every_spelling_of_an_argument_is_left_to_the_later_steps(base, method, more):
    run = settings(base, method=method, **more)
    void = {"train_void": run.options.train_void}
    assert first_step_values(run) == base | {"method": "FT"} | void


def test_what_step_0_does_not_see_makes_no_difference(base):
    plain = key(base, method="FT")
    assert plain is not None
    for more in (
        {"method": "MiB", "loss_kd": 100},
        {"method": "SMiB", "exemplars_size": 25},
        {"method": "ILT", "lr_later": 0.1, "epochs_later": 3},
        {"method": "EWF", "fix_bn_later": True},
    ):
        assert key(base, **more) == plain
    assert key(base, method="EWC") == key(base, method="EWC", reg_importance=7)
    assert key(base, method="SSUL") == key(base, method="SSUL-M", memory_size=5)


def test_tasks_with_the_same_base_classes_share_it_where_its_images_are_the_same(base):
    shared = {key(base, method="FT", task=task) for task in ("10-10", "10-5")}
    assert len(shared) == 1
    assert key(base, method="FT", task="15-5") not in shared
    assert key(base, method="FT", task="10-5", setting="sequential", overlap=False) in shared


@pytest.mark.parametrize(
    "more",
    [
        {"random_seed": 4},
        {"lr": 0.02},
        {"epochs": 2},
        {"crop_size": 64},
        {"amp": "bf16"},
        {"train_void": "ignore"},
        {"method": "PLOP"},
        {"method": "EWC"},
        {"method": "SSUL"},
        {"method": "SMiB", "strict": True},
        {"cross_val": True},
        {"device": "cpu"},
        {"metrics": "boundary_iou"},
        {"model_args": {"multi_grid": [1, 2, 1]}, "model": "deeplabv3"},
    ],
    ids=str,
)
def test_what_it_sees_does(base, more):
    assert key(base, **({"method": "FT"} | more)) != key(base, method="FT")


def test_other_contents_of_the_same_names_make_a_difference(base, devkit, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(devkit, copy)
    moved = base | {"data_root": str(copy)}
    assert key(moved, method="FT") == key(base, method="FT"), "a path is no content"
    for path in sorted(copy.rglob("JPEGImages/*"))[:10]:
        Image.new("RGB", Image.open(path).size, (10, 20, 30)).save(path)
    assert key(moved, method="FT") != key(base, method="FT")


@pytest.mark.parametrize("more", [{"method": "JOINT"}, {"method": "DFT"}, {"task": "offline"}])
def test_runs_with_a_first_step_of_their_own(base, more):
    assert key(base, **more) is None


def test_a_subclass_shares_nothing_until_it_says_so():
    from avalanche_seg.strategies import MiB

    class Mine(MiB):
        """A method of one's own."""

    assert vars(Mine).get("first_step_of") is None
