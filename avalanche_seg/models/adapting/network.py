"""Any segmentation network as a feature network."""

import math
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from avalanche_seg.kernels import resize_logits
from avalanche_seg.models.adapting.classifier_search import check_classifier
from avalanche_seg.models.adapting.taps import InputTap, TapError, put, take, tap_output
from avalanche_seg.models.output import DenseFeatures, told

__all__ = ["TappedNetwork", "padded_to"]


class TappedNetwork(nn.Module):
    """A network whose classifiers are taken out; what they classified is its output.

    Args:
        network: images B x 3 x H x W -> anything; it is changed.
        classifiers: paths of the convolutions whose outputs the network adds; with several, their
            maps are joined channel by channel (at the size of the largest).
        aux: paths of the auxiliary classifiers.
        taps: paths of modules whose output is a tap, by the tap's name.
        multiple_of: images are padded below and right to multiples of this many pixels, and the
            maps cropped to the images again.

    Attributes:
        tap_names: names of the taps.
    """

    def __init__(
        self,
        network: nn.Module,
        classifiers: Sequence[str],
        *,
        aux: Sequence[str] = (),
        taps: Mapping[str, str] | None = None,
        multiple_of: int = 1,
    ) -> None:
        super().__init__()
        self.adapted = network
        self.classifier_paths = tuple(classifiers)
        self.aux_paths = tuple(aux)
        self.tap_paths = dict(taps or {})
        self.tap_names = tuple(self.tap_paths)
        self.multiple_of = multiple_of
        for path in (*self.classifier_paths, *self.aux_paths):
            put(network, path, InputTap(check_classifier(path, network.get_submodule(path))))
        for path in dict.fromkeys(self.tap_paths.values()):
            tap_output(network.get_submodule(path))

    def forward(self, images: Tensor, taps: Collection[str] = ()) -> DenseFeatures:
        """Images, B x 3 x H x W -> the classifiers' maps; the auxiliary ones in training alone.

        Raises:
            TapError: when a tapped module was not called, or gave no map.
        """
        size = (images.shape[-2], images.shape[-1])
        padded = padded_to(images, self.multiple_of)
        modules = dict.fromkeys((*self.classifier_paths, *self.aux_paths, *self.tap_paths.values()))
        try:
            self.adapted(padded)
        finally:
            found = {path: take(self.adapted.get_submodule(path)) for path in modules}
        maps: dict[str, Tensor] = {}
        for path, taken in found.items():
            wanted = path in self.classifier_paths or (path in self.aux_paths and self.training)
            if wanted or any(self.tap_paths[name] == path for name in taps):
                maps[path] = _cropped(_checked(taken, path), size, padded)
        return DenseFeatures(
            _joined([maps[path] for path in self.classifier_paths]),
            tuple(maps[path] for path in self.aux_paths) if self.training else (),
            {name: maps[self.tap_paths[name]] for name in taps},
        )


def padded_to(images: Tensor, multiple: int) -> Tensor:
    """Pad images below and right with zeros, the mean of normalised images.

    Args:
        images: B x C x H x W.
        multiple: that both sides shall be of.

    Example:
        >>> padded_to(torch.ones(1, 3, 33, 64), 32).shape
        torch.Size([1, 3, 64, 64])
    """
    below, right = (-images.shape[-2] % multiple, -images.shape[-1] % multiple)
    return nn.functional.pad(images, (0, right, 0, below)) if below or right else images


def _checked(taken: object, path: str) -> Tensor:
    if taken is None:
        raise TapError(
            f"the network does not call {path!r}, whose map is wanted; tap a module that it calls, "
            "with aux=... in training"
        )
    if not isinstance(taken, Tensor) or taken.ndim != 4:
        raise TapError(
            f"{path!r} gives {told(taken)}, no map B x D x h x w (tokens?); tap a module that "
            "gives maps"
        )
    return taken


def _cropped(features: Tensor, size: tuple[int, int], padded: Tensor) -> Tensor:
    """The part of a map that shows the images, whole cells."""
    height, width = (
        math.ceil(cells * side / whole)
        for cells, side, whole in zip(features.shape[-2:], size, padded.shape[-2:], strict=True)
    )
    return features[..., :height, :width]


def _joined(maps: Sequence[Tensor]) -> Tensor:
    if len(maps) == 1:
        return maps[0]
    largest = max((m.shape[-2], m.shape[-1]) for m in maps)
    return torch.cat([resize_logits(m, largest) for m in maps], dim=1)
