"""A network's features as they were before its dropout."""

from typing import Any, NamedTuple

from torch import Tensor, nn

__all__ = ["CleanFeatures", "clean_features"]


class CleanFeatures(NamedTuple):
    """What a network computed.

    Attributes:
        features: the main map, B x D x h x w, in front of a dropout that is the last layer.
        dropped: whether there is one.
    """

    features: Tensor
    dropped: bool


class clean_features:  # noqa: N801 - used like a function
    """Watch the next forward pass of a network that returns ``DenseFeatures``.

    A frozen network in evaluation mode gives these features too, unless dropout acts within it; so
    a training pass needs no second one.

    Args:
        network: with norms in evaluation mode.

    Example:
        >>> import torch
        >>> from avalanche_seg.models import DenseFeatures
        >>> class Dropping(nn.Dropout):
        ...     def forward(self, images):
        ...         return DenseFeatures(self.drop(images))
        >>> network = Dropping()
        >>> network.drop = nn.Dropout(0.5)
        >>> watch, ones = clean_features(network), torch.ones(1, 1, 2, 2)
        >>> _ = network(ones)
        >>> features, dropped = watch.stop()
        >>> features is ones, dropped
        (True, True)
    """

    def __init__(self, network: nn.Module) -> None:
        self._ran: list[tuple[Tensor, Tensor]] = []
        self._main: Tensor | None = None
        self._handles: list[Any] = [network.register_forward_hook(self._note_network)]
        for module in network.modules():
            active = isinstance(module, nn.modules.dropout._DropoutNd) and module.training
            if active and module is not network:
                self._handles.append(module.register_forward_hook(self._note_dropout))

    def _note_network(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._main = output.main

    def _note_dropout(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self._ran.append((inputs[0], output))

    def stop(self) -> CleanFeatures:
        """What the pass computed; the network is watched no longer."""
        for handle in self._handles:
            handle.remove()
        assert self._main is not None, "the network has not run"
        last = [source for source, output in self._ran if output is self._main]
        return CleanFeatures(last[0] if last else self._main, dropped=bool(last))
