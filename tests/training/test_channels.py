import pytest
from torch import nn

from avalanche_seg.training import check_channels_of
from tests.tiny import tiny_model

WANTED = {"head": "3x3", "n_extra": 1, "background": "split"}


def test_any_kind_of_head_with_the_channels_will_do():
    check_channels_of("SSUL", tiny_model(n_extra=1, background="split"), WANTED)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            tiny_model(n_extra=1, background="none"),
            r"and SegmentationModel has n_extra=1, .*'none'",
        ),
        (nn.Conv2d(3, 1, 1), r"SSUL needs a SegmentationModel with head='3x3'.*got Conv2d"),
    ],
)
def test_others_are_refused_with_what_to_say(model, message):
    with pytest.raises(ValueError, match=message):
        check_channels_of("SSUL", model, WANTED)
