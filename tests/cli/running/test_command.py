"""The main command, on a data set small enough for a test."""

import csv
import json

import pytest
import torch
from PIL import Image

from avalanche_seg.cli.running.command import main
from avalanche_seg.datasets import make_synthetic_voc
from avalanche_seg.models import load_model
from avalanche_seg.strategies import FineTuning
from tests.cli.commands import digest, small


@pytest.fixture(scope="module")
def mib_run(devkit, module_folder):
    assert main(small(devkit, module_folder, "--name", "mib", "--overlap")) == 0
    return module_folder / "mib"


def test_run_folder_is_complete(mib_run):
    config = json.loads((mib_run / "config.json").read_text())
    assert (config["method"], config["setting"], config["random_seed"]) == ("MiB", "overlapped", 42)
    assert sorted(path.name for path in (mib_run / "models").iterdir()) == [
        "step0.safetensors",
        "step0.state.pt",
        "step1.safetensors",
        "step1.state.pt",
    ]
    assert list((mib_run / "tensorboard").glob("events.out.tfevents.*"))
    for step in (0, 1):
        pictures = list((mib_run / "predictions" / f"step{step}").glob("*.png"))
        assert len(pictures) == 6
        assert Image.open(pictures[0]).size == (3 * 32, 32)
        assert (mib_run / "predictions" / f"step{step}.png").is_file()
    assert (mib_run / "plots" / "iou_by_class.png").is_file()


def test_results_hold_every_class_and_convention_and_agree_with_the_csv(mib_run):
    results = json.loads((mib_run / "results.json").read_text())
    first, last = results["steps"]
    assert (len(first["iou"]), len(last["iou"])) == (16, 21)
    # A process with torch and Avalanche in it: in bytes, not in kilobytes.
    assert results["seconds"] > 0 and 1e8 < results["peak_memory"]["resident"] < 1e11
    groups = {f"mIoU_{g}{s}" for g in ("old", "new", "all") for s in ("", "_bg")}
    assert groups | {"pixel_accuracy", "mean_class_accuracy", "mIoU_harmonic"} == set(last["means"])
    assert first["means"]["mIoU_new"] is None
    assert set(results["average_over_steps"]) == {"mIoU_all_avg", "mIoU_all_bg_avg"}
    with (mib_run / "metrics.csv").open() as file:
        rows = {(r["step"], r["class"], r["metric"]): r["value"] for r in csv.DictReader(file)}
    assert float(rows["1", "", "mIoU_all"]) == last["means"]["mIoU_all"]
    assert float(rows["1", "bird", "iou"]) == last["iou"]["bird"]


def test_saved_models_rebuild_alone(mib_run):
    for step, n_classes in ((0, 16), (1, 21)):
        model = load_model(mib_run / "models" / f"step{step}.safetensors")
        assert model.n_classes == len(model.class_names) == len(model.class_ids) == n_classes


def test_the_same_seed_gives_the_same_run(devkit, mib_run, tmp_path):
    assert main(small(devkit, tmp_path, "--name", "again", "--overlap")) == 0
    again = tmp_path / "again" / "models" / "step1.safetensors"
    assert digest(again) == digest(mib_run / "models" / "step1.safetensors")


def test_decoded_images_give_the_same_run(devkit, mib_run, tmp_path, monkeypatch):
    monkeypatch.setenv("AVALANCHE_SEG_CACHE", str(tmp_path / "cache"))
    flags = ["--name", "mib", "--overlap", "--step", "0", "--cache_images"]
    assert main(small(devkit, tmp_path, *flags)) == 0
    model = "models/step0.safetensors"
    assert digest(tmp_path / "mib" / model) == digest(mib_run / model)
    assert any((tmp_path / "cache").glob("*.pixels*"))


@pytest.mark.parametrize(
    ("method", "n_steps"),
    [("joint", 1), *((m, 2) for m in ("ft", "lwf", "lwf-mc", "ilt", "ewc", "rw", "pi", "smib"))],
)
def test_other_methods(devkit, tmp_path, method, n_steps, capsys):
    assert main(small(devkit, tmp_path, "--method", method, "--name", method)) == 0
    results = json.loads((tmp_path / method / "results.json").read_text())
    assert len(results["steps"]) == n_steps
    last = results["steps"][-1]["means"]
    assert last["mIoU_old"] is not None
    assert last["mIoU_new"] is not None, "JOINT too is read as old and new classes of the task"
    shown = capsys.readouterr().out
    assert "old    new    all" in shown and "everything is in" in shown


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--task", "15-6s"], "task='15-6s' adds up to 21 classes"),
        (["--data_root", "nowhere"], "nowhere holds no VOC 2012"),
        (["--device", "warp"], "--device warp cannot be used"),
        (["--no_pretrained", "--weights", "x.pth"], "--no_pretrained contradicts"),
        (["--dataset", "folder"], "classes.txt is missing"),
    ],
)
def test_bad_input_ends_with_one_clear_error_and_no_folder(devkit, tmp_path, capsys, more, message):
    assert main([*small(devkit, tmp_path / "logs"), *more]) == 2
    assert f"error: {message}" in capsys.readouterr().err.replace(str(devkit) + "/", "")
    assert not (tmp_path / "logs").exists()


