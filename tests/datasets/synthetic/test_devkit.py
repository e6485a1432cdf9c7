import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets import make_synthetic_voc, voc_palette
from avalanche_seg.datasets.synthetic import devkit as synthetic
from avalanche_seg.datasets.synthetic.scene import render_scene
from avalanche_seg.datasets.synthetic.shapes import LOOKS

CLASSES = set(range(1, 21))
SMALL = {"n_train": 20, "n_val": 20, "size": (48, 64)}
TASKS = [
    "19-1", "19-1b", "15-5", "15-5s", "10-5-5", "10-1", "10-10", "5-5", "5-3", "5-1", "2-2", "2-1",
    "4-4", "8-2",
]  # fmt: skip


def _ids(devkit: Path, split: str) -> list[str]:
    return (devkit / "ImageSets" / "Segmentation" / f"{split}.txt").read_text().split()


def _mask(devkit: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(devkit / "SegmentationClass" / f"{name}.png"))


@functools.cache
def _classes(devkit: Path, split: str) -> list[set[int]]:
    return [set(np.unique(_mask(devkit, n)).tolist()) - {0, 255} for n in _ids(devkit, split)]


def _steps(task: str) -> list[set[int]]:
    if task == "19-1b":
        return [CLASSES - {5}, {5}]
    base, group = map(int, {"15-5s": "15-1", "10-5-5": "10-5"}.get(task, task).split("-"))
    later = [set(range(c, min(c + group, 21))) for c in range(base + 1, 21, group)]
    return [set(range(1, base + 1)), *later]


def _tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def devkit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_synthetic_voc(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="module")
def short_devkit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_synthetic_voc(
        tmp_path_factory.mktemp("short") / "new" / "root", n_train=60, n_val=40, size=(64, 72)
    )


def test_layout(short_devkit: Path) -> None:
    assert short_devkit.name == "VOC2012"
    assert sorted(p.name for p in short_devkit.parent.iterdir()) == ["VOC2012", synthetic._RECORD]
    train, val, both = (_ids(short_devkit, split) for split in ("train", "val", "trainval"))
    assert (len(train), len(val)) == (60, 40)
    assert train[0] == "2012_000001"
    assert both == train + val
    assert len(set(both)) == 100
    assert {p.name for p in (short_devkit / "JPEGImages").iterdir()} == {f"{n}.jpg" for n in both}
    masks = short_devkit / "SegmentationClass"
    assert {p.name for p in masks.iterdir()} == {f"{n}.png" for n in both}
    # The staging folder is gone too, inside the root and beside it.
    assert [p.name for p in short_devkit.parent.parent.iterdir()] == ["root"]


def test_modes_sizes_and_values(short_devkit: Path) -> None:
    for name in _ids(short_devkit, "trainval")[::7]:
        image = Image.open(short_devkit / "JPEGImages" / f"{name}.jpg")
        mask = Image.open(short_devkit / "SegmentationClass" / f"{name}.png")
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (72, 64))
        assert (mask.format, mask.mode, mask.size) == ("PNG", "P", (72, 64))
        assert mask.getpalette() == voc_palette()
        assert set(np.unique(np.asarray(mask)).tolist()) <= CLASSES | {0, 255}


def test_palette_is_vocs() -> None:
    colours = np.array(voc_palette()).reshape(256, 3)
    known = {0: (0, 0, 0), 1: (128, 0, 0), 15: (192, 128, 128), 20: (0, 64, 128),
             255: (224, 224, 192)}  # fmt: skip
    for index, colour in known.items():
        assert tuple(colours[index]) == colour
    assert len({tuple(colour) for colour in colours.tolist()}) == 256


def test_same_seed_same_bytes_other_seed_other_images(tmp_path: Path) -> None:
    first = _tree(make_synthetic_voc(tmp_path / "a", **SMALL))
    assert _tree(make_synthetic_voc(tmp_path / "b", **SMALL)) == first
    other = _tree(make_synthetic_voc(tmp_path / "c", **SMALL, seed=1))
    assert other.keys() == first.keys()
    assert all(first[name] != other[name] for name in first if name.endswith(".jpg"))


