"""Tasks in several class orders."""

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.cli.class_orders import order_families, task_and_order
from avalanche_seg.cli.comparing import draw
from avalanche_seg.cli.markdown import markdown
from avalanche_seg.cli.reading import read_sections
from avalanche_seg.datasets.ade20k_tasks import ADE20K_ORDERS
from avalanche_seg.datasets.voc_tasks import VOC_ORDERS
from tests.cli.pages import Page, write_page
from tests.cli.runs import write_run


def test_every_published_order_is_known_by_its_task():
    for name in VOC_ORDERS:
        assert task_and_order(name) == tuple(name.split("_"))
    for name in ADE20K_ORDERS:
        assert task_and_order(name) == (name[:-1], name[-1])
    for task in ("15-5", "15-5s", "19-1", "10-5-5", "100-50", "50", "offline"):
        assert task_and_order(task) == (task, "a")
    assert task_and_order("19-1b") == ("19-1", "b")


def runs(tmp_path):
    """Three orders of two methods, one of them with two seeds; and a task with one order."""
    folders = []
    for place, task in enumerate(("15-1", "15-1_b", "15-1_c")):
        for method, level in (("FT", 0.1), ("MiB", 0.3)):
            for seed in (0, 1) if method == "MiB" else (0,):
                value = level + 0.05 * place + 0.02 * seed
                folders.append(
                    write_run(
                        tmp_path / f"{method}_{task}_{seed}",
                        [{"background": 0.9, "cat": value}],
                        task=task,
                        method=method,
                        seed=seed,
                    )
                )
    folders.append(write_run(tmp_path / "else", [{"background": 0.9, "cat": 0.5}], task="15-5"))
    return folders


def test_values_are_means_over_seeds_by_order(tmp_path):
    (family,) = order_families(read_sections(runs(tmp_path)))
    assert family.title == "15-1 overlapped on voc"
    assert family.orders == ["a", "b", "c"]
    assert family.values("FT") == pytest.approx([10.0, 15.0, 20.0])
    assert family.values("MiB") == pytest.approx([31.0, 36.0, 41.0])


def test_settings_other_than_the_task_tell_methods_apart(tmp_path):
    folders = [
        write_run(tmp_path / f"{task}{lr}", [{"background": 0.9, "cat": 0.5}], task=task, lr=lr)
        for task in ("15-1", "15-1_b")
        for lr in (0.1, 0.2)
    ]
    (family,) = order_families(read_sections(folders))
    assert list(family.methods) == ["FT (lr 0.1)", "FT (lr 0.2)"]


def test_one_order_is_no_family(tmp_path):
    assert order_families(read_sections(runs(tmp_path)[-1:])) == []


def test_they_are_in_the_markdown_the_picture_and_the_page(tmp_path):
    folders = runs(tmp_path)
    sections = read_sections(folders)
    shown = markdown(sections).splitlines()
    place = shown.index("### Class orders: 15-1 overlapped on voc")
    assert shown[place + 2 :][:4] == [
        "| method | orders | seeds per order | all | least | median | most |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| FT | 3 | 1 | 15.0 ± 5.0 | 10.0 | 15.0 | 20.0 |",
        "| MiB | 3 | 2 | 36.0 ± 5.0 | 31.0 | 36.0 | 41.0 |",
    ]
    draw(sections, tmp_path / "out.png")
    height = Image.open(tmp_path / "out.png").size[1]
    draw(sections[-1:], tmp_path / "one.png")
    assert height == 5 * Image.open(tmp_path / "one.png").size[1], "four tasks and the boxes"
    boxes = np.asarray(Image.open(tmp_path / "out.png"))[height * 4 // 5 :]
    assert boxes.std() > 10
    page = Page(write_page(tmp_path, *folders))
    caption = "mIoU of all classes in percent after the last step, over class orders"
    assert page.tables[caption][1:] == [
        ["FT", "3", "15.0 ± 5.0", "10.0", "20.0"],
        ["MiB", "3", "36.0 ± 5.0", "31.0", "41.0"],
    ]
    assert any("FT: 10.0, 15.0, 20.0; MiB: 31.0" in label for label in page.labels)
