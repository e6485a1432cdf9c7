"""The command that labels images by a saved model."""

import numpy as np
import pytest
import torch
from PIL import Image

from avalanche_seg.cli.predicting.command import main
from avalanche_seg.cli.predicting.drawing import mask_image, overlay
from avalanche_seg.cli.predicting.loop import label_maps
from avalanche_seg.datasets import voc_palette
from avalanche_seg.datasets.folder import read_class_names
from avalanche_seg.models import BiSeNet, load_model, save_model
from tests.cli.noise import noise

NAMES = ("background", "cat", "dog & co", "Vögel")
PALETTE = np.array(voc_palette(), dtype=np.uint8).reshape(-1, 3)


@pytest.fixture(scope="module")
def ckpt(tmp_path_factory):
    torch.manual_seed(0)
    model = BiSeNet("resnet18")
    model.grow(3)
    model.grow(1)
    with torch.no_grad():
        for head in model.head.classifiers:
            head.weight.mul_(100)  # Else one class wins everywhere.
    path = tmp_path_factory.mktemp("model") / "step1.safetensors"
    save_model(model, path, class_names=NAMES)
    return path


def expected(ckpt, pixels):
    """The label map, by torch's own resize and by hand-made normalisation."""
    model = load_model(ckpt)
    mean, std = (np.array(v) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    normalised = ((pixels / 255.0 - mean) / std).transpose(2, 0, 1)[None]
    with torch.no_grad():
        logits = model(torch.from_numpy(normalised).float()).logits
    resized = torch.nn.functional.interpolate(logits, size=pixels.shape[:2], mode="bilinear")
    return resized[0].argmax(dim=0).numpy()


@pytest.mark.parametrize("shape", [(1, 1), (17, 33), (500, 375), (31, 200)])
def test_masks_have_the_images_size_channels_as_pixels_and_vocs_colours(ckpt, tmp_path, shape):
    pixels = noise(*shape)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    assert (
        main([str(tmp_path / "one.png"), "--ckpt", str(ckpt), "--output", str(tmp_path / "o")]) == 0
    )
    mask = Image.open(tmp_path / "o" / "one.png")
    assert (mask.mode, mask.size, mask.getpalette()) == ("P", shape[::-1], voc_palette())
    wanted = expected(ckpt, pixels)
    assert (np.asarray(mask) == wanted).mean() > 0.999  # Rounding may turn a tie.
    assert shape != (500, 375) or len(np.unique(wanted)) > 2
    shown = Image.open(tmp_path / "o" / "one_overlay.jpg")
    assert shown.width >= shape[1] and shown.height > shape[0]
    assert read_class_names(tmp_path / "o" / "classes.txt") == NAMES


def test_images_of_one_size_share_a_batch_and_get_the_same_maps(ckpt, tmp_path, monkeypatch):
    shapes = [(40, 60), (60, 40), (40, 60), (40, 60), (33, 33)]
    for i, shape in enumerate(shapes):
        Image.fromarray(noise(*shape, seed=i)).save(tmp_path / f"{i}.png")
    seen = []
    forward = BiSeNet.forward

    def spied(self, images):
        assert not self.training and torch.is_inference_mode_enabled()
        seen.append(tuple(images.shape))
        return forward(self, images)

    monkeypatch.setattr(BiSeNet, "forward", spied)
    for size in ("1", "2"):
        more = ["--ckpt", str(ckpt), "--output", str(tmp_path / size), "--batch-size", size]
        assert main([str(tmp_path), *more]) == 0
    assert [s[0] for s in seen] == [1] * 5 + [2, 1, 1, 1]
    for i in range(5):
        one, two = (np.asarray(Image.open(tmp_path / n / f"{i}.png")) for n in ("1", "2"))
        assert (one == two).mean() > 0.999
        assert one.shape == shapes[i]


def test_size_is_the_shorter_side_in_the_network_alone(ckpt, monkeypatch):
    model, seen = load_model(ckpt), []
    model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    (labels,) = label_maps(model, [noise(50, 120)], size=64)
    assert tuple(seen[0]) == (1, 3, 64, 154)
    assert labels.shape == (50, 120) and labels.dtype == np.int32


def test_an_unreadable_image_is_named_and_the_others_are_written(ckpt, tmp_path, capsys):
    Image.fromarray(noise(20, 20)).save(tmp_path / "good.jpg")
    (tmp_path / "bad.png").write_bytes(b"no image")
    whole = (tmp_path / "good.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    more = ["--ckpt", str(ckpt), "--output", str(tmp_path / "o"), "--batch_size", "3"]
    assert main([str(tmp_path), *more]) == 2
    shown = capsys.readouterr()
    assert "1 of 3 images" in shown.out
    for name in ("bad.png", "half.jpg"):
        assert f"error: {tmp_path / name}: the image cannot be read" in shown.err
    written = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert written == ["classes.txt", "good.png", "good_overlay.jpg"]


def test_the_overlay_colours_classes_leaves_the_background_and_has_a_legend():
    image = np.full((40, 60, 3), 200, dtype=np.uint8)
    labels = np.zeros((40, 60), dtype=np.uint8)
    labels[:, 30:], labels[:10, 30:] = 3, 1
    shown = np.asarray(overlay(image, labels, NAMES, opacity=0.25))
    assert (shown[:40, :30] == 200).all()
    assert (shown[20:40, 30:60] == np.round(150 + PALETTE[3] * 0.25)).all()
    assert (shown[:10, 30:60] == np.round(150 + PALETTE[1] * 0.25)).all()
    legend = {tuple(colour) for colour in shown[40:].reshape(-1, 3).tolist()}
    assert {tuple(PALETTE[3].tolist()), tuple(PALETTE[1].tolist())} <= legend
    assert tuple(PALETTE[2].tolist()) not in legend


def test_colours_are_those_of_the_dataset_ids_where_the_model_knows_them():
    labels = np.array([[0, 1, 2, 3]] * 4, dtype=np.uint8)
    ids = (0, 7, 12, 3)
    mask = mask_image(labels, ids)
    assert (np.asarray(mask) == labels).all()
    assert (np.asarray(mask.convert("RGB"))[0] == PALETTE[list(ids)]).all()
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    shown = np.asarray(overlay(image, labels, NAMES, opacity=1.0, class_ids=ids))
    assert (shown[:4, 1:4] == PALETTE[list(ids[1:])]).all()
    assert tuple(PALETTE[12].tolist()) in set(map(tuple, shown[4:].reshape(-1, 3).tolist()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["empty"], "empty holds no image"),
        (["in", "--opacity", "2"], "--opacity 2.0; expected 0 to 1"),
        (["in", "--batch_size", "0"], "--batch_size 0; expected one or more"),
        (["in", "--size", "0"], "--size 0; expected one or more"),
        (["in", "--device", "warp"], "--device warp cannot be used"),
        (["in", "--ckpt", "none"], "none is no file"),
        (["in", "--output", "in"], "in/a.png is one of the images and would be overwritten"),
    ],
)
def test_bad_input_ends_with_one_clear_error(
    ckpt, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "in").mkdir()
    Image.fromarray(noise(8, 8)).save("in/a.png")
    before = (tmp_path / "in" / "a.png").read_bytes()
    assert main(["--ckpt", str(ckpt), *arguments]) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert (tmp_path / "in" / "a.png").read_bytes() == before
    assert not (tmp_path / "predictions").exists()


def test_help_names_every_flag(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for flag in ("ckpt", "output", "batch_size", "size", "device", "opacity"):
        assert f"--{flag}" in shown


@pytest.mark.parametrize(
    "name", ["$x_$", "<b>", "two\nlines", "_x", "y" * 3000, "", "a\tb"], ids=len
)
def test_any_class_name_is_drawn(name):
    labels = np.array([[0, 1], [1, 1]], dtype=np.uint8)
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    drawn = overlay(image, labels, ("background", name), opacity=0.5)
    assert drawn.width < 1000


def test_a_name_of_two_lines_is_one_line_of_the_list_of_classes(ckpt, tmp_path):
    model = load_model(ckpt)
    save_model(model, tmp_path / "m.safetensors", class_names=("bg", "two\nlines", "c", "d"))
    Image.fromarray(noise(8, 8)).save(tmp_path / "one.png")
    command = ["--ckpt", str(tmp_path / "m.safetensors"), "--output", str(tmp_path / "o")]
    assert main([str(tmp_path / "one.png"), *command]) == 0
    assert read_class_names(tmp_path / "o" / "classes.txt") == ("bg", "two lines", "c", "d")
