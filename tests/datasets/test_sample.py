import pickle

import torch

from avalanche_seg.datasets import Sample, is_map

IMAGE, LABELS = torch.zeros(3, 4, 5), torch.zeros(4, 5)


def test_parts_end_with_the_extras_if_there_are_any():
    assert [type(part) for part in Sample(IMAGE, LABELS).parts()] == [torch.Tensor] * 2
    image, labels, extras = Sample(IMAGE, LABELS, {"weight": torch.tensor(2.0)}).parts()
    assert image is IMAGE and labels is LABELS and extras["weight"] == 2


def test_samples_travel_between_processes():
    copied = pickle.loads(pickle.dumps(Sample(IMAGE, LABELS)))
    assert torch.equal(copied.image, IMAGE) and len(copied.extras) == 0


def test_maps_have_a_height_and_a_width():
    shapes = [(), (3,), (4, 5), (2, 4, 5)]
    assert [is_map(torch.zeros(shape)) for shape in shapes] == [False, False, True, True]
