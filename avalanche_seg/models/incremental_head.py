"""A pixel classifier that grows by one group of channels per step."""

from collections.abc import Callable

import torch
from avalanche.models import DynamicModule
from torch import Tensor, nn

from avalanche_seg.models.channels import (
    BackgroundChannel,
    HeadGroup,
    check_channels,
    class_scores,
    next_groups,
)
from avalanche_seg.models.classifiers import (
    ConvFactory,
    HeadFactory,
    conv1x1,
    plain_parameters,
)
from avalanche_seg.system import check_whole, shown

__all__ = ["IncrementalHead"]

ClassifierInit = Callable[["IncrementalHead", nn.Module], None]


class IncrementalHead(DynamicModule):
    """One classifier per step, their outputs concatenated into channels.

    The head starts empty and grows when Avalanche adapts the model to a training experience. It
    never grows in evaluation, nor twice for the same experience. Step 0 adds, each with a
    classifier of its own: the extra channels, the background when it is separate, the classes.

    Args:
        in_channels: channels of the feature map.
        factory: makes the classifier of ``n_new`` channels: ``(in_channels, n_new) -> Module``.
        n_extra: channels in front that are no class: SSUL's unknown, DKD's auxiliary channel.
        background: "shared": the background is the first channel of the classifier of step 0;
            "separate": it has a classifier of its own; "split": the same, and the extra channels
            are background too; "none": it has no channel.

    Attributes:
        classifiers: the classifier of every group.
        groups: what every classifier is for.
        classes_per_step: how many classes each step added; the background, a class of step 0,
            counts even when it has no channel.
        init_new: what initialises a new classifier from step 1 on, called as
            ``init_new(head, classifier)`` before the classifier is added; None keeps torch's
            default. It may copy from :attr:`extra_classifier` and :attr:`background_classifier`.
        detach_extra: the extra channels' classifier sends no gradient to the features, as that of
            DKD's auxiliary channel.

    Raises:
        ValueError: for a number of channels that is none, a factory that is no function, or an
            unknown ``background``.

    Example:
        >>> head = IncrementalHead(8, n_extra=1, background="separate")
        >>> head.grow(16)
        >>> head.grow(5)
        >>> [group.n_channels for group in head.groups], head.classes_per_step
        ([1, 1, 15, 5], [16, 5])
        >>> head(torch.zeros(2, 8, 4, 4)).shape
        torch.Size([2, 22, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        factory: HeadFactory = conv1x1,
        n_extra: int = 0,
        background: BackgroundChannel = "shared",
    ) -> None:
        super().__init__()
        check_whole("in_channels", in_channels, least=1)
        check_channels(n_extra, background)
        if not callable(factory):
            raise ValueError(
                f"factory={shown(factory)}; expected a function of (in_channels, n_new), such "
                "as conv1x1"
            )
        self.in_channels = in_channels
        self.factory = factory
        self.n_extra = n_extra
        self.background: BackgroundChannel = background
        self.classifiers = nn.ModuleList()
        self.groups: list[HeadGroup] = []
        self.classes_per_step: list[int] = []
        self.init_new: ClassifierInit | None = None
        self.detach_extra = False
        # Remembers device and dtype of the module while there is no classifier yet.
        self.register_buffer("_anchor", torch.empty(0), persistent=False)

    @property
    def n_classes(self) -> int:
        """How many classes the head knows, the background included, with or without a channel."""
        return sum(self.classes_per_step)

    @property
    def out_channels(self) -> int:
        """How many channels the head has now, extra ones included."""
        return sum(group.n_channels for group in self.groups)

    @property
    def extra_classifier(self) -> nn.Module | None:
        """The classifier of the extra channels; None when there is none."""
        return self._first("extra")

    @property
    def background_classifier(self) -> nn.Module | None:
        """The classifier whose first channel is the background; None when there is none."""
        if self.background == "none":
            return None
        return self._first("classes" if self.background == "shared" else "background")

    def _first(self, kind: str) -> nn.Module | None:
        found = (c for c, g in zip(self.classifiers, self.groups, strict=True) if g.kind == kind)
        return next(found, None)

    def grow(self, n_new: int) -> None:
        """Add a step of ``n_new`` classes; at step 0 the background is one of them.

        Raises:
            ValueError: when ``n_new`` is less than one, or leaves nothing to classify.
        """
        step = len(self.classes_per_step)
        groups = next_groups(step, n_new, n_extra=self.n_extra, background=self.background)
        for group in groups:
            # Made on the host, so that a seed gives the same weights on every device.
            classifier = self.factory(self.in_channels, group.n_channels)
            classifier.to(device=self._anchor.device, dtype=self._anchor.dtype)
            classifier.train(self.training)
            if step > 0 and self.init_new is not None:
                self.init_new(self, classifier)
            self.classifiers.append(classifier)
            self.groups.append(group)
        self.classes_per_step.append(n_new)

    def adaptation(self, experience: object) -> None:
        """Grow to the classes of a training experience; called by Avalanche.

        Raises:
            ValueError: when the experience skips classes, that is, an earlier step was left out.
        """
        if not self.training:
            return
        classes = sorted(experience.classes_in_this_experience)  # type: ignore[attr-defined]
        n_new = classes[-1] + 1 - self.n_classes
        if n_new <= 0:
            return
        if classes[0] > self.n_classes:
            raise ValueError(
                f"the model has {self.n_classes} channels and the experience adds channels "
                f"{classes[0]}..{classes[-1]}; train the steps in order, from step 0"
            )
        self.grow(n_new)

    def forward(self, features: Tensor) -> Tensor:
        """Classify every pixel.

        Args:
            features: floating point, B x in_channels x h x w.

        Returns:
            logits, B x out_channels x h x w: extra channels, background, classes step by step.

        Raises:
            RuntimeError: when the head is still empty.
        """
        if len(self.classifiers) == 0:
            raise RuntimeError(
                "the head has no channel yet; train a strategy on the first experience, or call "
                "grow(n)"
            )
        apart = int(self.detach_extra and self.n_extra > 0)
        maps = [classifier(features.detach()) for classifier in self.classifiers[:apart]]
        if isinstance(self.factory, ConvFactory):
            # One convolution for all groups: the weights are much smaller than the outputs.
            maps.append(self._convolve(features, *self._rows(apart)))
        else:
            maps += [classifier(features) for classifier in self.classifiers[apart:]]
        return maps[0] if len(maps) == 1 else torch.cat(maps, dim=1)

    def _rows(self, first: int = 0) -> tuple[Tensor, Tensor]:
        """Weight and bias of all classifiers from the ``first`` on, one row per channel."""
        rows = [plain_parameters(classifier) for classifier in self.classifiers[first:]]
        weight, bias = (torch.cat(parts) for parts in zip(*rows, strict=True))
        return weight, bias

    def _convolve(self, features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        made = self.factory
        assert isinstance(made, ConvFactory)
        return nn.functional.conv2d(features, weight, bias, 1, made.padding, made.dilation)

    def signed_parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The logits without bias, in a part of positive and one of negative weights.

        With w+ = max(w, 0) and w- = min(w, 0) a logit is w+ f + w- f + b, the decomposition that
        DKD distils (Baek et al., NeurIPS 2022, section 3.3).

        Args:
            features: floating point, B x in_channels x h x w.

        Returns:
            w+ f and w- f, each B x out_channels x h x w.

        Raises:
            ValueError: when the classifiers are no convolutions.

        Example:
            >>> head = IncrementalHead(2)
            >>> head.grow(1)
            >>> weight = torch.tensor([3.0, -2.0]).view(1, 2, 1, 1)
            >>> head.classifiers[0].weight.data = weight
            >>> [part.item() for part in head.signed_parts(torch.ones(1, 2, 1, 1))]
            [3.0, -2.0]
        """
        weight, _ = self._rows()
        positive, negative = weight.clamp(min=0), weight.clamp(max=0)
        return self._convolve(features, positive), self._convolve(features, negative)

    def class_scores(self, logits: Tensor) -> Tensor:
        """The classes' scores among the raw channels; see :func:`class_scores`."""
        return class_scores(logits, n_extra=self.n_extra, background=self.background)
