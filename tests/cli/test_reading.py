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
    ('{"peak_memory": 3, "steps": [{"means": {}}]}', ": peak_memory is 3"),
    ('{"peak_memory": {"gpu": "x"}, "steps": [{"means": {}}]}', ": peak_memory is {'gpu': 'x'}"),
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


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_args": []}, "model_args is []; expected an object"),
        ({"model_args": "head=3x3"}, "model_args is 'head=3x3'; expected an object"),
        ({"lr": "fast"}, "lr is 'fast'; expected a number"),
        ({"lr": 10**400}, "; expected a number"),
        ({"epochs": 1.5}, "epochs is 1.5; expected a whole number"),
        ({"strict": "no"}, "strict is 'no'; expected true or false"),
        ({"metrics": [1]}, "metrics is [1]; expected a list of names"),
        ({"loggers": {}}, "loggers is {}; expected a list of names"),
        ({"backbone": ["resnet18"]}, "backbone is ['resnet18']; expected text"),
    ],
)
@pytest.mark.parametrize("main", [compare, report])
def test_settings_of_another_kind_end_in_one_sentence(
    tmp_path, monkeypatch, capsys, main, config, message
):
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path / "a", [BASE], **config)
    assert main([str(run)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {run / 'config.json'}: ") and error.count("\n") == 1
    assert message in error


@pytest.mark.parametrize("main", [compare, report])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"steps": [{"step": 1, "means": {}}]}', "it is step 1, so an earlier one is missing"),
        ('{"steps": [{"means": {}}, {"step": 3, "means": {}}]}', "step 1: it is step 3, so"),
        ('{"steps": [{"means": {"mIoU_all": true}}]}', "means of 'mIoU_all' is True"),
        (f'{{"steps": [{{"means": {{"x": 1{"0" * 400}}}}}]}}', "no number"),
        ('{"steps": [{"means": {}, "iou": {"\\ud800": 0.5}}]}', "cannot be read"),
    ],
)
def test_results_that_nothing_can_be_made_of(
    run, tmp_path, monkeypatch, capsys, main, content, message
):
    monkeypatch.chdir(tmp_path)
    (run / "results.json").write_text(content)
    assert main([str(run)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {run / 'results.json'}") and error.count("\n") == 1
    assert message in error


@pytest.fixture
def suite(tmp_path):
    """Two seeds of two methods; one run is unfinished, one has no results yet."""
    folder = tmp_path / "suite"
    whole = [BASE, BASE | {"dog": 0.5}]
    for method in ("MiB", "FT"):
        for seed in (0, 1):
            write_run(folder / "runs" / f"{method}{seed}", whole, method=method, seed=seed)
    write_run(folder / "runs" / "FT2", whole[:1], seed=2)
    begun = write_run(folder / "runs" / "FT3", whole, seed=3)
    (begun / "results.json").unlink()
    (folder / "suite.json").write_text("{}")
    return folder


def test_a_suite_stands_for_its_runs_that_have_results(suite):
    with pytest.warns(UserWarning, match=r"FT2 is left out: it has 1 steps, 1 fewer than"):
        (section,) = read_sections([suite])
    assert [group.label for group in section.groups] == ["FT", "MiB"], "in the order of --help"
    assert [[run.name for run in group.runs] for group in section.groups] == [
        ["FT0", "FT1"], ["MiB0", "MiB1"],
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*is left out")
def test_a_suite_and_one_of_its_runs_count_once(suite, tmp_path):
    alone = write_run(tmp_path / "alone", [BASE, BASE | {"dog": 0.5}], seed=4)
    (section,) = read_sections([suite, suite / "runs" / "FT0", alone])
    assert [run.name for run in section.groups[0].runs] == ["FT0", "FT1", "alone"]


def test_a_run_of_a_suite_that_is_named_must_be_finished(suite):
    with pytest.raises(ValueError, match="leave the unfinished one out"):
        read_sections([suite / "runs" / "FT2", suite / "runs" / "FT0"])


@pytest.mark.parametrize("main", [compare, report])
def test_a_suite_without_results_is_refused(tmp_path, monkeypatch, capsys, main):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.json").write_text("{}")
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path} is a suite without a run that has results")


@pytest.mark.parametrize("main", [compare, report])
@pytest.mark.filterwarnings("ignore:.*is left out")
def test_a_damaged_run_of_a_suite_is_named(suite, monkeypatch, tmp_path, capsys, main):
    monkeypatch.chdir(tmp_path)
    results = suite / "runs" / "FT1" / "results.json"
    results.write_text("{")
    assert main([str(suite)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {results} cannot be read")
