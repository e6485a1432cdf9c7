"""Command lines of the original research code: each works as it did, or says what to do."""

import re
from pathlib import Path

import pytest
import torch

from avalanche_seg.cli.options import original
from avalanche_seg.cli.options.methods import FLAGS, METHODS
from avalanche_seg.cli.options.original import IMPLIED, REFUSED
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.assembly import make_mean_iou, make_model, make_strategy
from avalanche_seg.losses import UnbiasedCrossEntropy
from avalanche_seg.models import BiSeNet
from avalanche_seg.plugins import (
    BalancedInitPlugin,
    ICaRLDistillationPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.strategies import LwFMC
from tests.tiny import tiny_benchmark, tiny_model

PAGE = (Path(__file__).parents[3] / "docs" / "differences.md").read_text(encoding="utf-8")


def read(line):
    return parse(line.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "--data_root data --batch_size 12 --dataset ade --name LWF --task 100-50 --step 0 "
            "--lr 0.01 --epochs 60 --method LWF",
            {"dataset": "ade20k", "method": "LWF", "epochs": 60, "step": 0, "lr": 0.01},
        ),
        (
            "--batch_size 12 --dataset ade --name MIB --task 100-50 --step 2 --lr 0.001 "
            "--epochs 60 --method MIB",
            {"method": "MiB", "lr_later": 0.001, "batch_size": 12},
        ),
        (
            "--batch_size 12 --dataset voc --name RW --task 15-5s --overlapped --step 1 --lr 0.001 "
            "--epochs 30 --method RW",
            {"setting": "overlapped", "lr_later": 0.001, "task": "15-5s"},
        ),
        ("--alpha 2 --method LWF", {"method_options": {"kd_weight": 100.0, "teacher_scale": 2.0}}),
        ("--opt_level O0", {"amp": "off"}),
        ("--opt-level O1", {"amp": "fp16"}),
        ("--unce --unkd --init_balanced", {"method": "MiB"}),
        ("--init-balanced --unkd --use_exemplars", {"method": "SMiB"}),
        ("--bce --icarl --method LWF-MC", {"method": "LWF-MC"}),
        ("--local_rank 0", {"method": "MiB"}),
        ("--local-rank=0", {"method": "MiB"}),
        ("--crop_val --no_mask", {"full_resolution": True, "old_labels": "visible"}),
    ],
)
def test_lines_that_work(line, expected):
    options = read(line)
    assert {name: getattr(options, name) for name in expected} == expected


def test_a_launcher_that_passes_the_rank_agrees_with_the_environment(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    read("--local_rank=1")
    with pytest.raises(ValueError, match="LOCAL_RANK 1; start processes by torchrun"):
        read("--local_rank 0")


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("form", ["--{}", "--{} 1", "--{}=1"])
def test_refused_flags_say_what_to_use(name, form):
    with pytest.raises(ValueError) as told:
        read(form.format(name))
    assert str(told.value) == f"--{name} of the original code is not here: {REFUSED[name]}"


@pytest.mark.parametrize("name", REFUSED)
def test_the_flags_that_they_name_are_there(name):
    known = vars(read("")).keys() | FLAGS.keys() | REFUSED.keys()
    assert {*re.findall(r"--(\w+)", REFUSED[name])} <= known
    for values in re.findall(r"--model deeplabv3 --model_args [\w=]+", REFUSED[name]):
        assert make_model(read(f"{values} --no_pretrained")).config


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--method FT --unce", "--unce: the unbiased cross entropy is a part of --method MiB, EWF"),
        ("--method LWF --unkd", "and none of LWF; pass one of them, or leave it out"),
        ("--method FT --init_balanced", "--init_balanced: the balanced init"),
        ("--bce", "a part of --method LWF-MC, and none of MiB"),
        ("--method SMiB --unce", "and none of SMiB"),
        ("--alpha 2 --method FT", "--teacher_scale has no effect on --method FT"),
    ],
)
def test_parts_that_a_method_does_not_have_are_refused(line, message):
    with pytest.raises(ValueError, match=message):
        read(line)


def test_another_level_of_apex_names_what_there_is(capsys):
    with pytest.raises(SystemExit):
        read("--opt_level O2")
    assert "'O2' is unknown; expected one of off, bf16, fp16" in capsys.readouterr().err


