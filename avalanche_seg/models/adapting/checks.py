"""Whether what was taken out of a network is what it computes."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from avalanche_seg.models.adapting.classifier_search import tolerance
from avalanche_seg.models.adapting.examples import CANNOT_RUN
from avalanche_seg.models.adapting.network import TappedNetwork
from avalanche_seg.models.adapting.taps import TapError
from avalanche_seg.models.output import DenseFeatures

__all__ = ["check_exact", "freeze_unused", "tapped_maps"]


def tapped_maps(network: TappedNetwork, images: Tensor) -> DenseFeatures:
    """All maps of a tapped network in evaluation mode.

    Raises:
        ValueError: when it cannot run without its classifier.
    """
    try:
        with torch.no_grad(), _unchanged_in_place(network):
            return network.eval()(images, network.tap_names)
    except TapError:
        raise
    except CANNOT_RUN as error:
        raise ValueError(
            f"{type(network.adapted).__name__} does not run with one channel of zeros in place of "
            f"the output of {', '.join(map(repr, network.classifier_paths))}: {error}; expected a "
            "network that only resizes after its classifier: leave out what follows it"
        ) from error


@contextmanager
def _unchanged_in_place(network: TappedNetwork) -> Iterator[None]:
    """Refuse taps whose map a later layer overwrites."""
    seen: dict[str, tuple[Tensor, int]] = {}

    def note(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor):
                seen[path] = (output, output._version)

        return hook

    modules = {path: network.adapted.get_submodule(path) for path in network.tap_paths.values()}
    handles = [module.register_forward_hook(note(path)) for path, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    for path, (features, version) in seen.items():
        if features._version != version:
            raise TapError(
                f"taps: what {path!r} returns is changed in place by a layer after it; tap that "
                "layer, or build the network with inplace=False"
            )


def check_exact(features: Tensor, classifier: nn.Conv2d, logits: Tensor, told: str) -> None:
    """Refuse a classifier that does not reproduce the network's own output.

    Args:
        features: the tapped map, B x D x h x w.
        classifier: what is to be applied to it.
        logits: what the network itself returned, B x C x H x W.
        told: what the classifiers are, for the message.

    Raises:
        ValueError: unless the classified map, resized in one of torch's ways, is the output.

    Example:
        >>> features, classifier = torch.ones(1, 2, 4, 4), nn.Conv2d(2, 3, 1)
        >>> logits = nn.functional.interpolate(classifier(features), scale_factor=2).detach()
        >>> check_exact(features, classifier, logits, "'head'")
    """
    with torch.no_grad():
        ours = classifier(features)
    if ours.shape[:2] == logits.shape[:2]:
        atol = logits.abs().max().item() * tolerance(logits.dtype) + 1e-7
        size = logits.shape[-2:]
        for resized in _resized(ours, (size[0], size[1])):
            if torch.allclose(resized, logits, rtol=0, atol=atol):
                return
    raise ValueError(
        f"{told} applied to the tapped map {tuple(features.shape)} gives "
        f"{tuple(ours.shape)}, which no resize makes the network's own output "
        f"{tuple(logits.shape)}; expected classifiers that the network applies once, after which "
        "it only adds and resizes: pass classifier= (and multiple_of= when it pads or crops)"
    )


def _resized(logits: Tensor, size: tuple[int, int]) -> Iterator[Tensor]:
    """Logits of a size, in every way in which networks resize them."""
    if tuple(logits.shape[-2:]) == size:
        yield logits
        return
    for mode in ("bilinear", "bicubic"):
        for align in (False, True):
            yield nn.functional.interpolate(logits, size, mode=mode, align_corners=align)
    for mode in ("nearest", "nearest-exact"):
        yield nn.functional.interpolate(logits, size, mode=mode)


def freeze_unused(network: TappedNetwork, images: Tensor) -> list[str]:
    """Freeze the parameters that no map depends on.

    What followed the classifier, or belongs to an output that is not read, gets no gradient, for
    which DistributedDataParallel would wait.

    Args:
        network: tapped.
        images: one is taken twice, or norms would have nothing to compare.

    Returns:
        the names of the parameters.

    Raises:
        ValueError: when the network does not run in training mode.
    """
    probe = copy.deepcopy(network).train()
    images = images if len(images) > 1 else images.repeat(2, 1, 1, 1)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        try:
            features = probe(images)
        except TapError:
            raise
        except CANNOT_RUN as error:
            raise ValueError(
                f"{type(network.adapted).__name__} does not run in training mode on images "
                f"{tuple(images.shape)}: {error}; pass others, example=..."
            ) from error
        sum(m.sum() for m in (features.main, *features.aux)).backward()
    learning = {name for name, parameter in probe.named_parameters() if parameter.grad is not None}
    unused = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and name not in learning:
            parameter.requires_grad_(False)
            unused.append(name)
    return unused
