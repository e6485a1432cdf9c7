"""What a model must know of a benchmark's images."""

from typing import Any

import numpy as np

from avalanche_seg.benchmarks.scenario import SegmentationScenario
from avalanche_seg.datasets import channel_statistics

__all__ = ["model_input"]


def model_input(benchmark: SegmentationScenario, *, n_images: int = 1000) -> dict[str, Any]:
    """The arguments of a model for a benchmark's images: channels, mean, deviation and range.

    Mean and deviation are over the training images of step 0, the only ones that are there when
    the model is made.

    Args:
        benchmark: the benchmark.
        n_images: over how many images, evenly spaced.

    Returns:
        ``in_channels``, ``mean``, ``std`` and ``value_range``; empty for colour images as they are,
        which take ImageNet's.

    Raises:
        ValueError: naming an image that cannot be read.

    Example:
        >>> import tempfile
        >>> from dataclasses import replace
        >>> from avalanche_seg.benchmarks import incremental_benchmark
        >>> from avalanche_seg.datasets import make_synthetic_voc, read_voc
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     files = read_voc(make_synthetic_voc(folder, n_train=20, n_val=20, size=(48, 64)))
        ...     darker = replace(files, value_range=(0, 510))
        ...     colour, dark = (incremental_benchmark(f, progress=False) for f in (files, darker))
        ...     model_input(colour), list(model_input(dark))
        ({}, ['in_channels', 'mean', 'std', 'value_range'])
    """
    data = benchmark.train_stream[0].data
    split, value_range = data.split, benchmark.value_range
    if split.n_channels == 3 and value_range is None:
        return {}
    chosen = np.linspace(0, len(data.indices) - 1, min(n_images, len(data.indices)))
    indices = data.indices[np.unique(chosen.round().astype(np.int64))]
    mean, std = channel_statistics(split, indices.tolist())
    return {
        "in_channels": split.n_channels,
        "mean": list(mean),
        "std": list(std),
        "value_range": None if value_range is None else list(value_range),
    }
