import pytest
import torch

from avalanche_seg.models import BiSeNet, SegmentationModel
from tests.models.tiny import tiny_model

ROLES = ["body", "neck", "extra", "background", "old", "new"]


def names(model):
    """The names of the parameters by role, after checking that each has exactly one."""
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    roles = model.parameter_roles()
    assert list(roles) == ROLES
    found = [id(parameter) for parameters in roles.values() for parameter in parameters]
    assert sorted(found) == sorted(name_of)
    return {role: [name_of[id(p)] for p in parameters] for role, parameters in roles.items()}


def of_heads(*numbers):
    return [
        f"{head}.classifiers.{number}.{name}"
        for head in ("head", "aux_heads.0")
        for number in numbers
        for name in ("weight", "bias")
    ]


@pytest.mark.parametrize(
    ("steps", "old", "new"), [((), [], []), ((3,), [], [0]), ((3, 2, 1), [0, 1], [2])]
)
def test_roles_follow_the_steps(steps, old, new):
    roles = names(tiny_model(*steps))
    assert (roles["old"], roles["new"], roles["extra"]) == (of_heads(*old), of_heads(*new), [])


def test_extra_channels_and_a_separate_background():
    roles = names(tiny_model(3, n_extra=1, background="separate"))
    assert (roles["extra"], roles["background"]) == (of_heads(0), of_heads(1))
    assert (roles["old"], roles["new"]) == ([], of_heads(2))
    roles = names(tiny_model(3, 2, n_extra=1, background="split"))
    assert (roles["extra"], roles["background"]) == (of_heads(0), of_heads(1))
    assert (roles["old"], roles["new"]) == (of_heads(2), of_heads(3))


def test_without_a_body_the_whole_network_is_it():
    roles = names(tiny_model(3))
    assert roles["body"] == ["network.conv.weight", "network.conv.bias", *roles["body"][2:]]
    assert roles["neck"] == []


def test_a_body_is_named_by_its_path():
    roles = names(tiny_model(3, body="network.conv"))
    assert roles["body"] == ["network.conv.weight", "network.conv.bias"]
    assert roles["neck"] == ["network.norm.weight", "network.norm.bias"]


def test_what_a_subclass_adds_is_part_of_the_neck():
    class Scaled(SegmentationModel):
        def __init__(self, *args):
            super().__init__(*args)
            self.scale = torch.nn.Parameter(torch.ones(()))

    assert names(tiny_model(3, kind=Scaled))["neck"] == ["scale"]


def test_the_body_of_bisenet_is_its_resnet():
    with torch.device("meta"):
        roles = names(BiSeNet(classes_per_step=(3, 2)))
    assert {name.split(".")[:3][-1] for name in roles["body"]} == {"backbone"}
    assert {name.split(".")[1] for name in roles["neck"]} == {"context", "spatial", "fusion"}
    assert len(roles["old"]) == len(roles["new"]) == 6