def test_an_image_does_not_depend_on_the_number_of_images(tmp_path: Path) -> None:
    few = _tree(make_synthetic_voc(tmp_path / "few", **SMALL))
    many = _tree(make_synthetic_voc(tmp_path / "many", n_train=25, n_val=21, size=(48, 64)))
    assert all(many[name] == few[name] for name in few if not name.endswith(".txt"))


@pytest.mark.parametrize("split", ["train", "val"])
def test_every_class_occurs(devkit: Path, short_devkit: Path, split: str) -> None:
    for root in (devkit, short_devkit):
        assert set().union(*_classes(root, split)) == CLASSES


def test_main_class_is_visible_in_every_image(tmp_path: Path) -> None:
    root = make_synthetic_voc(tmp_path, n_train=200, n_val=20, size=(48, 48), seed=3)
    for index, name in enumerate(_ids(root, "train")):
        assert np.count_nonzero(_mask(root, name) == index % 20 + 1) >= 40


def test_void_border_adjoins_objects(devkit: Path) -> None:
    for name in _ids(devkit, "train")[::11]:
        mask = _mask(devkit, name).astype(int)
        for a, b in ((mask[1:], mask[:-1]), (mask[:, 1:], mask[:, :-1])):
            labelled = (a != 255) & (b != 255)
            assert (a == b)[labelled].all()  # two labels never touch: void lies between them
        void = np.pad(mask == 255, 1)
        foreground = np.pad((mask > 0) & (mask < 255), 1)
        near = sum(np.roll(foreground, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
        beside = np.count_nonzero(void & (near > 0)) / np.count_nonzero(void)
        assert beside > 0.95  # the rest bordered an object that a nearer one hides
        assert 0 < void.mean() < 0.25


def test_objects_stand_out_from_the_background() -> None:
    size = (96, 128)
    for class_id in LOOKS:
        image, mask = render_scene(np.random.default_rng(class_id), [class_id], size)
        colours = image.astype(float)
        objects, ground = colours[mask == class_id], colours[mask == 0]
        saturation = np.ptp(objects, axis=1).mean(), np.ptp(ground, axis=1).mean()
        assert saturation[0] > 2 * saturation[1]


def test_no_two_classes_look_alike() -> None:
    assert set(LOOKS) == CLASSES
    axis = np.linspace(-1.2, 1.2, 61)
    u, v = np.meshgrid(axis, axis)
    shapes = np.array([look.shape(u, v) for look in LOOKS.values()])
    textures = np.array([look.texture(u, v) for look in LOOKS.values()])
    colours = np.array([look.colour for look in LOOKS.values()])
    for i in range(20):
        for j in range(i):
            overlap = (shapes[i] & shapes[j]).sum() / (shapes[i] | shapes[j]).sum()
            assert overlap < 0.9
            assert (textures[i] != textures[j]).mean() > 0.05
            assert np.abs(colours[i] - colours[j]).max() > 0.15


def test_some_pairs_of_classes_share_images_oftener(devkit: Path) -> None:
    together = np.zeros((21, 21), dtype=int)
    for present in _classes(devkit, "train"):
        together[np.ix_(sorted(present), sorted(present))] += 1
    pairs = together[np.triu_indices(21, k=1)]
    friends = np.mean([together[pair] for pair in synthetic._FRIENDS])
    assert friends > 3 * pairs.sum() / (20 * 19 / 2)


def test_15_5_differs_between_overlapped_and_disjoint(devkit: Path) -> None:
    old = mixed = new = 0
    for name in _ids(devkit, "train"):
        mask = _mask(devkit, name)
        has_old = ((mask >= 1) & (mask <= 15)).any()
        has_new = ((mask >= 16) & (mask <= 20)).any()
        old, mixed, new = old + has_old, mixed + (has_old & has_new), new + has_new
    # Images per step: overlapped (old, new), disjoint (old - mixed, new). No exact counts, since
    # numpy does not promise the same random stream in every version.
    assert old - mixed >= 60
    assert mixed >= 60
    assert new > mixed


@pytest.mark.parametrize("task", TASKS)
def test_every_step_has_images(devkit: Path, short_devkit: Path, task: str) -> None:
    steps = _steps(task)
    assert sorted(c for step in steps for c in step) == sorted(CLASSES)
    for root, at_least in ((devkit, 2), (short_devkit, 1)):
        images = _classes(root, "train")
        for t, step in enumerate(steps):
            later = set().union(*steps[t + 1 :])
            overlapped = [present for present in images if present & step]
            disjoint = [present for present in overlapped if not present & later]
            assert len(overlapped) >= len(disjoint) >= at_least


def test_writes_once(tmp_path: Path) -> None:
    root = make_synthetic_voc(tmp_path, **SMALL)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert make_synthetic_voc(str(tmp_path), **SMALL) == root
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_refuses_a_devkit_with_other_parameters(tmp_path: Path) -> None:
    make_synthetic_voc(tmp_path, **SMALL)
    before = _tree(tmp_path)
    with pytest.raises(ValueError, match=r"VOC2012: got .*'seed': 0.*expected .*'seed': 1.*delete"):
        make_synthetic_voc(tmp_path, **SMALL, seed=1)
    assert _tree(tmp_path) == before


@pytest.mark.parametrize("record", [None, "not json", json.dumps({"format": 0})])
def test_refuses_a_folder_it_did_not_write(tmp_path: Path, record: str | None) -> None:
    (tmp_path / "VOC2012").mkdir()
    if record is not None:
        (tmp_path / "synthetic_voc.json").write_text(record)
    with pytest.raises(ValueError, match="use another root, or delete"):
        make_synthetic_voc(tmp_path, **SMALL)
    assert list((tmp_path / "VOC2012").iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [{"n_train": 19}, {"n_val": 0}, {"size": (47, 64)}, {"size": (64, 47)}, {"size": (64,)},
     {"seed": -1}],
)  # fmt: skip
def test_refuses_bad_arguments(tmp_path: Path, bad: dict) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(bad))}: got .*, expected .*; pass"):
        make_synthetic_voc(tmp_path / "root", **bad)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root_exists", [False, True])
