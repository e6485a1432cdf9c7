"""A pixel classifier that grows by one 1x1 convolution a step."""

from collections.abc import Callable
from typing import cast

import torch
from avalanche.models import DynamicModule
from torch import Tensor, nn

__all__ = ["IncrementalHead", "classifier_bias"]

ClassifierInit = Callable[["IncrementalHead", nn.Conv2d], None]


class IncrementalHead(DynamicModule):
    """One 1x1 convolution a step, their outputs concatenated into channels.

    The head starts empty and grows when Avalanche adapts the model to a training experience. It
    never grows in evaluation, nor twice for the same experience.

    Args:
        in_channels: channels of the feature map.

    Attributes:
        classifiers: the convolution of every step.
        init_new: what initialises a new classifier from step 1 on; None keeps torch's default.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.classifiers = nn.ModuleList()
        self.init_new: ClassifierInit | None = None
        # Remembers device and dtype of the module while there is no classifier yet.
        self.register_buffer("_anchor", torch.empty(0), persistent=False)

    @property
    def out_channels(self) -> int:
        """How many channels the head has now."""
        return sum(self.classes_per_step)

    @property
    def classes_per_step(self) -> list[int]:
        """How many channels each step added."""
        return [layer.out_channels for layer in self.layers]

    @property
    def layers(self) -> list[nn.Conv2d]:
        """The classifiers, typed."""
        return [cast(nn.Conv2d, layer) for layer in self.classifiers]

    def grow(self, n_new: int) -> None:
        """Add a classifier for ``n_new`` channels.

        Raises:
            ValueError: when ``n_new`` is less than one.
        """
        if n_new < 1:
            raise ValueError(f"n_new={n_new}; expected at least one new channel")
        classifier = nn.Conv2d(self.in_channels, n_new, kernel_size=1)
        classifier.to(device=self._anchor.device, dtype=self._anchor.dtype)
        if len(self.classifiers) > 0 and self.init_new is not None:
            self.init_new(self, classifier)
        self.classifiers.append(classifier)

    def adaptation(self, experience: object) -> None:
        """Grow to the channels of a training experience; called by Avalanche.

        Raises:
            ValueError: when the experience skips channels, that is, an earlier step was left out.
        """
        if not self.training:
            return
        channels = sorted(experience.classes_in_this_experience)  # type: ignore[attr-defined]
        n_new = channels[-1] + 1 - self.out_channels
        if n_new <= 0:
            return
        if channels[0] > self.out_channels:
            raise ValueError(
                f"the model has {self.out_channels} channels and the experience adds channels "
                f"{channels[0]}..{channels[-1]}; train the steps in order, from step 0"
            )
        self.grow(n_new)

    def forward(self, features: Tensor) -> Tensor:
        """Classify every pixel.

        Args:
            features: floating point, B x in_channels x h x w.

        Returns:
            logits, B x out_channels x h x w.

        Raises:
            RuntimeError: when the head is still empty.
        """
        if len(self.classifiers) == 0:
            raise RuntimeError(
                "the head has no channel yet; train a strategy on the first experience, or call "
                "grow(n)"
            )
        weight = torch.cat([layer.weight for layer in self.layers])
        bias = torch.cat([classifier_bias(layer) for layer in self.layers])
        return nn.functional.conv2d(features, weight, bias)


def classifier_bias(layer: nn.Conv2d) -> Tensor:
    """The bias of a classifier, which is made with one."""
    assert layer.bias is not None
    return layer.bias
