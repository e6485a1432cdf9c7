import pytest
import torch
import torch.nn.functional as F
from torch import nn

from avalanche_seg.models import BiSeNet, DeepLabV3, fold_batch_norms
from tests.adapted import NETWORKS, adapted


def away_from_identity(model):
    """Statistics, scales and shifts that a norm cannot be left out with."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return model.eval()


def folded_names(model):
    return [name for name, module in model.named_modules() if "forward" in vars(module)]


def outputs_of(model, names, images):
    found = {}
    hooks = [
        model.get_submodule(name).register_forward_hook(
            lambda _, inputs, output, name=name: found.update({name: output.clone()})
        )
        for name in names
    ]
    with torch.no_grad():
        found["logits"] = model(images).logits
    for hook in hooks:
        hook.remove()
    return found


def bisenet(**options):
    return BiSeNet("resnet18", classes_per_step=(3,), **options)


# Norms that stay: the one behind BiSeNet's fused paths, which is no call of a convolution's.
OURS = {
    "bisenet": (bisenet, 1),
    "bisenet with taps": (lambda: bisenet(taps=("layer1", "layer4", "head")), 1),
    "deeplabv3": (lambda: DeepLabV3("resnet18", aux=True, classes_per_step=(3,)), 0),
    "leaky": (lambda: DeepLabV3("resnet18", activation="leaky_relu", classes_per_step=(3,)), 0),
}


@pytest.mark.parametrize("name", [*OURS, *NETWORKS])
def test_every_layer_is_the_same_up_to_rounding(name):
    make, n_left = OURS.get(name, (None, None))
    model = away_from_identity(make() if make else adapted(name)).double()
    if not make:
        model.grow(3)
        model.double().eval()
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    folded = fold_batch_norms(model, images[:1])
    norms = [n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
    names = folded_names(folded)
    if make:
        assert len(norms) - len(names) == n_left
    else:
        assert names or not norms
    expected, got = (outputs_of(net, names, images) for net in (model, folded))
    assert expected.keys() == got.keys() and len(names) == len(expected) - 1
    for key, value in expected.items():
        gap = (got[key] - value).abs().max() / value.abs().max()
        assert gap < 1e-11, key


def test_model_stays_as_it_is_and_shares_what_is_not_folded():
    model = away_from_identity(bisenet())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    folded = fold_batch_norms(model, torch.randn(1, 3, 64, 64))
    assert all(before[key].equal(value) for key, value in model.state_dict().items())
    assert not folded_names(model)
    assert folded.head.classifiers[0].weight is model.head.classifiers[0].weight
    backbone, ours = folded.network.context.backbone, model.network.context.backbone
    assert backbone.stem[0].weight is not ours.stem[0].weight
    assert not any(parameter.requires_grad for parameter in [backbone.stem[0].weight])


class AbsoluteScale(nn.BatchNorm2d):
    """A norm whose scale is |w| + eps, as in-place activated batch norm has it."""

    def forward(self, maps):
        scale = self.weight.abs() + self.eps
        return F.batch_norm(
            maps, self.running_mean, self.running_var, scale, self.bias, False, 0.1, self.eps
        )


class WithActivation(AbsoluteScale):
    def forward(self, maps):
        return F.leaky_relu(super().forward(maps), 0.01)


class Shortcut(nn.Module):
    """The convolution's result is needed beside the norm's."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, images):
        maps = self.conv(images)
        return self.norm(maps) + maps


class Twice(Shortcut):
    """One convolution and one norm, called twice."""

    def forward(self, images):
        return self.norm(self.conv(self.norm(self.conv(images))))


class Activated(Shortcut):
    """What the norm reads was changed in place."""

    def forward(self, images):
        return self.norm(self.conv(images).relu_())


class Standardized(nn.Conv2d):
    """Convolves with other weights than its parameters."""

    def forward(self, images):
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return F.conv2d(images, weight, self.bias)


class Aliased(Shortcut):
    """Calls the norm by another name than the first."""

    def __init__(self):
        super().__init__()
        self.hidden = [self.norm]
        self.other = self.norm

    def forward(self, images):
        return self.hidden[0](self.conv(images))


PAIRS = {
    "plain": (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), 1),
    "grouped": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 3, 3, groups=3, padding=1, bias=False), nn.BatchNorm2d(3)
        ),
        1,
    ),
    "absolute scale": (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), AbsoluteScale(3)), 1),
    "aliased": (Aliased, 1),
    "with activation": (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), WithActivation(3)), 0),
    "shortcut": (Shortcut, 0),
    "twice": (Twice, 0),
    "activated": (Activated, 0),
    "standardized": (lambda: nn.Sequential(Standardized(3, 3, 1), nn.BatchNorm2d(3)), 0),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 3, 2), nn.BatchNorm2d(3)), 0),
}


@pytest.mark.parametrize("name", PAIRS)
def test_only_what_is_certain_is_folded(name):
    make, n_folded = PAIRS[name]
    model, images = away_from_identity(make()).double(), torch.randn(2, 3, 5, 5).double()
    folded = fold_batch_norms(model, images)
    assert len(folded_names(folded)) == n_folded
    torch.testing.assert_close(folded(images), model(images), rtol=1e-12, atol=1e-12)


def test_norm_of_batch_statistics_stays():
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)).eval()
    assert not folded_names(fold_batch_norms(model, torch.randn(2, 3, 4, 4)))
