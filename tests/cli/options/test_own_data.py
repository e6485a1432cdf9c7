import pytest

from avalanche_seg.cli.options.own_data import own_name
from avalanche_seg.cli.options.resolve import parse

BOTH = ["--images", "a/photos", "--masks"]


@pytest.mark.parametrize(
    ("argv", "dataset"),
    [
        ([*BOTH, "a/masks"], "folders"),
        ([*BOTH, "a/all.json"], "coco"),
        ([*BOTH, "train.json,val.json"], "coco"),
        ([*BOTH, "a/masks", "--dataset", "folders", "--split", "0.3"], "folders"),
    ],
)
def test_images_tell_the_data_set(argv, dataset):
    options = parse(argv)
    assert (options.dataset, options.images) == (dataset, "a/photos")
    assert options.weights == "imagenet", "no demo"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--dataset", "folders"], "--dataset folders needs --images; add it"),
        (["--dataset", "coco", "--images", "a"], "--dataset coco needs --masks"),
        (["--dataset", "voc", *BOTH, "b"], "--images has no effect on --dataset voc"),
        (["--split", "0.2"], "--split has no effect on --dataset synthetic"),
        ([*BOTH, "b", "--data_root", "c"], "--data_root has no effect on --dataset folders"),
        ([*BOTH, "b.json", "--classes", "c"], "--classes has no effect on --dataset coco"),
    ],
)
def test_flags_that_do_not_fit(argv, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        parse(argv)


def test_tables_name_the_folder_that_holds_the_images():
    assert own_name({"dataset": "folders", "images": "data/roads/images"}) == "roads"
    assert own_name({"dataset": "folders", "images": "images"}) == "folders"
