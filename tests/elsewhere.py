"""Tensors that only say that they are not on the CPU: what a device gets, computed without one."""

import torch


class Elsewhere(torch.Tensor):
    """Claims a GPU as its device; so do results of it. Counts how often it is read.

    New tensors cannot be made on the device that it claims.
    """

    reads = 0

    @property
    def device(self):
        return torch.device("cuda")

    def __float__(self):
        Elsewhere.reads += 1
        return float(self.as_subclass(torch.Tensor))
