"""Every file of a split looked at, all that is wrong listed."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets import inspect_split, mask_statistics, read_folder, read_image
from avalanche_seg.labels import VOID
from tests.devkits import write_devkit, write_image, write_mask

NAMES = ("background", "ant", "bee")
MASKS = {name: [[0, 1, 1], [255, i % 2 + 1, 0]] for i, name in enumerate("abcdefgh")}


@pytest.fixture
def kit(tmp_path):
    return write_devkit(tmp_path / "kit", {"train": MASKS, "val": {"v": [[0, 1]]}}, NAMES)


def facts_of(kit, **options):
    return inspect_split(read_folder(kit).train, progress=False, **options)


def test_a_sound_split_is_counted_as_training_counts_it(kit):
    facts = facts_of(kit)
    known = mask_statistics(read_folder(kit).train, progress=False)
    assert (facts.statistics.counts == known.counts).all()
    assert facts.statistics.fingerprint == known.fingerprint
    assert facts.sizes.tolist() == [[2, 3]] * 8 and facts.is_readable.all()
    assert facts.kinds == {"JPEG RGB": 8} and facts.refused == facts.remarks == ()


def test_the_mean_and_deviation_are_those_of_all_pixels(kit):
    facts = facts_of(kit)
    pixels = np.concatenate(
        [read_image(path).numpy().reshape(3, -1) for path in facts.split.images], axis=1
    )
    np.testing.assert_allclose(facts.mean, (pixels / 255).mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(facts.std, (pixels / 255).std(axis=1), atol=1e-6)


def test_heads_alone_leave_the_mean_unknown_and_damaged_pixels_unfound(kit):
    image = write_image(kit / "JPEGImages" / "c.jpg", (60, 80))
    write_mask(kit / "SegmentationClass" / "c.png", np.ones((60, 80)))
    image.write_bytes(image.read_bytes()[:-20])
    heads = facts_of(kit, pixels=False)
    assert heads.mean == () and heads.is_readable.all() and heads.sizes[2].tolist() == [60, 80]
    facts = facts_of(kit)
    assert facts.is_readable.tolist() == [True, True, False, True, True, True, True, True]
    assert f"{image}: the image cannot be read" in facts.refused[0]


def test_every_bad_file_is_named_and_the_others_are_counted(kit):
    (kit / "JPEGImages" / "a.jpg").write_bytes(b"no image")
    write_mask(kit / "SegmentationClass" / "c.png", [[0, 1]])
    Image.new("RGB", (3, 2)).save(kit / "SegmentationClass" / "e.png")
    write_mask(kit / "SegmentationClass" / "g.png", [[9, 9, 9], [0, 0, 7]])
    facts = facts_of(kit)
    whole = " ".join(facts.refused)
    for words in (
        "a.jpg: the image cannot be read",
        "c.png is 2x1 pixels and its image c.jpg 3x2",
        "e.png: got a mask of mode RGB",
        "the value 9 is no class, and 1 of the 8 masks hold 3 pixels of it",
        "the value 7 is no class",
    ):
        assert words in whole
    assert len(facts.refused) == 5
    assert np.flatnonzero(~facts.is_readable).tolist() == [0, 2, 4, 6]
    sums = facts.statistics.counts.sum(axis=1)
    assert sums.tolist() == [0, 6, 0, 6, 0, 6, 2, 6]  # Of g the two pixels of the background.


def test_odd_files_that_training_takes_are_remarks(kit):
    images = kit / "JPEGImages"
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.open(images / "a.jpg").transpose(Image.Transpose.ROTATE_90).save(
        images / "a.jpg", exif=turned
    )
    Image.open(images / "b.jpg").save(images / "b.jpg", "PNG")
    (images / "c.jpg").rename(images / "c.JPG")
    facts = facts_of(kit)
    assert facts.refused == () and facts.kinds == {"JPEG RGB": 7, "PNG RGB": 1}
    turned, misnamed, suffixes = facts.remarks
    assert "1 of the 8 images" in turned and "a.jpg (6)" in turned
    assert "b.jpg (PNG RGB)" in misnamed and "suffix of another format" in misnamed
    assert suffixes.endswith("have 2 suffixes: .jpg 7, .JPG 1")
    assert facts.sizes.tolist() == [[2, 3]] * 8


def test_counts_are_by_dataset_id_where_a_label_map_says_what_values_mean(kit):
    files = replace(read_folder(kit), label_map={0: 0, 1: 2, 2: 1}, void_ids=(VOID,))
    counts = inspect_split(files.train, progress=False).statistics.counts
    assert (counts[:, [0, 1, 2, VOID]].sum(axis=0) == [16, 4, 20, 8]).all()


def test_a_split_of_no_data_set_is_refused(kit):
    split = replace(read_folder(kit).train, values=None)
    with pytest.raises(ValueError, match="belongs to no SegmentationFiles"):
        inspect_split(split, progress=False)
