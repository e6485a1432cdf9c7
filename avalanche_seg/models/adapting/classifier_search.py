"""Which convolutions of a network are its classifiers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from avalanche_seg.models.adapting.outputs import dense_output
from avalanche_seg.models.classifiers import ConvFactory, plain_parameters

__all__ = [
    "check_classifier",
    "factory_like",
    "find_classifiers",
    "joined_classifier",
    "tolerance",
]

_EXPECTED = (
    "expected an nn.Conv2d of stride 1, ungrouped and padded with zeros; change the network to end "
    "in one, or build a SegmentationModel on its last map"
)


def find_classifiers(network: nn.Module, images: Tensor, logits: Tensor) -> list[str]:
    """The convolutions to whose output the network adds, resizes or does nothing.

    An offset per channel is added to the output of every convolution with the logits' number of
    channels; the classifiers are those whose offset is seen unchanged in the logits, everywhere.

    Args:
        network: in evaluation mode.
        images: B x 3 x H x W, normalised.
        logits: the network's output on them, B x C x h x w.

    Returns:
        paths, in the network's order; several where it adds their outputs.

    Raises:
        ValueError: when there is none; what stands there instead is named.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 5, 1), nn.Upsample(8))
        >>> images = torch.randn(1, 3, 8, 8)
        >>> find_classifiers(net.eval(), images, net(images))
        ['2']
    """
    n_channels = logits.shape[1]
    scale = max(1.0, logits.abs().max().item())
    offset = scale * torch.linspace(1, 2, n_channels, dtype=logits.dtype, device=logits.device)

    def arrives(module: nn.Module, channel: int) -> bool:
        with torch.no_grad(), _added(module, offset, channel):
            try:
                moved = dense_output(network(images))
            except (RuntimeError, ValueError):  # The offset has the wrong shape there.
                return False
        difference = moved - logits if moved.shape == logits.shape else moved.new_tensor(torch.nan)
        expected = offset.view(-1, 1, 1).expand_as(difference)
        return torch.allclose(difference, expected, rtol=0, atol=scale * tolerance(logits.dtype))

    found: list[str] = []
    others: list[str] = []
    for path, module in network.named_modules():
        channels = _output_channels(module)
        if channels == n_channels and arrives(module, _channel_dimension(module)):
            (found if isinstance(module, nn.Conv2d) else others).append(path)
    if not found:
        raise ValueError(_nothing_found(network, logits, others))
    return found


def tolerance(dtype: torch.dtype) -> float:
    """By how much two ways to compute the same logits may differ, as a share of the largest.

    Example:
        >>> tolerance(torch.float32), tolerance(torch.bfloat16)
        (0.001, 0.125)
    """
    return max(1e-3, 16 * torch.finfo(dtype).eps)


def _output_channels(module: nn.Module) -> int | None:
    if isinstance(module, nn.Linear):
        return module.out_features
    return module.out_channels if isinstance(module, nn.modules.conv._ConvNd) else None


def _channel_dimension(module: nn.Module) -> int:
    return -1 if isinstance(module, nn.Linear) else 1


@contextmanager
def _added(module: nn.Module, offset: Tensor, channel: int) -> Iterator[None]:
    """Adds an offset per channel to a module's output."""

    def add(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        return (output.movedim(channel, -1) + offset).movedim(-1, channel)

    handle = module.register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


def _nothing_found(network: nn.Module, logits: Tensor, others: Sequence[str]) -> str:
    if others:
        kinds = ", ".join(
            f"{path!r} ({type(network.get_submodule(path)).__name__})" for path in others
        )
        return f"the classifier of {type(network).__name__} is {kinds}; {_EXPECTED}"
    what = _probabilities(logits)
    if what is not None:
        return (
            f"{type(network).__name__} returns {what}; expected logits: leave out what follows the "
            "classifier"
        )
    return (
        f"{type(network).__name__} has no convolution of {logits.shape[1]} channels whose output "
        "reaches its own unchanged but for its size, as a classifier's does; if its classifier "
        "is followed by a norm or an activation, leave that out; else build a SegmentationModel"
    )


def _probabilities(logits: Tensor) -> str | None:
    """What outputs are that a softmax or a sigmoid was applied to."""
    sums: dict[str, Callable[[], Tensor]] = {
        "probabilities (a softmax)": lambda: logits.sum(1),
        "logarithms of probabilities (a softmax)": lambda: logits.exp().sum(1),
    }
    for what, total in sums.items():
        if torch.allclose(total(), torch.ones(()).to(logits), atol=1e-3):
            return what
    within = logits.min() >= 0 and logits.max() <= 1
    return "values in 0..1 (a sigmoid?)" if within else None


def check_classifier(path: str, module: nn.Module) -> nn.Conv2d:
    """A classifier that can be taken out of its network.

    Raises:
        ValueError: for anything but a convolution of stride 1, ungrouped, padded with zeros.
    """
    fits = (
        isinstance(module, nn.Conv2d)
        and module.stride == (1, 1)
        and module.groups == 1
        and module.padding_mode == "zeros"
        and (module.padding != "same" or all(side % 2 for side in module.kernel_size))
    )
    if not fits:
        raise ValueError(f"classifier {path!r} is {module}; {_EXPECTED}")
    assert isinstance(module, nn.Conv2d)
    return module


def factory_like(convolution: nn.Conv2d) -> ConvFactory:
    """What makes convolutions of a classifier's geometry."""
    (height, width), (rows, columns) = convolution.kernel_size, convolution.dilation
    padding = convolution.padding
    if padding == "same":
        padding = (rows * (height - 1) // 2, columns * (width - 1) // 2)
    above, left = (0, 0) if isinstance(padding, str) else padding
    return ConvFactory((height, width), (above, left), (rows, columns))


@torch.no_grad()
def joined_classifier(convolutions: Sequence[nn.Conv2d]) -> nn.Conv2d:
    """One convolution on joined maps that equals the sum of several on their own.

    Args:
        convolutions: of one geometry and number of channels.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> first, second = nn.Conv2d(2, 3, 1), nn.Conv2d(4, 3, 1, bias=False)
        >>> a, b = torch.randn(1, 2, 4, 4), torch.randn(1, 4, 4, 4)
        >>> joined = joined_classifier([first, second])(torch.cat([a, b], dim=1))
        >>> torch.allclose(joined, first(a) + second(b), atol=1e-6)
        True
    """
    first = convolutions[0]
    joined = factory_like(first)(sum(c.in_channels for c in convolutions), first.out_channels)
    joined.to(first.weight)
    joined.weight.copy_(torch.cat([c.weight for c in convolutions], dim=1))
    biases = [c.bias for c in convolutions if c.bias is not None]
    _, bias = plain_parameters(joined)
    bias.copy_(torch.stack(biases).sum(0) if biases else torch.zeros_like(bias))
    return joined
