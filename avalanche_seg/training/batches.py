"""Loaders of training and evaluation, and what becomes of a batch before the network sees it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from avalanche_seg.benchmarks import TrainVoid
from avalanche_seg.loading import eval_loader, loader_options, to_device, train_loader
from avalanche_seg.normalization import check_normalized, normalization_of
from avalanche_seg.training.loop import MicroBatchTemplate

__all__ = ["BatchTemplate"]


class BatchTemplate(MicroBatchTemplate):
    """The loop with this package's loaders, and batches normalised on the device.

    Attributes:
        loader: arguments of every ``DataLoader``.
        model_options: of a class: arguments that its models need, as ``create_model`` takes them.
        train_void: of a class: what its benchmarks should take void for in training.
        first_step_of: of a class: name of the strategy whose step 0 gives the same model bit for
            bit, and all that later steps need of it, so that suites train it once. It holds for the
            class that says so, not for its subclasses.
        later_arguments: of a class: its constructor's arguments that no step 0 depends on.
    """

    model_options: ClassVar[Mapping[str, Any]] = {}
    train_void: ClassVar[TrainVoid] = "background"
    first_step_of: ClassVar[str | None] = None
    later_arguments: ClassVar[tuple[str, ...]] = ()

    loader: dict[str, Any]
    dataloader: Any
    model: Any
    mbatch: Any
    mb_output: Any
    _checked_images: bool
    _image_format: torch.memory_format

    def make_train_dataloader(self, **kwargs: Any) -> None:
        """Shuffled batches of the step's data set; keyword arguments of ``train`` win."""
        options = loader_options(self.loader, kwargs, device=self.device)
        self._checked_images = False
        self.dataloader = train_loader(self.adapted_dataset, self.train_mb_size, options)

    def make_eval_dataloader(self, **kwargs: Any) -> None:
        """Batches in order, every image once; keyword arguments of ``eval`` win."""
        options = loader_options(self.loader, kwargs, device=self.device)
        self._checked_images = False
        self.dataloader = eval_loader(self.adapted_dataset, self.eval_mb_size, options)

    def _unpack_minibatch(self) -> None:
        self.mb_output = None  # Or the previous batch's logits stay alive during the next forward.
        images, labels, *rest = self.mbatch
        images = images.to(self.device, non_blocking=True)
        if not self._checked_images:
            check_normalized(images)  # Of the first batch alone: reading values waits for a GPU.
            self._checked_images = True
        # First the format: of bytes there is a quarter to move, and channels last normalise faster.
        images = images.contiguous(memory_format=self._image_format)
        images = normalization_of(self.model).normalize(images)
        labels = labels.to(self.device, non_blocking=True).long()
        rest = [to_device(part, self.device) for part in rest]
        self.mbatch = [images, labels, *rest]
