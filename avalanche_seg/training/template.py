"""Avalanche's supervised template for dense outputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from avalanche.core import BasePlugin
from avalanche.training.plugins import EvaluationPlugin
from avalanche.training.templates.base_sgd import PeriodicEval
from torch import Tensor, nn
from torch.optim import Optimizer

from avalanche_seg.kernels import Kernels, predicted_labels
from avalanche_seg.losses import Criterion, Objective
from avalanche_seg.models import SegmentationOutput, score_function
from avalanche_seg.plugins import (
    FreezePlugin,
    PeriodicEvalPlugin,
    PevalMode,
    WeightEditPlugin,
    check_channels,
    record_term,
    step_batch,
)
from avalanche_seg.training.arguments import check_arguments
from avalanche_seg.training.avalanche_parts import check_checkpoint, check_parts
from avalanche_seg.training.batch_norm import check_single_image
from avalanche_seg.training.batches import BatchTemplate
from avalanche_seg.training.early_stopping import with_guards
from avalanche_seg.training.evaluation import evaluation_loss
from avalanche_seg.training.objective import StepObjective
from avalanche_seg.training.optimizers import OptimizerFactory, OptimizerSource
from avalanche_seg.training.options import default_evaluator, show_options
from avalanche_seg.training.parallel import Parallel
from avalanche_seg.training.precision import AmpMode, Precision

__all__ = ["SegmentationTemplate"]


class SegmentationTemplate(BatchTemplate):
    """The training and evaluation loop of every strategy here: template, objective, plugins.

    In training the criterion is applied to the main output and to every auxiliary one, each with
    weight 1; the objectives of the plugins are computed together with it, those that share their
    work in one pass. Images may arrive as uint8 and are normalised on the device.
    ``mb_output.logits`` are at the model's own stride, in training and in evaluation; losses and
    metrics resize them to the label map themselves, a part at a time.

    Args:
        model: a :class:`~avalanche_seg.models.SegmentationModel`, or any module that returns a
            :class:`~avalanche_seg.models.SegmentationOutput` or logits B x C x h x w.
        optimizer: a torch optimizer, or a factory ``(model, experience) -> Optimizer`` such as
            :func:`avalanche_seg.training.sgd`, called at every step after the model grew.
        criterion: ``(logits B x C x h x w, target B x H x W int64) -> scalar``; default cross
            entropy. When it has a method ``at_step(n_old)``, the criterion of a step is what that
            returns. Criteria of other libraries, such as ``torch.nn.CrossEntropyLoss``, get logits
            resized to the label map.
        objective: the whole classification part of the loss instead, for methods whose loss needs
            more than logits and labels; the criterion is then for evaluations alone.
        train_mb_size: images per training batch, over all processes.
        train_epochs: epochs per step.
        eval_mb_size: images per evaluation batch; images of different sizes are computed apart.
        device: where model and batches go.
        plugins: further plugins; the list is copied.
        evaluator: an ``EvaluationPlugin`` or a function that makes one; None for no metrics.
        eval_every: evaluate on ``eval_streams`` after every k-th epoch and after the step; 0 after
            the step only, -1 never.
        peval_mode: "epoch" or "iteration": what ``eval_every`` counts.
        loader: arguments of every ``DataLoader`` (``num_workers``, ``prefetch_factor``,
            ``worker_init_fn``, ``collate_fn``, ``drop_last``, ...); keyword arguments of ``train``
            and ``eval`` win over them. Worker processes live through the epochs of an experience,
            unless ``persistent_workers`` is off. Training drops the last, short batch unless it is
            the only one; a sampler is for training only.
        channels_last: keep model and images in the channels-last memory format, the faster one for
            convolutions on CPUs with vector units and on GPUs with tensor cores.
        amp: "off", "bf16", "fp16", or "auto", which takes what the device computes in: precision
            of the networks, teacher included; logits are float32 again, so losses, statistics and
            weights always are.
        micro_batches: compute every batch in this many parts, of two images at least, for less
            memory. Gradients are those of the whole batch (batch norm aside, which sees the parts)
            as long as the loss is a mean over all pixels.
        compile: compile the network at every step (``torch.nn.Module.compile``).
        kernels: of the losses, "auto", "tiles" or "triton"; see
            :func:`avalanche_seg.kernels.use_kernels`.

    Raises:
        ValueError: for an argument of a wrong kind or out of range, by its name, and for parts of
            Avalanche that do not work on maps of pixels, with what to take instead; in training,
            before a step's first update, for a model without the channels it needs.
    """

    plugins: list[Any]
    mb_output: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        show_options(cls, SegmentationTemplate)

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        criterion: Criterion | None = None,
        objective: Objective | None = None,
        train_mb_size: int = 8,
        train_epochs: int = 1,
        eval_mb_size: int | None = 1,
        device: str | torch.device = "cpu",
        plugins: Sequence[BasePlugin] | None = None,
        evaluator: EvaluationPlugin | Callable[[], EvaluationPlugin] | None = default_evaluator,
        eval_every: int = -1,
        peval_mode: PevalMode = "epoch",
        loader: Mapping[str, Any] | None = None,
        channels_last: bool = True,
        amp: AmpMode = "off",
        micro_batches: int = 1,
        compile: bool = False,
        kernels: Kernels = "auto",
    ) -> None:
        check_arguments(
            model=model,
            optimizer=optimizer,
            criterion=criterion,
            objective=objective,
            plugins=plugins,
            evaluator=evaluator,
            device=device,
            loader=loader,
            train_mb_size=train_mb_size,
            train_epochs=train_epochs,
            eval_mb_size=eval_mb_size,
            micro_batches=micro_batches,
            channels_last=channels_last,
            compile=compile,
        )
        check_parts("plugins", plugins or ())
        check_parts("criterion", [criterion])
        check_checkpoint(plugins or ())
        guarded = with_guards(plugins or (), eval_every=eval_every, peval_mode=peval_mode)
        self._step_objective = StepObjective(criterion, objective, kernels)
        periodic_eval = PeriodicEvalPlugin(eval_every, peval_mode)
        super().__init__(
            model=model,
            optimizer=optimizer,
            criterion=self._step_objective.criterion,
            train_mb_size=train_mb_size,
            train_epochs=train_epochs,
            eval_mb_size=eval_mb_size,
            device=device,
            plugins=self._step_objective.with_teacher(guarded),
            evaluator=evaluator,
        )
        check_parts("evaluator", [self.evaluator])
        self.plugins = [
            periodic_eval if isinstance(plugin, PeriodicEval) else plugin for plugin in self.plugins
        ]
        self.eval_every = eval_every
        self.loader = dict(loader or {})
        self.loss_terms = {}
        self._checked_images = False
        self._prediction: Tensor | None = None
        self.micro_batches = micro_batches
        self.compile = compile
        self.precision = Precision(amp, self.device)
        # Other objectives may leave auxiliary heads out, and modules held in evaluation mode too.
        held = any(isinstance(p, FreezePlugin) and p.evaluation for p in self.plugins)
        self.parallel = Parallel(all_used=objective is None and not held)
        self._optimizers = OptimizerSource(optimizer, model)
        self._memory_format = torch.channels_last if channels_last else torch.preserve_format
        # preserve_format means nothing to contiguous().
        self._image_format = torch.channels_last if channels_last else torch.contiguous_format

    def model_adaptation(self, model: nn.Module | None = None) -> nn.Module:
        """Let the heads grow, and put the model where and how it is wanted."""
        return super().model_adaptation(model).to(memory_format=self._memory_format)

    def check_model_and_optimizer(self, **kwargs: Any) -> None:
        """Grow the model, then make this step's optimizer and objective."""
        self.model = self.model_adaptation()
        self.parallel.begin_step()
        if self.compile:
            self.model.compile()
        self.make_optimizer()
        self._step_objective.begin_step(self.plugins, self.model)

    def make_optimizer(self, **kwargs: Any) -> None:
        """Get this step's optimizer from the factory, or bring the given one up to date."""
        self.optimizer = self._optimizers.at_step(self.model, self.experience)

    def forward(self) -> SegmentationOutput:
        """The model's output on the batch, logits at the model's own stride."""
        self._prediction = None
        if not self.is_training:
            return self.run_model(self.model, self.mb_x)
        with check_single_image(self):
            return self.run_model(self.parallel.wrap(self.model), self.mb_x)

    def _after_forward(self, **kwargs: Any) -> None:
        if self.clock.train_exp_iterations == 0:  # Before anything learns from a wrong number.
            counting = self._step_objective.counts_classes(self.plugins)
            check_channels(self, counts_classes=counting)
        super()._after_forward(**kwargs)

    def criterion(self) -> Tensor:
        """The loss: in training the sum of all objectives' terms, in evaluation the criterion's.

        In evaluation the label map shows old classes too, so a criterion with steps is that of step
        0, and labels without a class are void.
        """
        if not self.is_training:
            return self._evaluation_loss()
        teacher = self._step_objective.teacher_output(self)
        terms = self._step_objective(step_batch(self, teacher=teacher))
        self.loss_terms = {}
        for name, value in terms.items():
            record_term(self, name, value)
        return sum(terms.values(), self._make_empty_loss())

    @property
    def computes_objectives(self) -> bool:
        """Whether :meth:`criterion` is this one, which computes the plugins' objectives too."""
        return type(self).criterion is SegmentationTemplate.criterion

    def _evaluation_loss(self) -> Tensor:
        criterion = self._step_objective.evaluation_criterion()
        loss, self._prediction = evaluation_loss(self.model, self.mb_output, self.mb_y, criterion)
        return loss

    @property
    def mb_prediction(self) -> Tensor:
        """The labels predicted for the batch, int64, B x H x W: once, for all metrics."""
        if self._prediction is None:
            height, width = self.mb_y.shape[-2:]
            logits, scores = self.mb_output.logits, score_function(self.model)
            self._prediction = predicted_labels(logits, (height, width), scores)
        return self._prediction

    edits_weights = True
    """Tells :class:`~avalanche_seg.plugins.WeightEditPlugin` that it was asked in front."""

    def _after_training_exp(self, **kwargs: Any) -> None:
        for plugin in self.plugins:
            if isinstance(plugin, WeightEditPlugin):
                plugin.edit_weights(self)
        super()._after_training_exp(**kwargs)
