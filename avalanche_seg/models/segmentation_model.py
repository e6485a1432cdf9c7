"""What every segmentation model is here: a feature network under incremental heads."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avalanche_seg.kernels import predicted_labels
from avalanche_seg.models.incremental_head import IncrementalHead
from avalanche_seg.normalization import normalize_images

__all__ = ["DenseFeatures", "SegmentationModel", "SegmentationOutput", "as_output"]


class DenseFeatures(NamedTuple):
    """Feature maps of a network: what the heads classify.

    Attributes:
        main: floating point, B x D x h x w.
        aux: the maps of the auxiliary heads, each B x D_i x h_i x w_i.
    """

    main: Tensor
    aux: tuple[Tensor, ...] = ()


class SegmentationOutput(NamedTuple):
    """Output of a segmentation model.

    Attributes:
        logits: floating point, B x C x h x w, at the model's own stride.
        aux: logits of the auxiliary heads, each B x C x h x w; empty in evaluation.
        features: the map under the main head, B x D x h x w; None when the model does not say.
    """

    logits: Tensor
    aux: tuple[Tensor, ...] = ()
    features: Tensor | None = None


def as_output(output: SegmentationOutput | Tensor) -> SegmentationOutput:
    """The output of any model as a :class:`SegmentationOutput`; a tensor is taken as logits."""
    return SegmentationOutput(output) if isinstance(output, Tensor) else output


class SegmentationModel(nn.Module):
    """A feature network under incremental heads.

    Args:
        network: images (B x 3 x H x W, normalised) -> :class:`DenseFeatures`. It may return the
            auxiliary maps in training only.
        channels: channels of the main feature map.
        aux_channels: channels of every auxiliary map.

    The model accepts uint8 images and normalises them itself; floating point images are taken to be
    normalised already. Main and auxiliary heads start empty and grow together, a step at a time.

    Attributes:
        class_names: name of every channel, where a loaded file said it; else empty.
    """

    class_names: tuple[str, ...] = ()

    def __init__(
        self, network: nn.Module, channels: int, aux_channels: tuple[int, ...] = ()
    ) -> None:
        super().__init__()
        self.network = network
        self.head = IncrementalHead(channels)
        self.aux_heads = nn.ModuleList(IncrementalHead(width) for width in aux_channels)

    @property
    def n_classes(self) -> int:
        """How many channels the model has now, background included."""
        return self.head.out_channels

    @property
    def classes_per_step(self) -> list[int]:
        """How many channels each step added."""
        return self.head.classes_per_step

    @property
    def heads(self) -> list[IncrementalHead]:
        """The main head, then the auxiliary ones."""
        return [self.head, *self.aux_heads]

    def grow(self, n_new: int) -> None:
        """Add ``n_new`` channels to every head; training through Avalanche does it by itself."""
        for head in self.heads:
            head.grow(n_new)

    def forward(self, images: Tensor) -> SegmentationOutput:
        """Compute logits at the model's stride.

        Args:
            images: B x 3 x H x W, uint8 in 0..255 or normalised floating point; any H and W.

        Returns:
            logits, auxiliary logits (training only) and features.
        """
        features = self.network(normalize_images(images))
        aux: tuple[Tensor, ...] = ()
        if self.training:
            aux = tuple(
                head(level) for head, level in zip(self.aux_heads, features.aux, strict=True)
            )
        return SegmentationOutput(self.head(features.main), aux, features.main)

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """Label every pixel, in evaluation mode.

        Args:
            images: as in :meth:`forward`.

        Returns:
            channels, int64, B x H x W.
        """
        modes = {module: module.training for module in self.modules()}
        self.eval()
        try:
            logits = self(images).logits
        finally:
            for module, mode in modes.items():  # Some may be frozen in evaluation mode.
                module.training = mode
        return predicted_labels(logits, (images.shape[-2], images.shape[-1]))
