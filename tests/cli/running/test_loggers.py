"""The flag --loggers, and what a run then writes."""

import csv
import subprocess
import sys

import pytest
from avalanche.logging import BaseLogger, TensorboardLogger, TextLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from avalanche_seg.cli.options.options import NOT_DETERMINING
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.command import main
from avalanche_seg.cli.running.loggers import make_loggers, show_pictures
from avalanche_seg.datasets import make_synthetic_voc
from avalanche_seg.loggers import MetricsCSVLogger, MetricsWandBLogger


@pytest.fixture(autouse=True)
def wandb_environment(tmp_path, monkeypatch):
    """No account, and nothing in the user's home."""
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / "wandb_home"))


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ("tensorboard", "csv")),
        (["--loggers", "csv,text"], ("csv", "text")),
        (["--loggers", "text", "tensorboard", "--debug"], ("tensorboard", "text")),
        (["--loggers=CSV, wandb,csv"], ("csv", "wandb")),
        (["--loggers", "none"], ()),
    ],
)
def test_the_flag_takes_commas_and_spaces(words, expected):
    assert parse(words).loggers == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["csv,tensorbord"], "'tensorbord' is unknown; expected some of tensorboard, csv, text, w"),
        (["none", "csv"], "none contradicts the other names"),
        ([","], "names no logger; expected some of"),
    ],
)
def test_names_that_cannot_work_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        parse(["--loggers", *words])


def test_a_missing_wandb_is_refused_before_anything_is_read(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert main(["--loggers", "wandb"]) == 2
    assert "avalanche_seg[wandb]" in capsys.readouterr().err


def test_no_weight_depends_on_the_loggers():
    assert "loggers" in NOT_DETERMINING
    assert "loggers" not in parse([]).determining()


def test_pictures_are_for_loggers_that_show_them():
    assert show_pictures(["csv", "tensorboard"])
    assert show_pictures(["wandb"])
    assert not show_pictures(["csv", "text"])
    assert not show_pictures([])


def test_every_name_makes_its_logger_in_the_run_folder(tmp_path):
    loggers = make_loggers(
        ("tensorboard", "csv", "text", "wandb"), tmp_path, "mine", config={"lr": 0.5}
    )
    kinds = [TensorboardLogger, MetricsCSVLogger, TextLogger, MetricsWandBLogger]
    assert [type(logger) for logger in loggers] == kinds
    wandb = loggers[-1]
    assert (wandb.run.name, wandb.run.project) == ("mine", "avalanche_seg")
    assert wandb.run.offline
    assert wandb.run.config["lr"] == 0.5
    wandb.close()
    assert (tmp_path / "log.csv").is_file()
    assert list((tmp_path / "tensorboard").iterdir())
    assert list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))


def test_the_mode_of_wandb_is_the_environments(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "none")  # Would be online, were there no mode.
    monkeypatch.setenv("WANDB_MODE", "disabled")
    (logger,) = make_loggers(("wandb",), tmp_path, "mine")
    logger.log_single_metric("x", 1.0, 0)
    logger.close()
    assert not list(tmp_path.rglob("*.wandb"))


def test_the_text_log_is_continued_and_written_line_by_line(tmp_path):
    for word in ("first", "second"):
        (logger,) = make_loggers(("text",), tmp_path, "mine")
        logger.log_single_metric("x", word, 0)
        logger.print_current_metrics()
    lines = (tmp_path / "log.txt").read_text().split("\n")
    assert lines == ["\tx = first", "\tx = second", ""]


def test_none_is_a_logger_that_does_nothing(tmp_path):
    (logger,) = make_loggers((), tmp_path, "mine")
    assert type(logger) is BaseLogger
    assert not list(tmp_path.iterdir())


def test_a_run_writes_its_logs_and_a_test_of_it_none(tmp_path, recwarn):
    devkit = make_synthetic_voc(tmp_path / "data", n_train=20, n_val=20, size=(48, 64))
    flags = ["--dataset", "voc", "--data_root", str(devkit), "--logdir", str(tmp_path)]
    flags += ["--epochs", "1", "--batch_size", "8", "--crop_size", "32", "--name", "run"]
    flags += ["--backbone", "resnet18", "--no_pretrained", "--step", "0", "--sample_num", "1"]
    flags += ["--device", "cpu", "--method", "FT", "--overlap"]
    assert main([*flags, "--loggers", "tensorboard,csv,text"]) == 0
    folder = tmp_path / "run"
    logged = {
        row["metric"]: float(row["value"])
        for row in rows_of(folder / "log.csv")
        if row["phase"] == "eval" and not row["class"]
    }
    for row in rows_of(folder / "metrics.csv"):
        if row["metric"] in ("mIoU_all", "mIoU_old_bg", "pixel_accuracy"):
            assert logged[row["metric"]] == pytest.approx(float(row["value"]))
            del logged[row["metric"]]
    assert not {"mIoU_all", "mIoU_old_bg", "pixel_accuracy"} & set(logged)
    assert "mIoU_all/eval_phase/test_stream/Exp000" in (folder / "log.txt").read_text()
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    assert sorted(tag.split("/")[0] for tag in events.Tags()["images"]) == [
        "ConfusionMatrix",
        "Predictions",
    ]
    before = (folder / "log.csv").read_bytes()
    assert main([*flags, "--loggers", "csv", "--test"]) == 0
    assert (folder / "log.csv").read_bytes() == before
    assert not (tmp_path / "log.csv").exists()
    assert not [w for w in recwarn if "No loggers" in str(w.message)]


def test_events_that_cannot_be_written_are_a_warning_and_no_traceback(tmp_path):
    """A disk that is full: first TensorBoard's thread fails, then the flush at the end."""
    code = (
        "import resource, signal, sys, time\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from avalanche.evaluation.metric_results import TensorImage\n"
        "from avalanche_seg.cli.running.loggers import close_loggers, make_loggers\n"
        "from avalanche_seg.cli.running.processes import quiet_threads\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "noise = torch.randint(0, 255, (3, 200, 200), dtype=torch.uint8)\n"
        "with quiet_threads():\n"
        "    loggers = make_loggers(('tensorboard',), Path(sys.argv[1]), 'x')\n"
        "    loggers[0].log_single_metric('a', TensorImage(noise), 0)\n"
        "    close_loggers(loggers)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "a log is no longer written" in done.stderr
    assert "the last events for TensorBoard are not written" in done.stderr
