"""Images to look at a network with."""

import pytest
import torch
from torch import nn

from avalanche_seg.models.adapting.examples import looked_at
from tests.adapted import Plain
from tests.models.tiny import random_images


class Large(Plain):
    """Takes no small images."""

    def forward(self, images):
        if images.shape[-1] < 100:
            raise RuntimeError("too small")
        return super().forward(images)


def test_the_size_is_the_first_that_runs():
    images, logits = looked_at(Plain().eval(), None, 1)
    assert images.shape == (2, 3, 64, 64) and logits.shape == (2, 4, 64, 64)
    assert looked_at(Large().eval(), None, 1)[0].shape == (2, 3, 128, 128)
    assert looked_at(Plain().eval(), None, 96)[0].shape == (2, 3, 96, 96)


def test_images_or_their_size_are_given():
    mine = random_images(40, 30)
    assert looked_at(Plain().eval(), mine, 1)[0].equal(mine)
    images, _ = looked_at(Plain().double().eval(), [1, 3, 40, 30], 8)
    assert images.shape == (1, 3, 40, 32) and images.dtype == torch.float64


@pytest.mark.parametrize("example", [(3, 64, 64), "64", (0, 3, 64, 64), 5, torch.zeros(3, 8, 8)])
def test_what_is_no_image_is_refused(example):
    with pytest.raises(ValueError, match="example"):
        looked_at(Plain().eval(), example, 1)


def test_a_network_that_does_not_run_says_why():
    four = nn.Conv2d(4, 5, 1)
    with pytest.raises(ValueError, match=r"Conv2d does not run on images \(2, 3, 512, 512\): .*"):
        looked_at(four, None, 1)
