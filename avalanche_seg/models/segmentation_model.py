"""What every segmentation model is here: a feature network under incremental heads."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from avalanche_seg.kernels import predicted_labels
from avalanche_seg.models.channels import BackgroundChannel
from avalanche_seg.models.classifiers import HeadFactory, head_factories
from avalanche_seg.models.incremental_head import IncrementalHead
from avalanche_seg.models.modes import evaluating
from avalanche_seg.models.output import SegmentationOutput
from avalanche_seg.models.roles import check_body, checked_network, parameter_roles
from avalanche_seg.models.taps import SIGNED, checked_taps
from avalanche_seg.normalization import Normalization, check_normalized
from avalanche_seg.system import check_whole, check_wholes

__all__ = ["SegmentationModel"]


class SegmentationModel(nn.Module):
    """A feature network under incremental heads.

    The model normalises uint8 images itself; floating point images are taken to be normalised
    already (``predict`` and the strategies look at the values of the first ones). Main and
    auxiliary heads start empty and grow together, a step at a time.

    Labels are classes, 0 the background; logits have raw channels: ``n_extra`` extra ones, then the
    classes (without the background when it has no channel). :meth:`scores` leads from one to the
    other.

    Args:
        network: images (B x 3 x H x W, normalised) -> :class:`DenseFeatures`. It may return the
            auxiliary maps in training only. One with an attribute ``tap_names`` is called with
            ``(images, taps)`` when some of these are wanted, and returns them in ``taps``.
        channels: channels of the main feature map.
        aux_channels: channels of every auxiliary map.
        body: the backbone's dotted path in the model; None: the whole network.
        head: kind of classifiers, of :data:`HEADS`: "1x1" (a convolution), "1x1-kaiming" (one that
            starts from Kaiming's normal initialisation), "3x3" (a group of layers per step in the
            main head; auxiliary ones, whose maps are wide, have 1x1 convolutions); or a
            :data:`HeadFactory` per head, in a subclass that sets ``config``.
        n_extra: channels in front that are no class, such as SSUL's unknown.
        background: where the background's channel is: "shared" (in the classifier of step 0),
            "separate" (in one of its own), "split" (the same, and the extra channels are
            background too), "none" (nowhere).
        taps: feature maps that outputs hold: "head" (the main map), "head+" and "head-" (the parts
            of the main logits of :meth:`IncrementalHead.signed_parts`), or of the network's
            ``tap_names``.
        in_channels: of the images.
        mean: of the channels, in 0..1; None: ImageNet's, or their average for other channels.
        std: standard deviation, the same.
        value_range: of image files, as a data set's; for predictions.
        classes_per_step: grow these steps at once; None: start empty.

    Attributes:
        config: plain values; :func:`create_model` rebuilds the model from them, without weights
            and steps. A subclass adds its own arguments, and takes out what it does not accept.
        normalization: of the images; in ``config`` where it is not ImageNet's.
        class_names: name of every class; empty until known.
        class_ids: number of every class in its data set; empty until known.
        has_background: whether class 0 is the background; False where it is a class like others,
            as in domain-incremental streams of data without one.

    Raises:
        ValueError: for an unknown head, background, tap or body, a number of channels that is none,
            or a network that is no module.

    Example:
        >>> class Halves(nn.Conv2d):
        ...     def forward(self, images):
        ...         return DenseFeatures(super().forward(images))
        >>> from avalanche_seg.models import DenseFeatures
        >>> model = SegmentationModel(Halves(3, 8, 2, stride=2), 8, n_extra=1)
        >>> model.grow(3)
        >>> model.n_classes, model.n_channels
        (3, 4)
        >>> model(torch.zeros(1, 3, 8, 6)).logits.shape
        torch.Size([1, 4, 4, 3])
    """

    config: dict[str, Any]
    class_names: tuple[str, ...] = ()
    class_ids: tuple[int, ...] = ()
    has_background: bool = True

    def __init__(
        self,
        network: nn.Module,
        channels: int,
        aux_channels: Sequence[int] = (),
        *,
        body: str | None = None,
        head: str | Sequence[HeadFactory] = "1x1",
        n_extra: int = 0,
        background: BackgroundChannel = "shared",
        taps: Collection[str] = ("head",),
        in_channels: int = 3,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        value_range: Sequence[float] | None = None,
        classes_per_step: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        check_whole("in_channels", in_channels, least=1)
        self.normalization = Normalization.of_channels(in_channels, mean, std, value_range)
        widths = (channels, *check_wholes("aux_channels", aux_channels, least=1))
        factories = head_factories(head, len(widths))
        self.network = checked_network(network)
        channels_are: dict[str, Any] = {"n_extra": n_extra, "background": background}
        self.head, *aux_heads = (
            IncrementalHead(width, factory=factory, **channels_are)
            for width, factory in zip(widths, factories, strict=True)
        )
        self.aux_heads = nn.ModuleList(aux_heads)
        self._body = "network" if body is None else body
        check_body(self, self._body)
        self.taps = frozenset(taps)
        self.config = {
            "head": head,
            "n_extra": n_extra,
            "background": background,
            "taps": sorted(self.taps),
        }
        self.config |= self.normalization.config
        for n_new in check_wholes("classes_per_step", classes_per_step or (), least=1):
            self.grow(n_new)

    @property
    def n_classes(self) -> int:
        """How many classes the model knows now, background included."""
        return self.head.n_classes

    @property
    def n_extra(self) -> int:
        """How many channels in front of the logits are no class."""
        return self.head.n_extra

    @property
    def n_channels(self) -> int:
        """How many raw channels the logits have now."""
        return self.head.out_channels

    @property
    def channels_are_classes(self) -> bool:
        """Whether channel k of the logits is class k, as the losses of label maps expect."""
        return self.n_extra == 0 and self.head.background != "none"

    @property
    def classes_per_step(self) -> list[int]:
        """How many classes each step added, background included."""
        return self.head.classes_per_step

    @property
    def heads(self) -> list[IncrementalHead]:
        """The main head, then the auxiliary ones."""
        return [self.head, *self.aux_heads]

    @property
    def body(self) -> nn.Module:
        """The backbone."""
        return self.get_submodule(self._body)

    @property
    def taps(self) -> frozenset[str]:
        """The feature maps that outputs hold; may be set.

        Raises:
            ValueError: for unknown names.
        """
        return self._taps

    @taps.setter
    def taps(self, names: Collection[str]) -> None:
        self._taps = checked_taps(self.network, names)

    def grow(self, n_new: int) -> None:
        """Add ``n_new`` classes to every head; training through Avalanche does it by itself."""
        for head in self.heads:
            head.grow(n_new)

    def parameter_roles(self) -> dict[str, list[nn.Parameter]]:
        """Every parameter under "body", "neck", "extra", "background", "old" or "new".

        See :func:`avalanche_seg.models.roles.parameter_roles`.
        """
        return parameter_roles(self, self.body, self.heads)

    def forward(self, images: Tensor) -> SegmentationOutput:
        """Compute logits at the model's stride.

        Args:
            images: B x in_channels x H x W (any), uint8 in 0..255 or normalised floating point.

        Returns:
            logits, auxiliary logits (in training, unless their heads are held in evaluation mode)
            and the features that ``taps`` names.
        """
        images, wanted = self.normalization.normalize(images), self._taps - {"head", *SIGNED}
        features = self.network(images, wanted) if wanted else self.network(images)
        aux: tuple[Tensor, ...] = ()
        if self.training and self.aux_heads.training and (features.aux or self.network.training):
            aux = tuple(
                head(level) for head, level in zip(self.aux_heads, features.aux, strict=True)
            )
        taps = {name: features.taps[name] for name in sorted(wanted)}
        if "head" in self._taps:
            taps["head"] = features.main
        if self._taps.intersection(SIGNED):
            parts = zip(SIGNED, self.head.signed_parts(features.main), strict=True)
            taps |= {name: part for name, part in parts if name in self._taps}
        return SegmentationOutput(self.head(features.main), aux, taps)

    def scores(self, logits: Tensor) -> Tensor:
        """The classes' scores, whose argmax is the prediction; for a subclass to override.

        Here extra channels are dropped, and a background without a channel scores 0; see
        :func:`avalanche_seg.models.channels.class_scores`.

        Args:
            logits: raw channels, floating point, B x n_channels x h x w, at the size of the label
                map; often of a part of its pixels, so every pixel must be treated alone.

        Returns:
            B x n_classes x h x w; the logits themselves where all channels are classes.
        """
        return self.head.class_scores(logits)

    @torch.no_grad()
    def predict(self, images: Tensor, *, normalized: bool = False) -> Tensor:
        """Label every pixel, in evaluation mode.

        Args:
            images: as in :meth:`forward`.
            normalized: floating point images are normalised, whatever their values look like.

        Returns:
            classes, int64, B x H x W.

        Raises:
            ValueError: for floating point images that do not look normalised; see
                :func:`avalanche_seg.normalization.check_normalized`.
        """
        if not normalized:
            check_normalized(images)
        with evaluating(self):
            logits = self(images).logits
        return predicted_labels(logits, (images.shape[-2], images.shape[-1]), self.scores)
