import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets import Split, mask_statistics
from tests.devkits import write_image, write_mask

Break = Callable[[Split, int], None]


@pytest.fixture
def samples(tmp_path: Path) -> Split:
    images = tuple(write_image(tmp_path / "img" / f"{i}.jpg", (40, 50)) for i in range(6))
    rng = np.random.default_rng(0)
    masks = tuple(
        write_mask(tmp_path / "msk" / f"{i}.png", rng.integers(0, 4, (40, 50))) for i in range(6)
    )
    return Split(tmp_path, "train", images, masks)


def _garbage_mask(samples: Split, i: int) -> None:
    samples.masks[i].write_bytes(b"garbage" * 20)


def _truncated_mask(samples: Split, i: int) -> None:
    content = samples.masks[i].read_bytes()
    samples.masks[i].write_bytes(content[: len(content) * 2 // 3])


def _folder_for_mask(samples: Split, i: int) -> None:
    samples.masks[i].unlink()
    samples.masks[i].mkdir()


def _garbage_image(samples: Split, i: int) -> None:
    samples.images[i].write_bytes(b"garbage" * 20)


def _other_size(samples: Split, i: int) -> None:
    write_mask(samples.masks[i], np.zeros((50, 40)))


def _unturned(samples: Split, i: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8  # Upright it is 40 wide and 50 high; the mask is as the pixels are stored.
    Image.new("RGB", (50, 40)).save(samples.images[i], exif=exif)


def _floating_image(samples: Split, i: int) -> None:
    Image.fromarray(np.ones((40, 50), dtype=np.float32)).save(samples.images[i], "TIFF")


def _lossy_mask(samples: Split, i: int) -> None:
    Image.fromarray(np.zeros((40, 50), dtype=np.uint8)).save(samples.masks[i], "JPEG")


def _colours(samples: Split, i: int) -> None:
    Image.new("RGB", (50, 40), (128, 0, 0)).save(samples.masks[i])


def _foreign_value(samples: Split, i: int) -> None:
    mask = np.zeros((40, 50))
    mask[3, 4] = 7
    write_mask(samples.masks[i], mask)


CASES: list[tuple[Break, str, list[str]]] = [
    (_garbage_mask, "masks", ["the mask cannot be read", "replace the file"]),
    (_truncated_mask, "masks", ["the mask cannot be read", "replace the file"]),
    (_folder_for_mask, "masks", ["the mask cannot be read"]),
    (_garbage_image, "images", ["the image cannot be read", "replace the file"]),
    (_other_size, "masks", ["40x50 pixels", "50x40", "expected the same size"]),
    (_unturned, "masks", ["50x40 pixels", "40x50, turned upright", "EXIF orientation 8"]),
    (_floating_image, "images", ["mode F (floating point)", "0..255 or 0..65535"]),
    (_lossy_mask, "masks", ["coded as JPEG", "whatever the file's suffix", "PNG"]),
    (
        _colours,
        "masks",
        ["mode RGB", "palette (P) or grey (of 8 or 16 bits)", "onvert colours to indices"],
    ),
    (_foreign_value, "masks", ["value 7 is no class", "0..3", "255 (void)", "class names"]),
]
IDS = [case[0].__name__.strip("_") for case in CASES]


def _message(samples: Split) -> str:
    with pytest.raises(ValueError) as error:
        mask_statistics(samples, n_values=4, progress=False)
    return str(error.value)


@pytest.mark.parametrize(("spoil", "kind", "texts"), CASES, ids=IDS)
def test_the_bad_file_is_named(samples: Split, spoil: Break, kind: str, texts: list[str]) -> None:
    spoil(samples, 2)
    message = _message(samples)
    assert message.startswith(str(getattr(samples, kind)[2]))
    for text in texts:
        assert text in message
    assert _message(samples) == message  # nothing was cached that would hide it


@pytest.mark.parametrize("later", [_garbage_image, _foreign_value])
@pytest.mark.parametrize(("first", "kind"), [case[:2] for case in CASES], ids=IDS)
def test_the_first_in_list_order_is_named(
    samples: Split, first: Break, kind: str, later: Break
) -> None:
    first(samples, 1)
    later(samples, 4)
    assert _message(samples).startswith(str(getattr(samples, kind)[1]))


@pytest.mark.parametrize("value", [4, 100, 254])
def test_every_value_between_the_classes_and_void_is_foreign(samples: Split, value: int) -> None:
    write_mask(samples.masks[0], np.full((40, 50), value))
    assert re.search(rf"0\.png: value {value} is no class", _message(samples))


def test_the_number_of_classes_is_checked_with_a_cached_table_too(samples: Split) -> None:
    mask_statistics(samples, n_values=4, progress=False)
    with pytest.raises(ValueError, match=r"0\.png: value 3 is no class.*0\.\.2"):
        mask_statistics(samples, n_values=3, progress=False)


def test_grey_masks_are_read(samples: Split) -> None:
    Image.fromarray(np.full((40, 50), 2, dtype=np.uint8)).save(samples.masks[0])
    assert mask_statistics(samples, n_values=4, progress=False).counts[0, 2] == 2000


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_a_file_that_is_gone_is_named(samples: Split, kind: str) -> None:
    for _ in range(2):
        path = getattr(samples, kind)[3]
        content = path.read_bytes()
        path.unlink()
        assert _message(samples).startswith(f"{path}: the file cannot be found")
        path.write_bytes(content)
        mask_statistics(samples, n_values=4, progress=False)
