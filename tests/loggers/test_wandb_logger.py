"""Weights & Biases in offline mode: no network, no account."""

import sys

import numpy as np
import pytest
import torch
from avalanche.evaluation.metric_results import AlternativeValues, MetricValue, TensorImage
from matplotlib.figure import Figure
from PIL import Image

from avalanche_seg.loggers import MetricsWandBLogger

TEST = "eval_phase/test_stream/Exp001"


@pytest.fixture(scope="module", autouse=True)
def private_folders(tmp_path_factory):
    """Keep W&B's settings and caches out of the user's home."""
    root = tmp_path_factory.mktemp("wandb")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "CONFIG", "DATA"):
            patch.setenv(f"WANDB_{name}_DIR", str(root / name.lower()))
        yield


@pytest.fixture(scope="module")
def logger(tmp_path_factory):
    logger = MetricsWandBLogger(
        "tests",
        name="mine",
        folder=tmp_path_factory.mktemp("run"),
        mode="offline",
        config={"lr": 0.5},
    )
    yield logger
    logger.close()


def emit(logger, name, value, x):
    logger.log_metrics([MetricValue(None, name, value, x)])


def colours(logger, path):
    """Every colour of a logged picture."""
    pixels = np.array(Image.open(f"{logger.run.dir}/{path}").convert("RGB"))
    return {tuple(pixel) for pixel in pixels.reshape(-1, 3).tolist()}


def test_numbers_and_classes_are_logged_against_the_iteration(logger):
    values = [
        MetricValue(None, f"mIoU_all/{TEST}", 0.25, 30),
        MetricValue(None, f"IoU/{TEST}", {"cat": 0.5, "dog": torch.tensor(0.75)}, 30),
        MetricValue(None, f"text/{TEST}", "no number", 30),
    ]
    logger.log_metrics(values)
    summary = dict(logger.run.summary)
    assert summary[f"mIoU_all/{TEST}"] == 0.25
    assert summary[f"IoU/{TEST}/cat"] == 0.5
    assert summary[f"IoU/{TEST}/dog"] == 0.75
    assert summary["iteration"] == 30
    assert f"text/{TEST}" not in summary


def test_a_smaller_iteration_is_not_dropped(logger):
    emit(logger, "x", 0.5, 40)
    emit(logger, "x", 0.75, 20)
    logger.log_single_metric("y", 2, 10)
    summary = dict(logger.run.summary)
    assert (summary["x"], summary["y"], summary["iteration"]) == (0.75, 2, 10)


@pytest.mark.parametrize("kind", ["pil", "tensor", "figure", "alternatives"])
def test_pictures_of_every_kind_are_logged(logger, kind):
    image = torch.zeros(3, 20, 30, dtype=torch.uint8)
    image[0] = 200
    figure = Figure(figsize=(3, 2), dpi=10, facecolor=(200 / 255, 0, 0))
    value = {
        "pil": Image.fromarray(image.permute(1, 2, 0).numpy()),
        "tensor": TensorImage(image),
        "figure": figure,
        "alternatives": AlternativeValues("text", figure),
    }[kind]
    emit(logger, kind, value, 50)
    entry = logger.run.summary[kind]
    assert (entry["_type"], entry["width"], entry["height"]) == ("image-file", 30, 20)
    assert colours(logger, entry["path"]) == {(200, 0, 0)}


def test_the_run_is_written_to_its_folder_and_two_runs_are_two(tmp_path):
    first, second = (
        MetricsWandBLogger("tests", name=name, folder=tmp_path, mode="offline") for name in "ab"
    )
    emit(first, "x", 1.0, 1)
    emit(second, "x", 2.0, 1)
    assert (first.run.name, second.run.name) == ("a", "b")
    assert (first.run.summary["x"], second.run.summary["x"]) == (1.0, 2.0)
    for logger in (first, second):
        logger.close()
        logger.close()  # Closing twice is closing once.
        (file,) = (tmp_path / "wandb").glob(f"offline-run-*-{logger.run.id}/*.wandb")
        assert file.stat().st_size > 0


def test_settings_are_shown_beside_the_run(logger):
    assert logger.run.config["lr"] == 0.5
    assert logger.run.project == "tests"


def test_an_unknown_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match="mode='off' is unknown; expected one of online, offline"):
        MetricsWandBLogger("tests", name="x", folder=tmp_path, mode="off")


def test_a_missing_wandb_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ImportError, match=r"pip install .avalanche_seg\[wandb\]"):
        MetricsWandBLogger("tests", name="x", folder=tmp_path, mode="offline")


def test_a_folder_named_wandb_is_not_taken_for_it(tmp_path, monkeypatch):
    (tmp_path / "wandb").mkdir()
    monkeypatch.delitem(sys.modules, "wandb")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ImportError, match="a folder without code"):
        MetricsWandBLogger("tests", name="x", folder=tmp_path, mode="offline")
