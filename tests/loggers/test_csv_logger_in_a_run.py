"""A real, very short run: the CSV log holds every number, TensorBoard the pictures."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from avalanche.evaluation.metric_results import TensorImage
from avalanche.evaluation.metrics import loss_metrics
from avalanche.logging import TensorboardLogger, TextLogger
from avalanche.training.plugins import EvaluationPlugin
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.optim import SGD

from avalanche_seg.datasets import voc_palette
from avalanche_seg.loggers import MetricsCSVLogger
from avalanche_seg.metrics import (
    ConfusionMatrixFigure,
    SamplePredictions,
    loss_term_metrics,
    mean_iou_metrics,
)
from avalanche_seg.strategies import FineTuning
from tests.tiny import CROP, tiny_benchmark, tiny_model

EVAL = "eval_phase/test_stream/Exp001"


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("loggers")
    benchmark = tiny_benchmark(root)
    model, text = tiny_model(), io.StringIO()
    loggers = [
        MetricsCSVLogger(root / "log.csv"),
        TensorboardLogger(root / "events"),
        TextLogger(text),
    ]
    iou = mean_iou_metrics()[0]
    pictures = ConfusionMatrixFigure(iou), SamplePredictions(voc_palette(), n=3)
    strategy = FineTuning(
        model=model,
        optimizer=SGD(model.parameters(), lr=0.01),
        train_mb_size=4,
        train_epochs=2,
        eval_mb_size=2,
        evaluator=EvaluationPlugin(
            iou,
            pictures,
            loss_metrics(epoch=True, experience=True),
            loss_term_metrics(),
            loggers=loggers,
        ),
    )
    for step, experience in enumerate(benchmark.train_stream):
        strategy.train(experience)
        strategy.eval([benchmark.test_stream[step]])
    loggers[1].writer.close()
    events = EventAccumulator(str(root / "events"), size_guidance={"images": 0})
    events.Reload()
    return SimpleNamespace(
        log=root / "log.csv",
        strategy=strategy,
        events=events,
        text=text.getvalue(),
        samples=pictures[1],
        confusion=pictures[0],
        benchmark=benchmark,
    )


def test_every_number_of_the_run_is_in_the_log(run):
    expected = []
    for name, (iterations, values) in run.strategy.evaluator.get_all_metrics().items():
        metric, phase, stream, *rest = name.split("/")
        for x, value in zip(iterations, values, strict=True):
            step = [int(part[3:]) for part in rest if part.startswith("Exp")]
            entries = value if isinstance(value, dict) else {"": value}
            for key, number in entries.items():
                if not isinstance(number, TensorImage):
                    place = (x, phase[:-6], stream[:-7], *step, metric, key)
                    expected.append((*map(str, place), float(number)))
    found = []
    for row in rows_of(run.log):
        _, iteration, phase, stream, step, metric, name, value = row.values()
        steps = (step,) if phase == "eval" else ()
        found.append((iteration, phase, stream, *steps, metric, name, float(value)))
    assert sorted(found) == sorted(expected)
    metrics = {row["metric"] for row in rows_of(run.log)}
    assert {"mIoU_all", "IoU", "Loss_Epoch", "Loss_Exp", "LossTerms"} <= metrics


def test_training_values_carry_the_step_that_is_trained(run):
    losses = [row for row in rows_of(run.log) if row["metric"] == "Loss_Epoch"]
    assert [row["step"] for row in losses] == ["0", "0", "1", "1"]
    assert [int(row["iteration"]) for row in losses] == sorted(int(r["iteration"]) for r in losses)
    assert {row["phase"] for row in losses} == {"train"}


def test_the_log_tells_the_iou_of_every_class_after_every_step(run):
    rows = [row for row in rows_of(run.log) if row["metric"] == "IoU" and row["step"] == "1"]
    expected = run.strategy.evaluator.get_last_metrics()[f"IoU/{EVAL}"]
    assert {row["class"]: float(row["value"]) for row in rows} == expected
    assert {(row["phase"], row["stream"]) for row in rows} == {("eval", "test")}


def test_tensorboard_shows_both_pictures_after_every_step(run):
    steps = ("Exp000", "Exp001")
    names = ("ConfusionMatrix", "Predictions")
    wanted = {f"{name}/eval_phase/test_stream/{step}" for name in names for step in steps}
    assert set(run.events.Tags()["images"]) == wanted
    (event,) = run.events.Images(f"Predictions/{EVAL}")
    pixels = np.array(Image.open(io.BytesIO(event.encoded_image_string)))
    assert event.step == run.strategy.clock.train_iterations
    assert (pixels == run.samples.result().permute(1, 2, 0).numpy()).all()
    assert (event.height, event.width) == (3 * CROP + 2 * 4, 3 * CROP)


def test_the_picture_of_samples_shows_image_truth_and_prediction_of_the_first_images(run):
    sheet = run.samples.result().permute(1, 2, 0)
    palette = torch.tensor(voc_palette()).view(256, 3)
    colours = palette[[*run.benchmark.class_order, *[255] * (256 - run.benchmark.n_classes)]]
    dataset = run.benchmark.test_stream[1].dataset.eval()
    for i in range(3):
        image, truth, *_ = dataset[i]
        row = sheet[i * (CROP + 4) : i * (CROP + 4) + CROP]
        prediction = run.strategy.model.predict(image[None])[0]
        assert (row[:, :CROP] == image.permute(1, 2, 0)).all()
        assert (row[:, CROP : 2 * CROP] == colours[truth.long()]).all()
        assert (row[:, 2 * CROP :] == colours[prediction]).all()


def test_a_text_log_is_not_filled_with_pixels(run):
    assert "mIoU_all" in run.text
    assert "ConfusionMatrix" not in run.text
    assert "Predictions" not in run.text
