"""Networks of other libraries on the command line."""

import json

import pytest

from avalanche_seg.cli.options.checks import check
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.predicting.command import main as predict
from avalanche_seg.cli.running.assembly import make_model
from avalanche_seg.cli.running.command import main
from avalanche_seg.models import load_model
from tests.cli.commands import digest, small

TINY = [
    *("--model", "hf:segformer", "--model_args"),
    *("hidden_sizes=[8,8,8,8]", "num_attention_heads=[1,1,1,1]", "depths=[1,1,1,1]"),
    "decoder_hidden_size=16",
]


def command(devkit, logdir, *more):
    flags = small(devkit, logdir, *TINY, "--overlap", "--sample_num", "1", *more)
    at = flags.index("--backbone")
    return [*flags[:at], *flags[at + 2 :]]


@pytest.fixture(scope="module")
def run(devkit, tmp_path_factory):
    """Both steps in one go."""
    logdir = tmp_path_factory.mktemp("networks")
    assert main(command(devkit, logdir, "--name", "whole")) == 0
    return logdir / "whole"


def test_a_run_tells_its_network_and_saves_it(run):
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    assert (config["model"], config["model_args"]["depths"]) == ("hf:segformer", [1, 1, 1, 1])
    model = load_model(run / "models" / "step1.safetensors")
    assert (model.name, model.n_classes) == ("hf:segformer", 21)


def test_steps_alone_end_with_the_same_model(run, devkit):
    for step in ("0", "1"):
        assert main(command(devkit, run.parent, "--name", "steps", "--step", step)) == 0
    file = "models/step1.safetensors"
    assert digest(run / file) == digest(run.parent / "steps" / file)


def test_a_step_does_not_go_on_from_another_network(run, devkit, capsys):
    ckpt = str(run / "models" / "step0.safetensors")
    options = ("--name", "other", "--step", "1", "--step_ckpt", ckpt)
    flags = command(devkit, run.parent, *options)
    flags[flags.index("depths=[1,1,1,1]")] = "depths=[1,1,1,2]"
    assert main(flags) == 2
    assert "is a hf:segformer (hidden_sizes [8, 8, 8, 8], " in capsys.readouterr().err


def test_the_model_predicts_without_the_run(run, devkit, tmp_path):
    image = next(devkit.rglob("*.jpg"))
    ckpt = str(run / "models" / "step1.safetensors")
    assert predict([str(image), "--ckpt", ckpt, "--output", str(tmp_path)]) == 0
    assert (tmp_path / f"{image.stem}.png").is_file()


@pytest.mark.parametrize("name", ["unet", "keras:unet", "smp", "fcn_resnet50"])
def test_an_unknown_name_lists_the_known_ones(name, capsys):
    with pytest.raises(SystemExit):
        parse(["--model", name])
    error = capsys.readouterr().err
    assert f"model '{name}' is unknown; expected one of bisenet" in error
    assert "torchvision:fcn_resnet50, smp:Unet/resnet34, timm:resnet18d, hf:segformer" in error


def test_names_of_this_package_may_be_written_in_any_case():
    assert parse(["--model", "BiSeNet"]).model == "bisenet"
    assert parse(["--model", "smp:Unet/resnet18"]).model == "smp:Unet/resnet18"


def test_flags_that_a_library_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"--backbone has no effect on --model smp:Unet, whose"):
        check({"backbone": "resnet18"}, parse(["--model", "smp:Unet"]))


def test_what_a_library_does_not_know_ends_before_the_training():
    options = parse(["--model", "smp:Net/resnet18", "--no_pretrained"])
    with pytest.raises(ValueError, match="'Net' is unknown; expected one of DPT"):
        make_model(options)