def test_a_taken_name_leaves_the_earlier_run_alone(devkit, mib_run, capsys):
    before = (mib_run / "results.json").read_bytes()
    assert main(small(devkit, mib_run.parent, "--name", "mib")) == 2
    assert "exists already; choose another --name" in capsys.readouterr().err
    assert (mib_run / "results.json").read_bytes() == before


@pytest.mark.parametrize("workers", ["0", "1"])
def test_an_unreadable_image_found_late_is_named_and_earlier_steps_are_kept(
    tmp_path, capsys, workers
):
    devkit = make_synthetic_voc(tmp_path, n_train=20, n_val=20, size=(48, 64))
    # Image 20 shows class 20 alone: step 1 meets it first. Its header is whole, its pixels are not.
    image = devkit / "JPEGImages" / "2012_000020.jpg"
    image.write_bytes(image.read_bytes()[:700])
    arguments = small(devkit, tmp_path, "--name", "late", "--num_workers", workers)
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(f"error: {image}: the image cannot be read")
    assert (tmp_path / "late" / "models" / "step0.safetensors").is_file()
    assert len(json.loads((tmp_path / "late" / "results.json").read_text())["steps"]) == 1


def test_without_data_flags_the_made_up_voc_is_written_and_used(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["--epochs", "1", "--crop_size", "32", "--batch_size", "64"]) == 0
    assert (tmp_path / "data" / "synthetic" / "VOC2012" / "JPEGImages").is_dir()
    (run_folder,) = (tmp_path / "runs").iterdir()
    assert run_folder.name == "MiB_15-5_disjoint_synthetic_s42"
    assert len(json.loads((run_folder / "results.json").read_text())["steps"]) == 2
    assert "as the data set 'synthetic'" in capsys.readouterr().out


def test_a_folder_of_ones_own(tmp_path, capsys):
    devkit = make_synthetic_voc(tmp_path, n_train=20, n_val=20, size=(48, 64))
    (devkit / "classes.txt").write_text("\n".join(["nothing", *(f"c{i}" for i in range(1, 21))]))
    arguments = small(devkit, tmp_path / "logs", "--name", "mine", "--task", "10-10")
    del arguments[:2]  # --dataset voc: classes.txt tells what it is
    assert main(arguments) == 0
    results = json.loads((tmp_path / "logs" / "mine" / "results.json").read_text())
    assert "c20" in results["steps"][1]["iou"]


ODD = ["$x_$", "<b>&", "_x", "=1+1", "{y", "z" * 400, "a/../b", "tv, set"]


def test_names_of_any_letters_reach_every_file_of_a_run(tmp_path):
    devkit = make_synthetic_voc(tmp_path, n_train=20, n_val=20, size=(48, 64))
    names = ["$_{", *ODD, *(f"c{i}" for i in range(len(ODD) + 1, 21))]
    (devkit / "classes.txt").write_text("\n".join(names))
    arguments = small(devkit, tmp_path / "logs", "--name", "odd", "--task", "10-10", "--step", "0")
    assert main([*arguments[2:], "--method", "FT"]) == 0
    run = tmp_path / "logs" / "odd"
    results = json.loads((run / "results.json").read_text())
    assert list(results["steps"][0]["iou"]) == names[:11]
    assert load_model(run / "models" / "step0.safetensors").class_names == tuple(names[:11])
    for file in ("log.csv", "metrics.csv"):
        with (run / file).open(newline="") as opened:
            told = {row["class"] for row in csv.DictReader(opened)}
        assert {*ODD} - told == {"=1+1"} and "'=1+1" in told, file
    assert (run / "plots" / "iou_by_class.png").is_file()
    assert (run / "predictions" / "step0.png").is_file()


@pytest.mark.parametrize("broken", ["cli.running.pictures.iou_heat_map", "metrics.figures.render"])
def test_no_picture_costs_a_run(devkit, tmp_path, monkeypatch, broken):
    def fail(*args, **kwargs):
        raise RuntimeError("no fonts")

    monkeypatch.setattr(f"avalanche_seg.{broken}", fail)
    with pytest.warns(UserWarning, match=r"left out \(RuntimeError: no fonts\)"):
        assert main(small(devkit, tmp_path, "--name", "a", "--method", "FT", "--overlap")) == 0
    assert (tmp_path / "a" / "models" / "step1.safetensors").is_file()
    assert len(json.loads((tmp_path / "a" / "results.json").read_text())["steps"]) == 2


