"""One forward pass for student and teacher, where a step trains heads alone."""

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn

from avalanche_seg.models import (
    CleanFeatures,
    SegmentationModel,
    SegmentationOutput,
    clean_features,
    evaluating,
)
from avalanche_seg.plugins.distillation.teacher import Runner, Teacher, default_forward
from avalanche_seg.plugins.distillation.teacher_plugin import TeacherPlugin

__all__ = ["SharedForwardPlugin", "SharedTeacher"]


class SharedTeacher(Teacher):
    """The previous model of a step in which network and heads of old classes are frozen.

    Then the previous model's features are the student's, before dropout, and so are its logits of
    old classes; only the heads of the extra channels and of the background are copied. So nothing
    is run twice, and the result is exactly that of a copy of the whole model in evaluation mode.
    Where it is offered nothing, the network is run.

    Example:
        >>> from avalanche_seg.models import BiSeNet
        >>> model = BiSeNet(
        ...     "resnet18", head="3x3", n_extra=1, background="split", classes_per_step=(3,)
        ... ).eval()
        >>> teacher, images = SharedTeacher(), torch.zeros(1, 3, 32, 32)
        >>> teacher.update(model, step=1)
        >>> torch.equal(teacher(images).logits, model(images).logits)
        True
    """

    def __init__(self) -> None:
        super().__init__()
        self._student: SegmentationModel | None = None
        self._offered: tuple[Tensor, Tensor, Tensor | None] | None = None

    def update(self, model: nn.Module, step: int) -> None:
        """Copy the heads that go on learning, before the model grows; once per step."""
        if step == self.step:
            return
        self._student = cast(SegmentationModel, model)
        head = self._student.head
        kept = {
            str(number): copy.deepcopy(classifier)
            for number, classifier in enumerate(head.classifiers)
            if head.groups[number].kind != "classes"
        }
        self.model = nn.ModuleDict(kept).eval().requires_grad_(False)
        self._n_classifiers = len(head.classifiers)
        self.step = step

    def offer(self, images: Tensor, clean: CleanFeatures, logits: Tensor) -> None:
        """Take over what the student has just computed.

        Args:
            images: the batch.
            clean: the student's features, and whether dropout came after them.
            logits: the student's, of the main output.
        """
        self._offered = images, clean.features, None if clean.dropped else logits.detach()

    def __call__(self, images: Tensor, run: Runner = default_forward) -> SegmentationOutput:
        """The previous model's output on a batch: logits alone; computed once for a tensor."""
        if self.model is None or self._student is None:
            raise RuntimeError("there is no teacher at the first step")
        if self._images is not images:
            with torch.no_grad(), evaluating(self._student):
                self._output = self._run(images, run)
            self._images = images
        assert self._output is not None
        return self._output

    def _run(self, images: Tensor, run: Runner) -> SegmentationOutput:
        assert self._student is not None
        network, known = self._student.network, None
        normalize = self._student.normalization.normalize
        if self._offered is not None and self._offered[0] is images:
            _, source, known = self._offered
            return run(cast(nn.Module, lambda features: self._logits(features, known)), source)
        return run(
            cast(nn.Module, lambda x: self._logits(network(normalize(x)).main, None)), images
        )

    def _logits(self, features: Tensor, known: Tensor | None) -> Tensor:
        """Logits of the old channels; those of frozen heads from the student's where known."""
        assert self._student is not None and isinstance(self.model, nn.ModuleDict)
        head, maps, start = self._student.head, [], 0
        for number in range(self._n_classifiers):
            stop = start + head.groups[number].n_channels
            if str(number) in self.model:
                maps.append(self.model[str(number)](features))
            elif known is not None:
                maps.append(known[:, start:stop])
            else:
                maps.append(head.classifiers[number](features))
            start = stop
        return torch.cat([part.to(maps[0].dtype) for part in maps], dim=1)

    def clear_cache(self) -> None:
        """Free the last batch's output and features."""
        super().clear_cache()
        self._offered = None


class SharedForwardPlugin(TeacherPlugin):
    """Lets a strategy's teacher work on the features that the student computes anyway.

    For steps in which network and heads of old classes are frozen, as in SSUL. The strategy's other
    plugins share the teacher; see :class:`SharedTeacher`. It goes in front of them. On the first
    batch of a step it is looked whether the features are those of evaluation mode; a network with
    dropout within, or a compiled one, is run once more for the teacher.

    Raises:
        ValueError: in training, before a step's first update, when the network learns or the model
            is no SegmentationModel.
    """

    def __init__(self) -> None:
        super().__init__(teacher=SharedTeacher())
        self._watch: Any = None
        self._shares: bool | None = None

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Look again in this step."""
        self._shares = None

    def before_forward(self, strategy: Any, **kwargs: Any) -> None:
        """Watch the student's network."""
        if not strategy.experience.previous_classes:
            return
        if self._shares is None:
            _check_frozen(strategy.model)
            self._shares = False if getattr(strategy, "compile", False) else None
        if self._shares is not False:
            self._watch = clean_features(strategy.model.network)

    def after_forward(self, strategy: Any, **kwargs: Any) -> None:
        """Pass on what it computed."""
        if self._watch is None:
            return
        clean, self._watch = self._watch.stop(), None
        if self._shares is None:
            self._shares = _as_in_evaluation(strategy, clean.features)
        if self._shares:
            teacher = cast(SharedTeacher, self.teacher)
            teacher.offer(strategy.mb_x, clean, strategy.mb_output.logits)


@torch.no_grad()
def _as_in_evaluation(strategy: Any, features: Tensor) -> bool:
    """Whether the network gives these features without dropout; up to a device's rounding."""
    network = strategy.model.network
    run = getattr(strategy, "run_model", default_forward)
    with evaluating(network):
        main = cast(nn.Module, lambda images: network(images).main)
        expected = run(main, strategy.mb_x).logits
    gap = (features.to(expected.dtype) - expected).abs().mean()
    return bool(gap <= 1e-3 * expected.abs().mean())


def _check_frozen(model: nn.Module) -> None:
    if not isinstance(model, SegmentationModel):
        raise ValueError(
            f"model: {type(model).__name__} has no network under its heads that student and "
            "teacher could share; use a SegmentationModel, such as BiSeNet()"
        )
    learns = [name for name, p in model.network.named_parameters() if p.requires_grad]
    norms = [
        name
        for name, module in model.network.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
    ]
    if learns or norms:
        raise ValueError(
            f"model: {(learns + norms)[0]!r} of the network changes in this step, so student and "
            "teacher cannot share its features; expected a frozen network with norms in evaluation "
            "mode: FreezePlugin(roles=['body', 'neck', 'old'], batch_norm=True, first_step=1)"
        )
