"""From options to network and metrics."""

from dataclasses import replace

import pytest
import torch

from avalanche_seg.cli.options.checks import check
from avalanche_seg.cli.options.resolve import parse
from avalanche_seg.cli.running.assembly import (
    make_mean_iou,
    make_model,
    memory_of,
    pick_device,
    with_precision,
)
from avalanche_seg.metrics import METRICS
from avalanche_seg.models import MODELS, BiSeNet, DeepLabV3, SegmentationModel
from tests.tiny import TinyNetwork, tiny_benchmark


def test_the_network_is_that_of_the_flags():
    model = make_model(parse(["--backbone", "resnet18"]))
    assert isinstance(model, BiSeNet) and model.n_classes == 0


def test_deeplabv3_has_the_flags_of_backbone_and_weights():
    flags = "--model deeplabv3 --backbone resnet50 --no_pretrained --model_args output_stride=8"
    model = make_model(parse(flags.split()))
    assert isinstance(model, DeepLabV3)
    assert (model.config["backbone"], model.config["output_stride"]) == ("resnet50", 8)


def test_further_arguments_reach_the_network():
    model = make_model(parse(["--model_args", "head=3x3", "n_extra=1", "--no_pretrained"]))
    assert (model.config["head"], model.n_extra) == ("3x3", 1)


def test_a_network_of_ones_own_is_known_by_its_entry(monkeypatch):
    class Mine(BiSeNet):
        pass

    monkeypatch.setitem(MODELS, "mine", Mine)
    options = replace(parse(["--backbone", "resnet18"]), model="mine")
    assert isinstance(make_model(options), Mine)


class Plain(SegmentationModel):
    """A network without the arguments that have flags."""

    def __init__(self, width: int = 8):
        super().__init__(TinyNetwork(), 8, (6,))
        self.config = {"width": width}


def test_a_network_need_not_have_a_backbone_or_weights(monkeypatch):
    monkeypatch.setitem(MODELS, "plain", Plain)
    options = replace(parse(["--model_args", "width=4"]), model="plain")
    assert make_model(options).config == {"width": 4}
    with pytest.raises(ValueError, match=r"--backbone has no effect on --model plain.*width"):
        check({"backbone": "resnet18"}, options)


def test_an_argument_with_a_flag_of_its_own_is_not_given_twice():
    with pytest.raises(ValueError, match=r"--model_args backbone=.*pass --backbone"):
        make_model(parse(["--model_args", "backbone=resnet18"]))


def test_a_network_whose_file_could_not_be_read_again_is_refused_at_once(monkeypatch):
    monkeypatch.setitem(MODELS, "made", lambda: Plain())
    with pytest.raises(ValueError, match="Plain is no known model"):
        make_model(replace(parse([]), model="made"))


def test_further_metrics_are_measured(monkeypatch, tmp_path):
    class Extra:
        pass

    monkeypatch.setitem(METRICS, "extra", Extra)
    benchmark, options = tiny_benchmark(tmp_path), parse([])
    assert make_mean_iou(options, benchmark).metrics == ()
    (metric,) = make_mean_iou(replace(options, metrics=("extra",)), benchmark).metrics
    assert isinstance(metric, Extra)


def test_the_memory_of_exemplars_is_that_of_the_flags(tmp_path):
    flags = (
        "--method SMiB --exemplars_size 7 --strict --random_seed 3 --exemplars_selection largest"
    )
    arguments = memory_of(parse(flags.split()))
    memory = arguments["memory"]
    assert (memory.n_per_class, memory.seed, memory.selection) == (7, 3, "largest")
    assert memory.label_mode == "stored" and arguments["strict"]


def test_a_device_that_is_not_there_is_named():
    assert pick_device("cpu") == "cpu"
    for name in ("warp", "meta", "hpu", "xpu", "vulkan", "cuda:-1", "cpu "):
        with pytest.raises(ValueError, match=f"--device {name} cannot be used .*; pass cpu, or"):
            pick_device(name)


@pytest.mark.parametrize(("has_bf16", "amp"), [(True, "bf16"), (False, "off")])
def test_a_run_records_the_precision_that_auto_stands_for(has_bf16, amp, monkeypatch):
    capabilities = {"avx512_bf16": has_bf16}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    options = with_precision(parse(["--amp", "auto"]), "cpu")
    assert options.amp == options.as_dict()["amp"] == amp
    assert with_precision(parse(["--amp", "fp16"]), "cpu").amp == "fp16"