def test_an_error_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root_exists: bool
) -> None:
    root = tmp_path / "root"
    if root_exists:
        root.mkdir()
        (root / "other.txt").write_text("kept")
    before = _tree(tmp_path)
    drawn = []

    def failing(*args):
        drawn.append(args)
        if len(drawn) > 10:
            raise KeyboardInterrupt
        return render_scene(*args)

    with monkeypatch.context() as patch:
        patch.setattr(synthetic, "render_scene", failing)
        with pytest.raises(KeyboardInterrupt):
            make_synthetic_voc(root, **SMALL)
    assert len(drawn) == 11
    assert _tree(tmp_path) == before
    assert list(tmp_path.iterdir()) == ([root] if root_exists else [])
    assert len(_ids(make_synthetic_voc(root, **SMALL), "trainval")) == 40


def test_an_interruption_between_record_and_folder_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Path, target: Path) -> None:
        raise OSError("interrupted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", failing)
        with pytest.raises(OSError, match="interrupted"):
            make_synthetic_voc(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["synthetic_voc.json"]
    # What a killed process cannot clean up does not block either.
    (tmp_path / ".VOC2012-killed.part" / "VOC2012").mkdir(parents=True)
    assert len(_ids(make_synthetic_voc(tmp_path, **SMALL, seed=1), "train")) == 20


def test_a_process_that_was_faster_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = synthetic._write_devkit

    def slow(devkit: Path, record: dict) -> None:
        monkeypatch.setattr(synthetic, "_write_devkit", write)
        make_synthetic_voc(tmp_path / "root", **SMALL)
        write(devkit, record)

    monkeypatch.setattr(synthetic, "_write_devkit", slow)
    root = make_synthetic_voc(tmp_path / "root", **SMALL)
    assert len(_ids(root, "train")) == 20
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
