"""Whether what was taken out of a network is what it computes."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from avalanche_seg.models.adapting.network import TappedNetwork, padded_to
from avalanche_seg.models.adapting.outputs import dense_output
from avalanche_seg.models.output import DenseFeatures

__all__ = ["check_exact", "example_images", "freeze_unused", "looked_at", "tapped_maps"]

_SIDES = (64, 128, 256)
_CANNOT_RUN = (RuntimeError, TypeError, IndexError, AssertionError, ValueError, AttributeError)


def example_images(
    network: nn.Module, example: Tensor | tuple[int, ...], multiple_of: int
) -> Tensor:
    """Images to look at a network with.

    Args:
        network: whose device and type they get.
        example: normalised images B x 3 x H x W, or their size.
        multiple_of: as in :class:`TappedNetwork`.

    Returns:
        the images, padded to the multiple; from a seed of their own when only a size was given.
    """
    if not isinstance(example, Tensor):
        example = torch.randn(example, generator=torch.Generator().manual_seed(0))
    own = next(network.parameters(), torch.zeros(()))
    return padded_to(example.to(device=own.device, dtype=own.dtype), multiple_of)


def looked_at(
    network: nn.Module, example: Tensor | Sequence[int] | None, multiple_of: int
) -> tuple[Tensor, Tensor]:
    """Images, and the whole network's logits on them.

    Args:
        network: in evaluation mode.
        example: as in :func:`example_images`; None: two square images, of 64 pixels or, when the
            network does not run on these, 128 or 256.
        multiple_of: as in :class:`TappedNetwork`.

    Raises:
        ValueError: when the network does not run, or returns something else than logits.
    """
    tries: list[Tensor | tuple[int, ...]] = [(2, 3, side, side) for side in _SIDES]
    if example is not None:
        tries = [example if isinstance(example, Tensor) else tuple(example)]
    for size in tries:
        images = example_images(network, size, multiple_of)
        try:
            with torch.no_grad():
                output = network(images)
        except _CANNOT_RUN as error:
            failed = error
            continue
        return images, dense_output(output)
    raise ValueError(
        f"{type(network).__name__} does not run on images {tuple(images.shape)}: {failed}; pass "
        "multiple_of=32 (say) for one that needs such sizes, or images that it takes, example=..."
    ) from failed


def tapped_maps(network: TappedNetwork, images: Tensor) -> DenseFeatures:
    """All maps of a tapped network in evaluation mode.

    Raises:
        ValueError: when it cannot run without its classifier.
    """
    try:
        with torch.no_grad(), _unchanged_in_place(network):
            return network.eval()(images, network.tap_names)
    except _CANNOT_RUN as error:
        raise ValueError(
            f"{type(network.adapted).__name__} does not run with one channel of zeros in place of "
            f"the output of {', '.join(map(repr, network.classifier_paths))}: {error}"
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
            raise ValueError(
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
        tolerance = 1e-3 * max(1.0, logits.abs().max().item())
        size = logits.shape[-2:]
        for resized in _resized(ours, (size[0], size[1])):
            if torch.allclose(resized, logits, rtol=0, atol=tolerance):
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
        except _CANNOT_RUN as error:
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
