"""From options to network and metrics."""

from dataclasses import replace

import pytest
from torch import nn

from avalanche_seg import metrics, models
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running import assembly
from avalanche_seg.cli.running.assembly import make_mean_iou, make_model, pick_device
from avalanche_seg.models import BiSeNet
from tests.tiny import tiny_benchmark


def test_the_network_is_that_of_the_flags():
    model = make_model(parse(["--backbone", "resnet18"]))
    assert isinstance(model, BiSeNet) and model.n_classes == 0


def test_further_arguments_reach_the_network(monkeypatch):
    def create(name, **config):
        made.update(config, name=name)
        return nn.Identity()

    made = {}
    monkeypatch.setattr(models, "create_model", create, raising=False)
    make_model(parse(["--model_args", "head=3x3", "n_extra=1", "--no_pretrained"]))
    assert made == {
        "name": "bisenet", "backbone": "resnet18", "weights": None, "head": "3x3", "n_extra": 1,
    }  # fmt: skip


def test_further_metrics_are_measured(monkeypatch, tmp_path):
    class Extra:
        pass

    def measure(**given):
        return [given]

    monkeypatch.setattr(assembly, "mean_iou_metrics", measure)
    monkeypatch.setattr(metrics, "METRICS", {"extra": Extra}, raising=False)
    benchmark, options = tiny_benchmark(tmp_path), parse([])
    assert make_mean_iou(options, benchmark) == {"base_classes": range(16)}
    (metric,) = make_mean_iou(replace(options, metrics=("extra",)), benchmark)["metrics"]
    assert isinstance(metric, Extra)


def test_a_device_that_is_not_there_is_named():
    assert pick_device("cpu") == "cpu"
    with pytest.raises(ValueError, match="--device warp cannot be used"):
        pick_device("warp")
