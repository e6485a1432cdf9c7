import numpy as np
import torch
from PIL import Image

from avalanche_seg.cli.running.pictures import iou_heat_map, pick_samples, save_predictions
from avalanche_seg.datasets import voc_palette
from avalanche_seg.labels import LabelSpace
from avalanche_seg.metrics import RunReport, StepReport

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