def parts_of(method):
    kind = METHODS[method]
    options = {k: v for k, v in kind.model_options.items() if k != "head"}
    strategy = kind(
        model=tiny_model(0, **options),
        optimizer=torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1),
        train_mb_size=4,
        evaluator=None,
    )
    plugins = {type(plugin) for plugin in strategy.plugins}
    return {
        "unce": isinstance(strategy._criterion, UnbiasedCrossEntropy),
        "unkd": UnbiasedDistillationPlugin in plugins,
        "init_balanced": BalancedInitPlugin in plugins,
        "bce": kind is LwFMC,
        "icarl": ICaRLDistillationPlugin in plugins,
    }


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_the_parts_that_its_switches_stand_for(method):
    found = {name for name, has in parts_of(method).items() if has}
    assert found == {name for name, (_, methods) in IMPLIED.items() if method in methods}


@pytest.mark.parametrize("task", ["15-5s", "15-1", "15-1_c"])
@pytest.mark.parametrize("method", ["MiB", "SMiB"])
def test_lambda_is_100_one_class_at_a_time_and_it_is_said(task, method):
    options = read(f"--dataset voc --task {task} --method {method}")
    assert options.method_options["kd_weight"] == 100.0
    assert options.notes == [
        f"--task {task} sets --loss_kd 100, as published and as the original does; other tasks "
        "have the method's default"
    ]
    options = read(f"--dataset voc --task {task} --method {method} --loss_kd 10")
    assert (options.method_options["kd_weight"], options.notes) == (10.0, [])


@pytest.mark.parametrize(
    "line",
    ["--dataset voc --task 15-5", "--dataset ade20k --task 15-1", "--task 15-5s --method EWF"],
)
def test_other_tasks_data_and_methods_keep_their_lambda(line):
    options = read(line)
    assert (options.method_options["kd_weight"], options.notes) == (10.0, [])


def test_the_batch_of_several_processes_is_told(monkeypatch):
    assert read("").notes == []
    monkeypatch.setenv("WORLD_SIZE", "2")
    (note,) = read("--batch_size 24").notes
    assert note == (
        "--batch_size 24 is over all 2 processes, 12 for each; the original's is for each"
    )


def test_fixing_and_freezing_say_that_they_are_others():
    (note,) = read("--fix_bn").notes
    assert "the original's keeps the weights and lets the statistics move" in note
    (note,) = read("--freeze").notes
    assert "the original's trains all but the backbone: that is --freeze_body" in note
    assert read("--fix_bn --fix_bn_affine").notes == read("--freeze_body").notes == []
    with pytest.raises(ValueError, match="leave --freeze_body out"):
        read("--freeze --freeze_body")


def test_the_originals_fixing_and_freezing_do_what_they_did(tmp_path):
    benchmark = tiny_benchmark(tmp_path, task="10-10")
    flags = "--fix_bn_affine --freeze_body --loggers none --lr 0.1 --epochs 1 --batch_size 4"
    options = read(f"--dataset voc --method FT {flags}")
    model = BiSeNet("resnet18")
    strategy = make_strategy(
        options,
        model,
        device="cpu",
        iou=make_mean_iou(options, benchmark),
        run_folder=None,
        plugins=[],
        palette=benchmark.palette,
    )
    neck = model.parameter_roles()["neck"]
    norm = next(m for m in model.body.modules() if isinstance(m, torch.nn.BatchNorm2d))
    for experience in benchmark.train_stream:
        before = [p.detach().clone() for p in (*model.body.parameters(), *neck)]
        mean, weight = norm.running_mean.clone(), norm.weight.clone()
        strategy.train(experience, eval_streams=[])
        moved = [
            not now.equal(then)
            for now, then in zip((*model.body.parameters(), *neck), before, strict=True)
        ]
        assert not norm.running_mean.equal(mean) and norm.weight.equal(weight)
        is_first = experience.current_experience == 0
        assert any(moved[: -len(neck)]) == is_first, "the backbone learns at step 0 alone"
        assert any(moved[-len(neck) :]), "what lies between backbone and classifiers is free"


def test_the_page_tells_of_every_flag():
    named = {*REFUSED, *IMPLIED, "alpha", "opt_level", "local_rank", "fix_bn", "freeze"}
    assert original.__doc__ is not None and "docs/differences.md" in original.__doc__
    assert not {name for name in named if f"`--{name}" not in PAGE}
