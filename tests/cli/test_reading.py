"""Run folders that are not what a run writes."""

import json

import pytest

from avalanche_seg.cli.comparing import main as compare
from avalanche_seg.cli.reading import read_legend, read_sections
from avalanche_seg.cli.reporting.command import main as report
from tests.cli.runs import write_legend, write_run, write_strip

BASE = {"background": 0.9, "cat": 0.8}
RESULTS = [
    (None, " cannot be read"),
    ("{", " cannot be read"),
    ("", " cannot be read"),
    ("[" * 100_000, " cannot be read"),
    ("[]", " holds no JSON object"),
    ('{"steps": []}', " holds no finished step"),
    ('{"steps": 3}', " holds no finished step"),
    ('{"steps": [3]}', ", step 0: no means"),
    ('{"steps": [{"means": {}}, {"means": []}]}', ", step 1: means is no object"),
    ('{"steps": [{"means": {"mIoU_all": "x"}}]}', ", step 0: means of 'mIoU_all' is 'x'"),
    ('{"steps": [{"means": {"mIoU_all": NaN}}]}', ", step 0: means of 'mIoU_all' is nan"),
    ('{"steps": [{"means": {}, "iou": {"cat": []}}]}', ", step 0: iou of 'cat' is []"),
    ('{"seconds": "x", "steps": [{"means": {}}]}', ": seconds is 'x'"),
]


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "a", [BASE])


@pytest.mark.parametrize(("content", "message"), RESULTS)
@pytest.mark.parametrize("main", [compare, report])
def test_bad_results_end_in_one_sentence(
    run, tmp_path, monkeypatch, capsys, main, content, message
):
    monkeypatch.chdir(tmp_path)
    results = run / "results.json"
    results.unlink() if content is None else results.write_text(content)
    before = sorted(tmp_path.iterdir())
    assert main([str(run)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {results}{message}") and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"task": None}, "has no task"),
        ({"method": None, "setting": 3}, "has no method and no setting"),
        ({"dataset": "folder", "data_root": 3}, "has no data_root"),
        ({"method_options": [1]}, r"method_options is \[1\]; expected an object"),
        ({"exemplars_options": "x"}, "exemplars_options is 'x'; expected an object"),
    ],
)
def test_settings_that_no_run_writes_are_named(tmp_path, config, message):
    run = write_run(tmp_path / "a", [BASE], **config)
    with pytest.raises(ValueError, match=f"config.json:? {message}"):
        read_sections([run])


def test_a_run_without_results_of_its_own_is_enough(tmp_path):
    run = tmp_path / "old"
    run.mkdir()
    config = {"method": "FT", "task": "2-1", "setting": "disjoint"}
    (run / "config.json").write_text(json.dumps(config))
    (run / "results.json").write_text(json.dumps({"steps": [{"means": {"mIoU_all": None}}]}))
    (section,) = read_sections([run])
    assert section.title == "2-1 disjoint on unknown data"
    assert section.groups[0].means("mIoU_all") == [] and section.learned == {}


def test_every_folder_is_read_once(tmp_path, monkeypatch):
    runs = [write_run(tmp_path / str(i), [BASE], seed=i, lr=i % 3) for i in range(9)]
    read, text = [], type(tmp_path).read_text
    monkeypatch.setattr(
        type(tmp_path), "read_text", lambda path, **more: read.append(path) or text(path, **more)
    )
    (section,) = read_sections(runs)
    assert [len(group.runs) for group in section.groups] == [3, 3, 3]
    assert len(read) == len(set(read)) == 18


def test_the_legend_comes_in_the_order_of_the_file(run):
    assert read_legend(run) == []
    write_strip(run, 0, "one", [[0, 1]], [[1, 1]])
    write_legend(run, {"void": 255, "cat": 1})
    assert read_legend(run) == [("void", (224, 224, 192)), ("cat", (128, 0, 0))]
