"""One iteration of training: a batch in one or more parts, in full or mixed precision."""

from collections import defaultdict
from typing import Any

import torch
from avalanche.training.templates import SupervisedTemplate
from torch import Tensor

from avalanche_seg.loading import split_batch
from avalanche_seg.system import all_reduce_sum_, sync_buffers, world_size
from avalanche_seg.training.parallel import Parallel
from avalanche_seg.training.precision import Precision

__all__ = ["MicroBatchTemplate"]


class MicroBatchTemplate(SupervisedTemplate):
    """Avalanche's loop, with every batch computed in parts and gradients that may be scaled.

    ``before_forward`` to ``after_backward`` are called for every part, all other callbacks once a
    batch. When ``before_update`` is called, gradients are those of the whole batch, unscaled. An
    iteration whose gradient overflowed in half precision has neither ``before_update`` nor
    ``after_update``: nothing is updated.

    Attributes:
        precision: how models are run.
        parallel: how several processes train one model.
        micro_batches: parts of a batch.
        loss_terms: parts of the current batch's objective by name, weighted; scalars on the device.
        target_weight: of the current part's images or pixels in the classification loss, where a
            :class:`~avalanche_seg.plugins.TargetPlugin` gave one.
    """

    precision: Precision
    parallel: Parallel
    micro_batches: int
    target_weight: Tensor | None
    loss_terms: dict[str, Tensor]
    loss: Tensor

    def training_epoch(self, **kwargs: Any) -> None:
        """Train on every batch of the loader once."""
        for batch in self.dataloader:
            if self._stop_training:
                break
            self.mbatch = batch
            self._unpack_minibatch()
            self._before_training_iteration(**kwargs)
            if self._stop_training:  # Early stopping has put the best weights back.
                break
            self.optimizer.zero_grad()
            self._whole_batch(**kwargs)
            if self.precision.unscale(self.optimizer):
                self._before_update(**kwargs)
                self.optimizer_step()
                self._after_update(**kwargs)
            else:
                self.optimizer_step()  # Changes no weight and lowers the scale.
            self._after_training_iteration(**kwargs)

    def _whole_batch(self, **kwargs: Any) -> None:
        """Gradient, loss and terms of the batch; a part counts by its share of the images.

        Of several processes each computes its images; the mean over processes is the batch's.
        """
        n_images = self._images_of_batch()
        # A part has two images at least, as batch norm needs.
        n_parts = max(1, min(self.micro_batches, len(self.mbatch[0]) // 2))
        parts = split_batch(self.mbatch, n_parts)
        loss = self._make_empty_loss()
        terms: dict[str, Tensor] = defaultdict(self._make_empty_loss)
        for number, part in enumerate(parts, start=1):
            self.mbatch = part
            share = len(part[0]) / n_images
            with self.parallel.averaging(self.model, now=number == len(parts)):
                self._part(share, **kwargs)
            loss = loss + self.loss.detach()
            for name, value in self.loss_terms.items():
                terms[name] = terms[name] + value * share
        self.loss, self.loss_terms = loss, dict(terms)
        self._average_over_processes()

    def _average_over_processes(self) -> None:
        """Loss and terms of the whole batch, for the logs; gradients are averaged already."""
        if world_size() > 1:
            values = torch.stack([self.loss, *self.loss_terms.values()])
            values = all_reduce_sum_(values) / world_size()
            self.loss = values[0]
            self.loss_terms = dict(zip(self.loss_terms, values[1:], strict=True))

    def _images_of_batch(self) -> float | Tensor:
        """Images of the whole batch, per process; on the device, as reading it would wait."""
        own = len(self.mbatch[0])
        if world_size() == 1:
            return own
        return all_reduce_sum_(torch.full((), float(own), device=self.device)) / world_size()

    def _part(self, share: float | Tensor, **kwargs: Any) -> None:
        self.loss = self._make_empty_loss()
        self.target_weight = None
        self._before_forward(**kwargs)
        self.mb_output = self.forward()
        self._after_forward(**kwargs)
        self.loss += self.criterion()
        self._before_backward(**kwargs)
        self._check_loss()
        self.loss = self.loss * share
        self.backward()
        self._after_backward(**kwargs)

    def _check_loss(self) -> None:
        """Stop on a loss that is no finite number, with step, iteration and terms.

        Reading the loss makes a GPU wait, so there only every tenth iteration is checked: a NaN
        stays once it is in the weights.

        Raises:
            FloatingPointError: naming all three.
        """
        iteration = self.clock.train_exp_iterations
        if iteration % (1 if self.device.type == "cpu" else 10) != 0 or self.loss.isfinite():
            return
        terms = ", ".join(f"{name} {float(value):g}" for name, value in self.loss_terms.items())
        raise FloatingPointError(
            f"the loss is {self.loss.item():g} at step {self.experience.current_experience}, "
            f"iteration {iteration} ({terms}); expected a finite number: lower the learning "
            "rate or the weight of the term"
        )

    def _after_training_epoch(self, **kwargs: Any) -> None:
        sync_buffers(self.model)
        super()._after_training_epoch(**kwargs)

    def _after_training_exp(self, **kwargs: Any) -> None:
        self._stop_training = False  # Asked for in the last epoch, it would stop the next step.
        super()._after_training_exp(**kwargs)

    def backward(self) -> None:
        """Run the backward pass, scaled in half precision."""
        self.precision.backward(self.loss, retain_graph=self.retain_graph)

    def optimizer_step(self) -> None:
        """Update the weights, unless a gradient overflowed in half precision."""
        self.precision.update(self.optimizer)

    def run_model(self, model: torch.nn.Module, images: Tensor) -> Any:
        """The output of a model, such as a teacher, in the strategy's precision."""
        return self.precision.run(model, images)
