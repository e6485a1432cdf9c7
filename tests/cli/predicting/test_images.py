import numpy as np
import pytest
from PIL import Image

from avalanche_seg.cli.predicting.images import find_images, name_results, read_rgb, size_of
from tests.cli.noise import noise


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "png"), ("LA", "png"), ("RGBA", "webp"), ("P", "bmp"), ("1", "png"), ("CMYK", "jpg")],
)
def test_any_mode_is_read_as_rgb(tmp_path, mode, suffix):
    image = Image.fromarray(noise(6, 9)).convert(mode)
    path = tmp_path / f"a.{suffix}"
    image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    pixels = read_rgb(path)
    assert pixels.dtype == np.uint8 and pixels.shape == (6, 9, 3)
    if suffix != "jpg":
        assert (pixels == np.asarray(image.convert("RGB"))).all()


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path):
    deep = np.array([[0, 257 * 7, 65535]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert read_rgb(tmp_path / "deep.png")[0, :, 0].tolist() == [0, 7, 255]


def test_photographs_are_turned_upright(tmp_path):
    pixels = np.zeros((8, 16, 3), dtype=np.uint8)
    pixels[:, :8] = 255  # Bright on the left; turned by a quarter clockwise, at the top.
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    upright = read_rgb(tmp_path / "a.png")
    assert upright.shape[:2] == size_of(tmp_path / "a.png") == (16, 8)
    assert upright[:8].min() == 255 and upright[8:].max() == 0


def test_folders_give_their_images_once_and_without_their_folders(tmp_path):
    for name in ("b.PNG", "a.jpeg", "c.txt", "deep/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_images([tmp_path / "b.PNG", tmp_path])
    assert [path.name for path in found] == ["b.PNG", "a.jpeg"]


def test_results_of_equal_names_stay_apart(tmp_path):
    paths = [
        tmp_path / p for p in ("x/a.png", "y/a.png", "x/b.png", "x/b.jpg", "x/C.png", "y/c.png")
    ]
    assert name_results(paths) == ["x_a", "y_a", "b_png", "b_jpg", "x_C", "y_c"]
    deep = [tmp_path / p for p in ("1/x/a.png", "2/x/a.png")]
    assert len(set(name_results(deep))) == 2
    with pytest.raises(ValueError, match="would write the same file"):
        name_results([tmp_path / "a.png", tmp_path / "A.png"])
