"""Two methods that no file of the package knows: what the interfaces must carry.

``PodLike`` has pseudo-labels with thresholds from a pass over the data and a distillation of three
feature maps, as PLOP. ``UnknownLike`` has a channel that is no class, sigmoids, a frozen body and
new heads that start as the unknown's, as SSUL.
"""

from typing import Unpack

import torch
from torch import Tensor, nn

from avalanche_seg.losses import Classification, TeacherTerm, cross_entropy
from avalanche_seg.models import BiSeNet, IncrementalHead
from avalanche_seg.plugins import (
    FreezePlugin,
    SegmentationPlugin,
    TargetPlugin,
    TeacherTermPlugin,
)
from avalanche_seg.training import (
    RoleOptions,
    SegmentationTemplate,
    TemplateOptions,
    own_plugins,
    sgd,
)

TAPS = ("layer1", "layer3", "head")


class Pooled(TeacherTerm):
    """Distance of the row and column means of squared maps, at every tap."""

    name = "pod"

    def term(self, batch):
        return torch.stack([self._distance(batch, tap) for tap in TAPS]).mean()

    def _distance(self, batch, tap):
        ours, theirs = (o.features[tap].square() for o in (batch.output, batch.teacher))
        pairs = [(ours.mean(dim), theirs.mean(dim)) for dim in (2, 3)]
        return torch.stack([(a - b).flatten(1).norm(dim=1).mean() for a, b in pairs]).mean()


class SureOldLabels(TargetPlugin):
    """Background where the teacher is surer than its median becomes the old class."""

    def prepare_step(self, strategy, batches):
        surest = [b.teacher.logits.softmax(1).amax(1).flatten() for b in batches]
        self.threshold = torch.cat(surest).median()

    def targets(self, batch):
        probabilities = batch.teacher.logits.softmax(1)
        share, old = nn.functional.interpolate(probabilities, size=batch.size).max(1)
        background = batch.target == 0
        accepted = background & (share > self.threshold)
        weight = accepted.sum((1, 2)) / background.sum((1, 2)).clamp(min=1)
        labels = torch.where(accepted, old, torch.where(background, 255, batch.target))
        return labels, weight


class PodLike(SegmentationTemplate):
    def __init__(self, *, pod_weight: float = 0.01, **options: Unpack[TemplateOptions]):
        own = (SureOldLabels(progress=False), TeacherTermPlugin(Pooled(pod_weight)))
        super().__init__(**own_plugins(options, *own))


class UnknownBiSeNet(BiSeNet):
    """Channels: unknown, background, classes; the unknown counts as background in the end."""

    def __init__(self):
        super().__init__("resnet18", head="3x3", n_extra=1, background="separate")

    def scores(self, logits: Tensor) -> Tensor:
        probabilities = logits.sigmoid()
        background = probabilities[:, :1] + probabilities[:, 1:2]
        return torch.cat([background, probabilities[:, 2:]], dim=1)


class OneAgainstAll(Classification):
    """Binary cross entropy of every channel; background that is no class of the step is unknown."""

    def level(self, logits, batch):
        scores = nn.functional.interpolate(logits, batch.size, mode="bilinear")
        channel = torch.where(batch.target == 0, 0, batch.target + 1)
        valid = batch.target != 255
        one_hot = nn.functional.one_hot(torch.where(valid, channel, 0), logits.shape[1])
        loss = nn.functional.binary_cross_entropy_with_logits(
            scores, one_hot.movedim(-1, 1).to(scores.dtype), reduction="none"
        )
        return (loss.sum(1) * valid).sum() / valid.sum().clamp(min=1)


class NewAsUnknown(SegmentationPlugin):
    """New classifiers start as the unknown's."""

    def before_training(self, strategy, **kwargs):
        for head in strategy.model.heads:
            head.init_new = copy_unknown


@torch.no_grad()
def copy_unknown(head: IncrementalHead, classifier: nn.Module) -> None:
    unknown = head.extra_classifier.state_dict()
    for name, value in classifier.state_dict().items():
        value.copy_(unknown[name].expand_as(value))


class UnknownLike(SegmentationTemplate):
    def __init__(self, *, lr: float = 0.01, **options):
        frozen = RoleOptions(lr=0.0)
        roles = {"body": frozen, "neck": frozen, "background": frozen, "old": frozen}
        own = (NewAsUnknown(), FreezePlugin(evaluation=[""], first_step=1))
        super().__init__(
            objective=OneAgainstAll(),
            optimizer=sgd(lr, lr, roles=roles),
            **own_plugins(options, *own),
        )


class MainOutput(Classification):
    """Leaves the auxiliary outputs out, so that their heads are in no loss."""

    def __call__(self, batch):
        return {"classification": self.level(batch.output.logits, batch)}

    def level(self, logits, batch):
        return cross_entropy(logits, batch.target)


class MainOnly(SegmentationTemplate):
    def __init__(self, **options: Unpack[TemplateOptions]):
        super().__init__(objective=MainOutput(), **options)
