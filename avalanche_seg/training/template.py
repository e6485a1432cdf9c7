"""Avalanche's supervised template for dense outputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from avalanche.core import BasePlugin
from avalanche.training.plugins import EvaluationPlugin
from avalanche.training.templates.base_sgd import PeriodicEval
from torch import Tensor, nn
from torch.optim import Optimizer

from avalanche_seg.kernels import predicted_labels
from avalanche_seg.labels import VOID
from avalanche_seg.loading import eval_loader, loader_options, to_device, train_loader
from avalanche_seg.losses import CrossEntropy
from avalanche_seg.models import SegmentationOutput
from avalanche_seg.normalization import normalize_images
from avalanche_seg.plugins import PeriodicEvalPlugin, record_term
from avalanche_seg.training.loop import AccumulatingTemplate
from avalanche_seg.training.optimizers import OptimizerFactory, OptimizerSource
from avalanche_seg.training.options import default_evaluator
from avalanche_seg.training.parallel import Parallel
from avalanche_seg.training.precision import Precision

__all__ = ["SegmentationTemplate"]

Criterion = Callable[[Tensor, Tensor], Tensor]


class SegmentationTemplate(AccumulatingTemplate):
    """The training and evaluation loop of every strategy here: template, criterion, plugins.

    In training the criterion is applied to the main output and to every auxiliary one, each with
    weight 1; plugins add further terms. Images may arrive as uint8 and are normalised on the
    device. ``mb_output.logits`` are at the model's own stride, in training and in evaluation;
    losses and metrics resize them to the label map themselves, a part at a time.

    Args:
        model: a :class:`~avalanche_seg.models.SegmentationModel`, or any module that returns a
            :class:`~avalanche_seg.models.SegmentationOutput` or logits B x C x h x w.
        optimizer: a torch optimizer, or a factory ``(model, experience) -> Optimizer`` such as
            :func:`avalanche_seg.strategies.sgd`, called at every step after the model grew.
        criterion: ``(logits B x C x h x w, target B x H x W int64) -> scalar``; default cross
            entropy. When it has a method ``at_step(n_old)``, the criterion of a step is what that
            returns.
        train_mb_size: images a training batch, over all processes.
        train_epochs: epochs a step.
        eval_mb_size: images an evaluation batch; 1 for images of different sizes.
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
        amp: "off", "bf16" or "fp16": precision of the networks, teacher included; logits are
            float32 again, so losses, statistics and weights always are.
        accumulate: compute every batch in this many parts, of two images at least, for less memory.
            Gradients are those of the whole batch (batch norm aside, which sees the parts) as long
            as the loss is a mean over all pixels.
        compile: compile the network at every step (``torch.nn.Module.compile``).

    Raises:
        ValueError: for an unknown ``amp`` or ``peval_mode``, or ``accumulate`` below one.
    """

    plugins: list[Any]
    dataloader: Any
    mbatch: Any
    mb_output: Any

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        criterion: Criterion | None = None,
        train_mb_size: int = 1,
        train_epochs: int = 1,
        eval_mb_size: int | None = 1,
        device: str | torch.device = "cpu",
        plugins: Sequence[BasePlugin] | None = None,
        evaluator: EvaluationPlugin | Callable[[], EvaluationPlugin] | None = default_evaluator,
        eval_every: int = -1,
        peval_mode: str = "epoch",
        loader: Mapping[str, Any] | None = None,
        channels_last: bool = True,
        amp: str = "off",
        accumulate: int = 1,
        compile: bool = False,
    ) -> None:
        if accumulate < 1:
            raise ValueError(f"accumulate={accumulate}; expected one part or more")
        periodic_eval = PeriodicEvalPlugin(eval_every, peval_mode)
        super().__init__(
            model=model,
            optimizer=optimizer,
            criterion=criterion or CrossEntropy(),
            train_mb_size=train_mb_size,
            train_epochs=train_epochs,
            eval_mb_size=eval_mb_size,
            device=device,
            plugins=plugins,
            evaluator=evaluator,
        )
        self.plugins = [
            periodic_eval if isinstance(plugin, PeriodicEval) else plugin for plugin in self.plugins
        ]
        self.eval_every = eval_every
        self.loader = dict(loader or {})
        self.step_criterion: Criterion = self._criterion
        self.loss_terms = {}
        self._prediction: Tensor | None = None
        self.accumulate = accumulate
        self.compile = compile
        self.precision = Precision(amp, self.device)
        self.parallel = Parallel()
        self._optimizers = OptimizerSource(optimizer, model)
        self._memory_format = torch.channels_last if channels_last else torch.preserve_format

    @property
    def n_old(self) -> int:
        """How many channels the model had before the current step; 0 at step 0."""
        return len(self.experience.previous_classes)

    # ---------------------------------------------------------------- model, optimizer, criterion

    def model_adaptation(self, model: nn.Module | None = None) -> nn.Module:
        """Let the heads grow, and put the model where and how it is wanted."""
        return super().model_adaptation(model).to(memory_format=self._memory_format)

    def check_model_and_optimizer(self, **kwargs: Any) -> None:
        """Grow the model, then make this step's optimizer and criterion."""
        self.model = self.model_adaptation()
        self.parallel.begin_step()
        if self.compile:
            self.model.compile()
        self.make_optimizer()
        self.step_criterion = _at_step(self._criterion, self.n_old)

    def make_optimizer(self, **kwargs: Any) -> None:
        """Get this step's optimizer from the factory, or bring the given one up to date."""
        self.optimizer = self._optimizers.at_step(self.model, self.experience)

    # ------------------------------------------------------------------------------------ loaders

    def make_train_dataloader(self, **kwargs: Any) -> None:
        """Shuffled batches of the step's data set; keyword arguments of ``train`` win."""
        options = loader_options(self.loader, kwargs, device=self.device)
        self.dataloader = train_loader(self.adapted_dataset, self.train_mb_size, options)

    def make_eval_dataloader(self, **kwargs: Any) -> None:
        """Batches in order, every image once; keyword arguments of ``eval`` win."""
        options = loader_options(self.loader, kwargs, device=self.device)
        self.dataloader = eval_loader(self.adapted_dataset, self.eval_mb_size, options)

    # ------------------------------------------------------------------------------------- a batch

    def _unpack_minibatch(self) -> None:
        self.mb_output = None  # Or the previous batch's logits stay alive during the next forward.
        images, labels, *rest = self.mbatch
        images = images.to(self.device, non_blocking=True)
        # First the format: of bytes there is a quarter to move, and channels last normalise faster.
        images = normalize_images(images.contiguous(memory_format=self._image_format))
        labels = labels.to(self.device, non_blocking=True).long()
        rest = [to_device(part, self.device) for part in rest]
        self.mbatch = [images, labels, *rest]

    @property
    def _image_format(self) -> torch.memory_format:
        # preserve_format means nothing to contiguous().
        wanted = self._memory_format
        return torch.contiguous_format if wanted is torch.preserve_format else wanted

    def forward(self) -> SegmentationOutput:
        """The model's output on the batch, logits at the model's own stride."""
        self._prediction = None
        model = self.parallel.wrap(self.model) if self.is_training else self.model
        return self.run_model(model, self.mb_x)

    def criterion(self) -> Tensor:
        """The classification loss: main and auxiliary outputs in training, main in evaluation.

        In evaluation the label map shows old classes too, so a criterion with steps is that of step
        0, and labels without a channel are void.
        """
        output: SegmentationOutput = self.mb_output
        if self.is_training:
            levels = (output.logits, *output.aux)
            loss = torch.stack([self.classification_loss(level) for level in levels]).sum()
            self.loss_terms = {}
            record_term(self, "classification", loss)
            return loss
        known = torch.where(self.mb_y < output.logits.shape[1], self.mb_y, VOID)
        criterion = _at_step(self._criterion, 0)
        if type(criterion) is not CrossEntropy:  # A subclass may have another forward().
            return criterion(output.logits, known)
        loss, self._prediction = criterion.with_labels(output.logits, known)
        return loss

    @property
    def mb_prediction(self) -> Tensor:
        """The labels predicted for the batch, int64, B x H x W: once, for all metrics."""
        if self._prediction is None:
            height, width = self.mb_y.shape[-2:]
            self._prediction = predicted_labels(self.mb_output.logits, (height, width))
        return self._prediction

    def classification_loss(self, logits: Tensor) -> Tensor:
        """The step's criterion on one output, a scalar; for strategies whose loss needs more."""
        return self.step_criterion(logits, self.mb_y)


def _at_step(criterion: Criterion, n_old: int) -> Criterion:
    at_step = getattr(criterion, "at_step", None)
    return criterion if at_step is None else at_step(n_old)
