"""A domain-incremental stream from the command line."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from avalanche_seg.cli.comparing import main as compare
from avalanche_seg.cli.predicting.command import main as predict
from avalanche_seg.cli.reporting.command import main as report
from avalanche_seg.cli.running.command import main
from avalanche_seg.datasets import voc_palette
from avalanche_seg.datasets.cityscapes import CITYSCAPES_CITIES
from avalanche_seg.models import load_model, save_model
from tests.scene_kits import write_cityscapes

FLAGS = (
    *("--dataset", "cityscapes_domains", "--task", "11-10", "--epochs", "1", "--batch_size", "8"),
    *("--crop_size", "32", "--backbone", "resnet18", "--no_pretrained", "--sample_num", "1"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cities")
    mask = np.full((32, 32), 7)  # Road under a sky, and what has no class.
    mask[:10], mask[20:, :9] = 23, 1
    train = {city: [mask, mask] for city in CITYSCAPES_CITIES[:18]}
    val = {city: [mask, mask] for city in CITYSCAPES_CITIES[18:]}
    write_cityscapes(folder, {"train": train, "val": val})
    assert run(folder, "--name", "mib") == 0
    return folder


def run(folder, *flags):
    return main([*FLAGS, "--data_root", str(folder), "--logdir", str(folder / "runs"), *flags])


def results_of(path):
    return json.loads(path.read_text())


def test_results_name_domains_and_their_values(folder):
    results = results_of(folder / "runs" / "mib" / "results.json")
    assert (results["task"], results["setting"]) == ("11-10", "clean")
    assert [len(names) for names in results["domains"]] == [11, 10]
    first, second = (step["means"] for step in results["steps"])
    assert "mIoU_domain1" not in first and first["mIoU_domains"] == first["mIoU_domain0"]
    mean = (second["mIoU_domain0"] + second["mIoU_domain1"]) / 2
    assert second["mIoU_domains"] == pytest.approx(mean)
    assert second["mIoU_new"] is None and second["mIoU_all_bg"] is None
    last = results["steps"][-1]
    assert not last["has_background"] and len(last["iou"]) == 19
    shown = [value for value in last["iou"].values() if value is not None]
    assert last["means"]["mIoU_all"] == pytest.approx(sum(shown) / 2), "road counts as well"
    assert set(results["forgetting"]) == {"road", "sky"}
    gone = results["forgetting"].values()
    assert results["mean_forgetting"] == pytest.approx(sum(gone) / 2)


def test_saved_models_are_tested_step_by_step(folder):
    assert run(folder, "--name", "mib", "--test") == 0
    tested = results_of(folder / "runs" / "mib" / "test_results.json")["steps"]
    trained = results_of(folder / "runs" / "mib" / "results.json")["steps"]
    assert [step["means"] for step in tested] == [step["means"] for step in trained]
    model = folder / "runs" / "mib" / "models" / "step0.safetensors"
    for flags, step in (((), 1), (("--step", "0"), 0)):
        assert run(folder, "--test", "--ckpt", str(model), *flags) == 0
        (one,) = results_of(model.parent / "step0.test_results.json")["steps"]
        assert one["step"] == step
    assert one["means"] == trained[0]["means"]


def test_compare_and_report_show_them(folder, capsys):
    runs = [str(folder / "runs" / "mib")]
    assert compare([*runs, "--out", str(folder / "c.png")]) == 0
    table = capsys.readouterr().out
    assert "| mIoU_domains | mIoU_domain0 | mIoU_domain1 |" in table and "11-10 clean" in table
    assert report([*runs, "--output", str(folder / "r.html")]) == 0
    page = (folder / "r.html").read_text()
    assert "mIoU_domains" in page and "11-10 clean on cityscapes_domains" in page


def test_predictions_colour_the_first_class_where_there_is_no_background(folder):
    model = folder / "runs" / "mib" / "models" / "step1.safetensors"
    loaded = load_model(model)
    assert not loaded.has_background and loaded.class_names[0] == "road"
    with torch.no_grad():  # Road everywhere.
        loaded.head.classifiers[0].weight.zero_()
        loaded.head.classifiers[0].bias.copy_(torch.arange(19, 0, -1))
    save_model(loaded, folder / "road.safetensors")
    Image.new("RGB", (40, 30)).save(folder / "black.png")
    output = ("--output", str(folder / "predicted"))
    flags = ("--ckpt", str(folder / "road.safetensors"), *output, "--opacity", "1")
    assert predict([str(folder / "black.png"), *flags]) == 0
    mask = Image.open(folder / "predicted" / "black.png")
    assert np.asarray(mask).max() == 0, "pixels are channels"
    colour = voc_palette()[3:6]
    assert mask.convert("RGB").getpixel((5, 5)) == tuple(colour)
    shown = np.asarray(Image.open(folder / "predicted" / "black_overlay.jpg"))[2:28, 2:38]
    assert np.abs(shown.astype(int) - colour).max() < 20, "JPEG's own colours"


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--setting", "disjoint"), "split='disjoint' is unknown; expected one of files, clean"),
        (("--train_void", "ignore"), "--train_void has no effect on --setting clean, where steps"),
        (("--old_labels", "hidden"), "--old_labels has no effect on --setting clean, where steps"),
        (("--task", "30-1"), "task='30-1' does not cut the 21 domains into steps"),
    ],
)
def test_bad_flags(folder, capsys, flags, text):
    assert run(folder, *flags) == 2
    assert text in capsys.readouterr().err
