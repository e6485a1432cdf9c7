"""A user's own samples: any torch ``Dataset``, list or Hugging Face data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avalanche_seg.datasets.class_names import named
from avalanche_seg.datasets.description import SegmentationFiles, Split
from avalanche_seg.datasets.pairs import Pairs
from avalanche_seg.labels import WIDE_VOID, ZeroIs

__all__ = ["from_dataset"]


def from_dataset(
    train: Any,
    test: Any,
    class_names: Sequence[str] | None = None,
    *,
    columns: tuple[str, str] = ("image", "label"),
    zero_is: ZeroIs = "background",
    label_map: Mapping[int, int] | None = None,
    void_ids: Sequence[int] = (),
    name: str = "dataset",
    fingerprint: str | None = None,
    n_channels: int = 3,
    progress: bool = True,
) -> SegmentationFiles:
    """Describe samples that are no files of this package's: any data set of (image, label map).

    A sample is a pair, or a mapping with two ``columns`` as Hugging Face's data sets give. An image
    is a Pillow image, a uint8 tensor 3 x H x W or a uint8 array H x W x 3; a label map holds whole
    numbers, H x W. Samples are read when they are needed, each once more per epoch; those of a
    list stay where they are. They must not be random: random transforms are a benchmark's
    ``train_transform``.

    Every start reads all samples once, for the mask statistics, unless ``fingerprint`` or a Hugging
    Face data set says whether they are the ones of an earlier start.

    Args:
        train: the training samples: has ``len()`` and ``[i]``.
        test: the test samples; the same.
        class_names: by dataset id, as of :class:`SegmentationFiles`; None reads all label maps and
            numbers the classes.
        columns: of image and label map, where samples are mappings.
        zero_is: what the label 0 means.
        label_map: dataset id of every label, where they are not the ids themselves.
        void_ids: labels that are void, besides 255; -1 and -100, torch's, can be among them.
        name: of the data set.
        fingerprint: a text that changes when the samples do.
        n_channels: of the images; three make RGB of grey ones.
        progress: show a progress bar while label maps are read for the names.

    Raises:
        ValueError: for samples of another form, naming the first; as :class:`SegmentationFiles`.

    Example:
        >>> import torch
        >>> image, labels = torch.zeros(3, 4, 6, dtype=torch.uint8), torch.tensor([[0, 1], [2, -1]])
        >>> labels = labels.repeat(2, 3)
        >>> files = from_dataset([(image, labels)], [(image, labels)], void_ids=[-1])
        >>> files.class_names
        ('background', 'class 1', 'class 2')
    """
    negatives = frozenset(value for value in void_ids if value < 0)
    splits = []
    for split, samples in (("train", train), ("test", test)):
        told = fingerprint or getattr(samples, "_fingerprint", None)
        pairs = Pairs(
            samples,
            split,
            columns=columns,
            negatives=negatives,
            fingerprint=None if told is None else f"{told} {columns} {sorted(negatives)}",
            n_channels=n_channels,
        )
        splits.append(Split(Path(name), split, pairs.items("image"), pairs.items("labels")))
    void = tuple(value for value in void_ids if value >= 0)
    if negatives and label_map is not None:
        void = (*void, WIDE_VOID)
    if class_names is None:
        class_names = named(splits, zero_is, label_map, void, progress=progress)
    return SegmentationFiles(
        name,
        tuple(class_names),
        splits[0],
        splits[1],
        zero_is=zero_is,
        label_map=label_map,
        void_ids=void,
        n_channels=n_channels,
    )
