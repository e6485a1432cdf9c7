import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from avalanche_seg.cli.running.pictures import (
    _overview,
    distinct_stems,
    draw_step,
    iou_heat_map,
    pick_samples,
    save_predictions,
)
from avalanche_seg.datasets import voc_palette
from avalanche_seg.labels import LabelSpace
from avalanche_seg.metrics import RunReport, StepReport, shown_name

NAMES = ["background", "cat"]
SPACE = LabelSpace(steps=((2,), (1,)), names=("background", "cat", "dog"))


class Constant(torch.nn.Module):
    """Predicts channel 1, dataset id 2, everywhere."""

    def __init__(self):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(1))

    def predict(self, images):
        return torch.ones(images.shape[0], *images.shape[-2:], dtype=torch.int64)


def test_image_truth_and_prediction_stand_side_by_side_in_the_data_sets_colours(tmp_path):
    image = torch.full((3, 4, 5), 200, dtype=torch.uint8)
    labels = torch.tensor([[0, 1, 2, 255, 0]] * 4, dtype=torch.uint8)
    folder = tmp_path / "step0"
    save_predictions(
        Constant(), [(image, labels)], ["one"], SPACE, folder, palette=voc_palette(), title="t"
    )
    pixels = np.asarray(Image.open(folder / "one.png"))
    palette = np.array(voc_palette()).reshape(-1, 3)
    assert pixels.shape == (4, 15, 3)
    assert (pixels[:, :5] == 200).all()
    assert (pixels[0, 5:10] == palette[[0, 2, 1, 255, 0]]).all()
    assert (pixels[:, 10:] == palette[2]).all()
    assert Image.open(tmp_path / "step0.png").width > 300


def test_samples_cover_as_many_classes_as_possible():
    sets = [frozenset({0, 1}), frozenset({0, 2, 3}), frozenset({0, 1}), frozenset({0, 4})]
    assert pick_samples(sets, 3) == [0, 1, 3]
    assert pick_samples(sets, 9) == [0, 1, 2, 3]
    assert pick_samples([], 3) == []


def test_heat_map_has_room_for_every_class_and_step(tmp_path):
    report = RunReport()
    report.add(StepReport(0, torch.eye(2, dtype=torch.int64), SPACE.channel_names, n_base=2))
    report.add(StepReport(1, torch.eye(3, dtype=torch.int64), SPACE.channel_names, n_base=2))
    iou_heat_map(report, SPACE.channel_names, tmp_path / "map.png")
    assert np.asarray(Image.open(tmp_path / "map.png")).std() > 10


class Dataset(list):
    class_sets = (frozenset({0}), frozenset({0, 1, 2}))

    def eval(self):
        return self


def test_a_step_leaves_pictures_with_their_legend_and_the_heat_map(tmp_path):
    (tmp_path / "plots").mkdir()
    report = RunReport()
    report.add(StepReport(0, torch.eye(2, dtype=torch.int64), SPACE.channel_names, n_base=2))
    image = torch.full((3, 4, 5), 200, dtype=torch.uint8)
    samples = SimpleNamespace(images=[Path("x/other.jpg"), Path("x/first.jpg"), Path("second.jpg")])
    test = SimpleNamespace(
        dataset=Dataset([(image, torch.zeros(4, 5, dtype=torch.uint8))] * 2),
        data=SimpleNamespace(split=samples, indices=[1, 2]),
        label_space=SPACE,
    )
    draw_step(Constant(), test, report, tmp_path, palette=voc_palette(), title="t", n=1)
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert written == [
        *("plots/iou_by_class.png", "predictions/classes.json"),
        *("predictions/step0.png", "predictions/step0/second.png"),
    ]
    palette = np.array(voc_palette()).reshape(-1, 3)
    ids = {"background": 0, "cat": 1, "dog": 2, "void": 255}
    expected = {name: palette[class_id].tolist() for name, class_id in ids.items()}
    assert json.loads((tmp_path / "predictions" / "classes.json").read_text()) == expected


def test_names_like_formulas_are_drawn_letter_by_letter(tmp_path):
    names = ("background", "a$^b$", "$\\frac{$")
    space = LabelSpace(steps=((1, 2),), names=names)
    report = RunReport()
    report.add(StepReport(0, torch.eye(3, dtype=torch.int64), names, n_base=3))
    iou_heat_map(report, names, tmp_path / "map.png")
    image = torch.full((3, 4, 5), 200, dtype=torch.uint8)
    labels = torch.tensor([[0, 1, 2, 255, 0]] * 4, dtype=torch.uint8)
    save_predictions(
        Constant(),
        [(image, labels)],
        ["one"],
        space,
        tmp_path / "a",
        palette=voc_palette(),
        title="$\\frac{$",
    )
    assert (tmp_path / "a.png").is_file() and (tmp_path / "map.png").is_file()


def report_of(names):
    report = RunReport()
    report.add(StepReport(0, torch.eye(len(names), dtype=torch.int64), names, n_base=len(names)))
    return report


@pytest.mark.parametrize("name", ["$x_$", "<b>", "two\nlines", "_x", "y" * 2000, "{"], ids=len)
def test_every_name_stands_in_the_legend(tmp_path, name):
    figure = _overview(
        [(np.zeros((4, 5, 3), np.uint8),) * 3], {"bg": [0, 0, 0], name: [9, 9, 9]}, "t"
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["bg", shown_name(name)]
    figure.savefig(tmp_path / "a.png")
    iou_heat_map(report_of(["bg", name]), ["bg", name], tmp_path / "map.png")
    assert np.asarray(Image.open(tmp_path / "map.png")).std() > 10
    assert Image.open(tmp_path / "map.png").width < 1000


@pytest.mark.parametrize("broken", ["save_predictions", "iou_heat_map", "pick_samples"])
def test_a_picture_that_fails_is_a_warning_and_the_others_are_drawn(tmp_path, monkeypatch, broken):
    def fail(*args, **kwargs):
        raise RuntimeError("no\nfonts")

    monkeypatch.setattr(f"avalanche_seg.cli.running.pictures.{broken}", fail)
    (tmp_path / "plots").mkdir()
    (tmp_path / "predictions").mkdir()
    image = torch.full((3, 4, 5), 200, dtype=torch.uint8)
    test = SimpleNamespace(
        dataset=Dataset([(image, torch.zeros(4, 5, dtype=torch.uint8))] * 2),
        data=SimpleNamespace(split=SimpleNamespace(images=[Path("a"), Path("b")]), indices=[0, 1]),
        label_space=SPACE,
    )
    with pytest.warns(UserWarning, match=r"png is left out \(RuntimeError: no fonts\)"):
        draw_step(
            Constant(), test, report_of(NAMES), tmp_path, palette=voc_palette(), title="t", n=1
        )
    drawn = {path.name for path in tmp_path.rglob("*.png")}
    assert drawn == ({"step0.png", "b.png"} if broken == "iou_heat_map" else {"iou_by_class.png"})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a/1.png", "b/1.png", "c/1.jpg"], ["1", "1-2", "1-3"]),
        (["a/1.png", "b/1.png", "c/1-2.png"], ["1", "1-3", "1-2"]),
        (["a/x.png", "b/X.png"], ["x", "X-2"]),
        (["a/x.png", "b/y.png"], ["x", "y"]),
    ],
)
def test_equal_stems_do_not_overwrite_each_other(files, expected):
    assert distinct_stems([Path(file) for file in files]) == expected
