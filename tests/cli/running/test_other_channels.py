"""Images of other channels through run, data and predict."""

import json

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from avalanche_seg.cli.main import main
from avalanche_seg.models import load_model
from tests.devkits import write_devkit


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Grey images of 12 bits with a sign, as of a CT scanner, in TIFF files."""
    masks = {
        name: np.kron([[0, i % 2 + 1], [i % 2 + 1, 0]], np.ones((20, 20)))
        for i, name in enumerate("abcdefgh")
    }
    splits = {"train": dict(list(masks.items())[:5]), "val": dict(list(masks.items())[5:])}
    kit = write_devkit(tmp_path_factory.mktemp("scans"), splits, ("background", "bone", "lung"))
    for i, path in enumerate(sorted((kit / "JPEGImages").iterdir())):
        path.unlink()
        values = np.random.default_rng(i).integers(-1100, 1100, (40, 40)).astype(np.int16)
        tifffile.imwrite(path.with_suffix(".tif"), values)
    return kit


FLAGS = ["--in_channels", "1", "--value_range", "-1000", "1000"]


def test_a_run_on_grey_scans_and_the_masks_it_predicts(scans, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    short = ["--epochs", "1", "--batch_size", "2", "--crop_size", "32", "--backbone", "resnet18"]
    command = ["run", "--data_root", str(scans), "--task", "1-1", "--overlap", "--no_pretrained"]
    command += ["--name", "ct", "--sample_num", "1", *short, *FLAGS]
    assert main(command) == 0
    config = json.loads((tmp_path / "runs/ct/config.json").read_text())
    assert (config["in_channels"], config["value_range"]) == (1, [-1000.0, 1000.0])
    path = tmp_path / "runs/ct/models/step1.safetensors"
    model = load_model(path)
    assert model.normalization.value_range == (-1000.0, 1000.0)
    assert 0.45 < model.normalization.mean[0] < 0.55
    scan = scans / "JPEGImages" / "h.tif"
    assert main(["predict", str(scan), "--ckpt", str(path)]) == 0
    values = tifffile.imread(scan).astype(np.float64)
    pixels = np.rint(((values + 1000) / 2000).clip(0, 1) * 255).astype(np.uint8)
    expected = model.predict(model.normalization.normalize(torch.from_numpy(pixels)[None, None]))[
        0
    ].numpy()
    assert (np.asarray(Image.open(tmp_path / "predictions/h.png")) == expected).mean() > 0.999
    assert (tmp_path / "predictions/h_overlay.jpg").is_file()


def test_the_check_of_the_data_takes_the_same_flags(scans, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["data", str(scans), "--task", "1-1", "--setting", "overlapped", *FLAGS]) == 0
    assert ".tif of 1 channels" in capsys.readouterr().out
    assert main(["data", str(scans), "--samples", "0"]) == 1  # As RGB they have no white.
    assert "whose white is not known" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["5"], ["1", "0"], ["a", "b"], ["0", "nan"], ["1", "2", "3"]])
def test_a_range_is_two_numbers_the_smaller_first(scans, words, capsys):
    assert main(["run", "--data_root", str(scans), "--value_range", *words]) == 2
    assert "expected two numbers, LOW and a larger HIGH" in capsys.readouterr().err
