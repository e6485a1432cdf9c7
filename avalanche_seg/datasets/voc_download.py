"""Fetching VOC 2012 and SBD, and building the augmented training set."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision.datasets import SBDataset, VOCSegmentation
from tqdm import tqdm

from avalanche_seg.datasets.palette import voc_palette
from avalanche_seg.datasets.voc import AUGMENTED_LISTS, AUGMENTED_MASKS, find_folder, find_list
from avalanche_seg.system import atomic_write, expand_home

__all__ = ["download_voc"]


def download_voc(root: Path, *, augmented: bool = True) -> Path:
    """Fetch what is missing of VOC 2012 and SBD, through torchvision and with its checksums.

    The augmented set is SBD's images plus VOC's train list, minus VOC's val list: 10,582 images.
    Where both annotate an image, VOC's finer mask is taken.

    Args:
        root: folder for the downloads.
        augmented: fetch SBD as well and write ``SegmentationClassAug`` and ``train_aug.txt``.

    Returns:
        The devkit's folder.
    """
    root = expand_home(root)
    root.mkdir(parents=True, exist_ok=True)
    unfinished = root / "VOC2012.unfinished"  # A half-extracted archive looks like a devkit.
    if find_folder(root) is None or unfinished.is_file():
        unfinished.touch()
        VOCSegmentation(str(root), year="2012", image_set="trainval", download=True)
        unfinished.unlink()
    folder = find_folder(root)
    if folder is None:
        raise ValueError(f"{root}: the download left no VOC2012 folder; delete it and try again")
    if augmented and find_list(folder, *AUGMENTED_LISTS) is None:
        _build_augmented(folder, root / "SBD")
    return folder


def _build_augmented(folder: Path, sbd_folder: Path) -> None:
    lists = folder / "ImageSets" / "Segmentation"
    masks = folder / AUGMENTED_MASKS
    masks.mkdir(exist_ok=True)
    voc_train, voc_val = (
        (lists / f"{split}.txt").read_text().split() for split in ("train", "val")
    )
    for image_id in (*voc_train, *voc_val):
        source = folder / "SegmentationClass" / f"{image_id}.png"
        with atomic_write(masks / source.name) as temporary:
            shutil.copyfile(source, temporary)
    annotated = set(voc_train)
    _fetch_sbd(sbd_folder)
    for image_set in ("train", "val"):
        sbd = SBDataset(str(sbd_folder), image_set=image_set, mode="segmentation")
        annotated.update(_convert(sbd, masks))
    # The list comes last: while it is missing, the augmented set does not exist.
    chosen = sorted(annotated - set(voc_val))
    with atomic_write(lists / AUGMENTED_LISTS[0]) as temporary:
        temporary.write_text("\n".join(chosen) + "\n")


def _fetch_sbd(folder: Path) -> None:
    """Fetch SBD into a folder beside its place, and move it there when it is whole."""
    if (folder / "val.txt").is_file():
        return
    staging = folder.with_name(f"{folder.name}.unfinished")
    for name in ("cls", "img", "inst"):  # An interrupted call's; the archive itself is kept.
        shutil.rmtree(staging / name, ignore_errors=True)
    (staging / "train.txt").unlink(missing_ok=True)
    SBDataset(str(staging), mode="segmentation", download=True)
    staging.rename(folder)


def _convert(sbd: SBDataset, masks: Path) -> list[str]:
    palette = voc_palette()
    image_ids = [Path(name).stem for name in sbd.images]
    for i, image_id in enumerate(tqdm(image_ids, desc="SBD masks to PNG", unit="mask")):
        path = masks / f"{image_id}.png"
        if not path.is_file():
            mask = Image.fromarray(np.asarray(sbd[i][1], dtype=np.uint8))
            mask.putpalette(palette)
            with atomic_write(path) as temporary:
                mask.save(temporary, format="PNG")
    return image_ids
