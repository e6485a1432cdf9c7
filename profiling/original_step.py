"""MiB's second step on any network in a plain loop, as the original research code does it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from avalanche_seg.benchmarks import SegmentationExperience
from avalanche_seg.labels import VOID
from avalanche_seg.models import SegmentationModel, create_model
from avalanche_seg.models.bisenet import FeatureFusion
from profiling.losses import original_mib
from profiling.original_samples import OriginalSamples, step_channels

__all__ = ["BATCH", "Network", "Original", "as_published"]

_OLD, _NEW = 16, 5
BATCH = 4
"""Images of a batch."""


@dataclass(frozen=True)
class Network:
    """What is trained.

    Attributes:
        title: of the network.
        name: of ``create_model``.
        backbone: of the network.
        crop: side of the training crops.
        n_batches: in a call that is timed.
        rounds: pairs of calls that count.
    """

    title: str
    name: str
    backbone: str
    crop: int
    n_batches: int = 3
    rounds: int = 5

    def make(self) -> SegmentationModel:
        """A model of the old classes."""
        torch.manual_seed(0)
        return create_model(self.name, backbone=self.backbone, classes_per_step=(_OLD,))


def as_published(model: SegmentationModel) -> SegmentationModel:
    """A copy whose BiSeNet resizes its context maps before it convolves them.

    Other networks stay as they are.
    """
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, FeatureFusion):
            module.forward = partial(_plain_fusion, module)  # type: ignore[method-assign]
    return model


def _plain_fusion(module: FeatureFusion, maps: Sequence[Tensor]) -> Tensor:
    size = maps[0].shape[-2:]
    resized = [F.interpolate(one, size, mode="bilinear", align_corners=False) for one in maps[1:]]
    fused = module.fuse(torch.cat([maps[0], *resized], dim=1))
    average = fused.mean(dim=(2, 3), keepdim=True)
    gate = torch.sigmoid(module.excite(torch.relu(module.squeeze(average))))
    return fused * gate + fused


class Original:
    """The plain loop."""

    def __init__(
        self, network: Network, step: SegmentationExperience, crop: int, n_batches: int
    ) -> None:
        self.model = as_published(network.make())
        self.teacher = as_published(self.model).eval().requires_grad_(False)
        self.model.grow(_NEW)
        samples, chosen = step.data.split, step.data.indices.tolist()
        images, masks = ([files[i] for i in chosen] for files in (samples.images, samples.masks))
        self.loader = DataLoader(
            OriginalSamples(images, masks, crop, step_channels(range(_OLD, _OLD + _NEW))),
            batch_size=BATCH,
            shuffle=True,
            drop_last=True,
        )
        self.n_batches = n_batches
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4
        )

    def train(self) -> None:
        """A few steps."""
        self.model.train()
        for images, labels in islice(self.loader, self.n_batches):
            with torch.no_grad():
                teacher = self.teacher(images).logits
            self.optimizer.zero_grad()
            output = self.model(images)
            loss = original_mib(output.logits, labels, teacher)
            for level in output.aux:
                loss = loss + _original_unce(level, labels)
            loss.backward()
            self.optimizer.step()


def _original_unce(logits: Tensor, target: Tensor) -> Tensor:
    logits = F.interpolate(logits, target.shape[-2:], mode="bilinear", align_corners=False)
    log_all = torch.logsumexp(logits, dim=1)
    outputs = torch.zeros_like(logits)
    outputs[:, 0] = torch.logsumexp(logits[:, :_OLD], dim=1) - log_all
    outputs[:, _OLD:] = logits[:, _OLD:] - log_all.unsqueeze(1)
    labels = torch.where(target < _OLD, 0, target)
    return F.nll_loss(outputs, labels, ignore_index=VOID, reduction="none").mean()
