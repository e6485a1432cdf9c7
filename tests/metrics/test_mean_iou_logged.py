"""The metric in a real, very short run: what the loggers write is what a plain loop measures."""

import pytest
import torch
from avalanche.logging import InteractiveLogger, TensorboardLogger, TextLogger
from avalanche.training.plugins import EvaluationPlugin
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.optim import SGD

from avalanche_seg.benchmarks import VOCIncremental, eval_preset, train_preset
from avalanche_seg.datasets import make_synthetic_voc
from avalanche_seg.metrics import class_iou, mean_iou_metrics, protocol_means
from avalanche_seg.models import DenseFeatures, SegmentationModel
from avalanche_seg.strategies import FineTuning

CROP = 32
LAST = "eval_phase/test_stream/Exp001"


class OneConvolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=4, padding=1)

    def forward(self, images):
        return DenseFeatures(torch.relu(self.conv(images)))


def naive_matrix(model, dataset, n_classes):
    """Image by image with ``predict``, pixel by pixel."""
    matrix = torch.zeros(n_classes, n_classes, dtype=torch.int64)
    for image, labels, *_ in dataset:
        prediction = model.predict(image.unsqueeze(0))[0]
        for truth, guess in zip(
            labels.flatten().tolist(), prediction.flatten().tolist(), strict=True
        ):
            if truth < n_classes:
                matrix[truth, guess] += 1
    return matrix


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("mean_iou")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVALANCHE_SEG_CACHE", str(root / "cache"))
        benchmark = VOCIncremental(
            make_synthetic_voc(root / "devkit", n_train=20, n_val=20, size=(48, 64)),
            task="15-5",
            setting="overlapped",
            train_transform=train_preset(CROP),
            eval_transform=eval_preset(CROP),
            progress=False,
        )
    torch.manual_seed(0)
    model = SegmentationModel(OneConvolution(), 4)
    with (root / "log.txt").open("w") as log:
        loggers = [InteractiveLogger(), TextLogger(log), TensorboardLogger(root / "events")]
        strategy = FineTuning(
            model=model,
            optimizer=SGD(model.parameters(), lr=0.01),
            train_mb_size=8,
            train_epochs=1,
            eval_mb_size=8,
            evaluator=EvaluationPlugin(mean_iou_metrics(), loggers=loggers),
        )
        for step, experience in enumerate(benchmark.train_stream):
            strategy.train(experience)
            strategy.eval(benchmark.test_stream[step])
    loggers[-1].writer.close()
    events = EventAccumulator(str(root / "events"))
    events.Reload()
    matrix = naive_matrix(model, benchmark.test_stream[1].dataset.eval(), 21)
    return strategy, benchmark, events, (root / "log.txt").read_text(), matrix


def test_the_strategy_holds_what_a_plain_loop_measures(run):
    strategy, benchmark, _, _, matrix = run
    values = strategy.evaluator.get_last_metrics()
    for name, mean in protocol_means(matrix, 16).items():
        if mean == mean:
            assert values[f"{name}/{LAST}"] == pytest.approx(mean)
        else:
            assert f"{name}/{LAST}" not in values
    iou = dict(zip(benchmark.class_names, class_iou(matrix).tolist(), strict=True))
    assert values[f"IoU/{LAST}"] == pytest.approx({k: v for k, v in iou.items() if v == v})


def test_tensorboard_shows_every_mean_and_every_class(run):
    strategy, _, events, _, matrix = run
    tags = events.Tags()["scalars"]
    assert f"mIoU_all/{LAST}" in tags
    assert "mIoU_old/eval_phase/test_stream/Exp000" in tags
    (event,) = events.Scalars(f"mIoU_all/{LAST}")
    assert event.value == pytest.approx(protocol_means(matrix, 16)["mIoU_all"])
    assert event.step == strategy.clock.train_iterations
    by_class = strategy.evaluator.get_last_metrics()[f"IoU/{LAST}"]
    logged = {tag: events.Scalars(tag)[0].value for tag in tags if tag.startswith(f"IoU/{LAST}/")}
    assert logged == pytest.approx({f"IoU/{LAST}/{name}": v for name, v in by_class.items()})
    assert f"IoU/{LAST}/background" in logged


def test_at_step_0_no_mean_of_new_classes_is_logged(run):
    tags = run[2].Tags()["scalars"]
    assert not [tag for tag in tags if tag.startswith("mIoU_new") and "Exp000" in tag]


def test_the_text_log_names_the_values(run):
    text, matrix = run[3], run[4]
    accuracy = protocol_means(matrix, 16)["pixel_accuracy"]
    assert f"pixel_accuracy/{LAST} = {accuracy:.4f}" in text
    assert f"IoU/{LAST}/background = " in text
    assert "mIoU_all/eval_phase/test_stream/Exp000 = " in text
