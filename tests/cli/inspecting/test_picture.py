"""A data set in one picture."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.benchmarks import check_data
from avalanche_seg.cli.inspecting.picture import _chosen, _covered, _labels, draw
from avalanche_seg.datasets import voc_palette

PALETTE = np.array(voc_palette(), dtype=np.float64).reshape(-1, 3)


@pytest.fixture
def report(devkit):
    return check_data(devkit, tasks=["2-1"], progress=False)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_picture_is_drawn_for_any_number_of_samples(report, tmp_path, n):
    draw(report, tmp_path / "data.png", n=n)
    picture = Image.open(tmp_path / "data.png")
    assert picture.format == "PNG" and picture.width > 1000
    assert picture.height > (600 if n > 3 else 300)


def test_any_class_name_is_drawn(report, tmp_path):
    names = ("background", "$x_$", "_b", "two\nlines", "")
    draw(replace(report, files=replace(report.files, class_names=names)), tmp_path / "x.png")


def test_samples_show_every_class_and_can_be_read(report):
    shown = report.train.statistics.presence[_chosen(report, 3)].any(axis=0)
    assert shown[1:5].all()
    is_readable = np.ones(10, dtype=bool)
    is_readable[9] = False
    unread = replace(report, train=replace(report.train, is_readable=is_readable))
    assert 9 in _chosen(report, 10) and 9 not in _chosen(unread, 10)


def test_the_mask_lies_on_the_image_in_the_data_sets_colours(report):
    image = np.full((2, 3, 3), 100, dtype=np.uint8)
    labels = _labels(report.files, 0)
    assert labels.tolist() == [[0, 1, 1], [255, 1, 0]]
    covered = _covered(image, labels, report.files)
    assert (covered[0, 0] == 100).all()
    assert (covered[0, 1] == np.round(40 + 0.6 * PALETTE[1])).all()
    names = ("road", *report.files.class_names[1:])
    no_background = replace(report.files, class_names=names, zero_is="class")
    assert (_covered(image, labels, no_background)[0, 0] == 40).all()