def test_what_fails_after_a_training_costs_no_model(devkit, tmp_path, monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise ValueError("the test set is unreadable")

    monkeypatch.setattr("avalanche_seg.cli.running.assembly.METHODS", {"FT": Failing})
    monkeypatch.setattr(Failing, "eval", fail)
    flags = ["--name", "a", "--method", "FT", "--overlap"]
    assert main(small(devkit, tmp_path, *flags)) == 2
    assert "the test set is unreadable" in capsys.readouterr().err
    kept = sorted(path.name for path in (tmp_path / "a" / "models").iterdir())
    assert kept == ["step0.safetensors", "step0.state.pt"]
    monkeypatch.undo()
    assert main(small(devkit, tmp_path, *flags, "--resume")) == 0
    assert len(json.loads((tmp_path / "a" / "results.json").read_text())["steps"]) == 2


class Failing(FineTuning):
    """Its evaluation can be broken."""


def test_a_step_of_one_image_is_refused_before_any_training(tmp_path, capsys):
    devkit = make_synthetic_voc(tmp_path, n_train=20, n_val=20, size=(48, 64))
    arguments = small(devkit, tmp_path / "logs", "--task", "19-1")
    assert main(arguments) == 2
    assert "step 1 has one training image" in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()


def test_a_loss_that_blows_up_ends_with_one_clear_error(devkit, tmp_path, capsys):
    arguments = small(devkit, tmp_path, "--name", "boom", "--lr", "1e30", "--epochs", "3")
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert (
        "error: the loss is" in error and "at step" in error and "lower the learning rate" in error
    )


def test_a_gpu_that_runs_out_of_memory_gets_the_settings_to_lower(
    devkit, tmp_path, capsys, monkeypatch
):
    def full(options, plugins):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    monkeypatch.setattr("avalanche_seg.cli.running.command.run", full)
    assert main(small(devkit, tmp_path)) == 2
    error = capsys.readouterr().err
    assert "error: CUDA out of memory. Tried to allocate 2.00 GiB. Start again" in error
    for flag in ("--batch_size", "--crop_size", "--micro_batches", "--amp bf16"):
        assert flag in error


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--method FT --crop_val --lr_policy step --lr_decay_step 1 --sample_num 0", 0),
        ("--method SMiB --strict --exemplars_selection herding --exemplars_update redraw", 6),
        ("--method LWF --use_exemplars --exemplars_share 0.5 --exemplars_labels stored", 6),
        ("--method FT --no_mask --amp bf16 --micro_batches 2 --no_channels_last", 6),
    ],
)
def test_flags_reach_the_run(devkit, tmp_path, flags, expected):
    arguments = small(devkit, tmp_path, "--name", "flags", "--overlap", *flags.split())
    assert main(arguments) == 0
    pictures = tmp_path / "flags" / "predictions" / "step1"
    assert len(list(pictures.glob("*.png"))) == expected
    assert len(json.loads((tmp_path / "flags" / "results.json").read_text())["steps"]) == 2


def test_held_out_images_are_tested_while_a_step_trains(devkit, tmp_path):
    arguments = small(devkit, tmp_path, "--name", "held", "--method", "FT", "--overlap")
    assert main([*arguments, "--cross_val", "--batch_size", "4"]) == 0
    with (tmp_path / "held" / "log.csv").open() as file:
        streams = {row["stream"] for row in csv.DictReader(file)}
    assert any("valid" in stream for stream in streams), streams


def test_batch_norm_over_processes_needs_gpus(devkit, tmp_path, capsys):
    assert main(small(devkit, tmp_path / "logs", "--sync_bn", "--device", "cpu")) == 2
    assert "--sync_bn needs GPUs" in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()


def test_debug_shows_the_traceback(devkit, tmp_path, capsys):
    assert main(small(devkit, tmp_path, "--task", "15-6s", "--debug")) == 2
    assert "Traceback" in capsys.readouterr().err


# As the original's README has them.
LWF = (
    "--data_root data --batch_size 12 --dataset voc --name LWF --task 15-5 --step 1 --lr 0.001 "
    "--epochs 30 --method LWF"
)
SMIB = (
    "--task 15-5s --step 1 --lr 0.001 --epochs 30 --method MiB --batch_size 32 --use_exemplars "
    "--overlap --exemplars_size 5 --val_interval 1"
)
SHORT = "--epochs 1 --batch_size 8 --crop_size 32 --no_pretrained --backbone resnet18"


@pytest.mark.parametrize(("line", "n_steps"), [(LWF, 2), (SMIB, 6)])
def test_the_originals_command_lines_work_step_after_step(
    tmp_path, monkeypatch, capsys, line, n_steps
):
    """In the length of a test: the flags that come last win."""
    monkeypatch.chdir(tmp_path)
    make_synthetic_voc(tmp_path / "data", n_train=60, n_val=20, size=(48, 64))
    for step in range(n_steps):
        command = f"{line} {SHORT}".replace("--step 1", f"--step {step}")
        assert main(command.split()) == 0
    assert main(f"{line} {SHORT} --test".split()) == 0
    (run,) = (tmp_path / "runs").iterdir()
    config = json.loads((run / "config.json").read_text())
    assert (config["dataset"], config["lr_later"]) == ("voc", 0.001)
    measured = json.loads((run / "results.json").read_text())["steps"]
    assert len(measured) == n_steps
    assert json.loads((run / "test_step1.json").read_text())["steps"] == measured[1:2]
    if line == SMIB:
        assert (config["method"], config["old_labels"], config["exemplars"]) == (
            "SMiB",
            "visible",
            5,
        )
        assert "--method MiB with --use_exemplars is SMiB" in capsys.readouterr().out
