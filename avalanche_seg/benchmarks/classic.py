"""Benchmark constructors: VOC and folders in its layout as class-incremental streams."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, Unpack

from avalanche_seg.benchmarks.incremental import incremental_benchmark
from avalanche_seg.benchmarks.options import BenchmarkOptions
from avalanche_seg.benchmarks.scenario import SegmentationScenario
from avalanche_seg.datasets import download_voc, read_folder, read_voc

__all__ = ["FolderIncremental", "VOCIncremental", "with_full_signature"]

Factory = TypeVar("Factory", bound=Callable[..., SegmentationScenario])


def with_full_signature(
    factory: Factory,
    benchmark: Callable[..., SegmentationScenario] = incremental_benchmark,
    **defaults: Any,
) -> Factory:
    """Spell the shared options out in a constructor's signature, for ``help`` and editors.

    Args:
        factory: takes ``**options`` and passes them to ``benchmark``.
        benchmark: the function whose keyword arguments they are.
        **defaults: of options that the constructor sets otherwise.
    """
    signature = inspect.signature(factory)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared: list[Any] = [
        p.replace(default=defaults.get(p.name, p.default))
        for p in inspect.signature(benchmark).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    factory.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    return factory


@with_full_signature
def VOCIncremental(  # noqa: N802 - benchmarks are named like classes in Avalanche
    root: str | Path,
    *,
    augmented: bool | None = None,
    download: bool = False,
    **options: Unpack[BenchmarkOptions],
) -> SegmentationScenario:
    """PASCAL VOC 2012 as class-incremental streams; 20 classes and the background.

    Args:
        root: the devkit's folder, or the folder that holds it; the layouts of
            :func:`avalanche_seg.datasets.voc.read_voc`.
        augmented: train on the 10,582 images of VOC + SBD (True), the 1,464 of VOC (False), or on
            the augmented list when the devkit has one (None).
        download: fetch VOC 2012 and SBD into ``root`` first, unless they are there.
        **options: as in :func:`incremental_benchmark`.

    Raises:
        ValueError: as :func:`incremental_benchmark`.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     devkit = make_synthetic_voc(folder)
        ...     benchmark = VOCIncremental(devkit, task="10-5", setting="overlapped")
        >>> [step.classes_in_this_experience for step in benchmark.train_stream][1:]
        [[11, 12, 13, 14, 15], [16, 17, 18, 19, 20]]
    """
    if download:
        download_voc(Path(root), augmented=augmented is not False)
    return incremental_benchmark(read_voc(Path(root), augmented=augmented), **options)


@with_full_signature
def FolderIncremental(  # noqa: N802 - benchmarks are named like classes in Avalanche
    root: str | Path, **options: Unpack[BenchmarkOptions]
) -> SegmentationScenario:
    """Any folder in the VOC layout with a ``classes.txt``, as class-incremental streams.

    Args:
        root: the folder; see :func:`avalanche_seg.datasets.folder.read_folder`.
        **options: as in :func:`incremental_benchmark`.

    Raises:
        ValueError: as :func:`incremental_benchmark`.
    """
    return incremental_benchmark(read_folder(Path(root)), **options)
