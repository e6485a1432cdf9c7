import json

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.cli.comparing import main, markdown, read_runs

CONFIG = {"method": "FT", "task": "15-5", "setting": "overlapped", "method_options": {}, "lr": 0.1}


def write_run(folder, means, *, seed=0, **config):
    folder.mkdir(parents=True)
    settings = {**CONFIG, "random_seed": seed, "name": folder.name, **config}
    (folder / "config.json").write_text(json.dumps(settings))
    steps = [
        {"means": dict(zip(("mIoU_old", "mIoU_new", "mIoU_all"), step, strict=True))}
        for step in means
    ]
    (folder / "results.json").write_text(json.dumps({"steps": steps}))
    return folder


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(tmp_path / "a", [(0.8, None, 0.8), (0.1, 0.3, 0.15)], seed=0),
        write_run(tmp_path / "b", [(0.6, None, 0.6), (0.2, 0.5, 0.25)], seed=1),
        write_run(tmp_path / "c", [(0.8, None, 0.8), (0.5, 0.4, 0.45)], method="MiB"),
    ]


def test_runs_that_differ_in_their_seed_share_a_line(runs):
    assert markdown(read_runs(runs)).splitlines()[2:] == [
        "| 15-5 overlapped | FT | 2 | 15.0 ± 7.1 | 40.0 ± 14.1 | 20.0 ± 7.1 |",
        "| 15-5 overlapped | MiB | 1 | 50.0 | 40.0 | 45.0 |",
    ]


def test_curves_are_averaged_step_by_step(runs):
    assert read_runs(runs)[0].by_step() == pytest.approx([70.0, 20.0])


def test_rows_of_one_method_say_what_differs(tmp_path):
    folders = [
        write_run(tmp_path / str(lr), [(0.5, None, 0.5)], lr=lr, setting="overlapped")
        for lr in (0.1, 0.01)
    ]
    assert [row.label for row in read_runs(folders)] == ["FT (lr 0.1)", "FT (lr 0.01)"]


def test_a_methods_own_options_tell_rows_apart_but_not_its_seed(tmp_path):
    folders = [
        write_run(
            tmp_path / f"{size}{seed}",
            [(0.5, None, 0.5)],
            seed=seed,
            method="SMiB",
            exemplars=size,
            method_options={"n_exemplars": size, "seed": seed},
        )
        for size in (5, 25)
        for seed in (0, 1)
    ]
    rows = read_runs(folders)
    assert [row.label for row in rows] == ["SMiB (exemplars 5)", "SMiB (exemplars 25)"]
    assert [len(row.runs) for row in rows] == [2, 2]


def test_command_prints_the_table_and_draws(runs, tmp_path, capsys):
    picture = tmp_path / "out.png"
    assert main([*map(str, runs), "--out", str(picture)]) == 0
    assert "| 15-5 overlapped | MiB | 1 | 50.0 |" in capsys.readouterr().out
    assert np.asarray(Image.open(picture)).std() > 10


@pytest.mark.parametrize("content", [None, "{", ""])
def test_a_folder_without_results_is_named(runs, tmp_path, capsys, content):
    results = runs[0] / "results.json"
    results.unlink() if content is None else results.write_text(content)
    assert main([*map(str, runs), "--out", str(tmp_path / "out.png")]) == 2
    assert f"error: {results} cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_unfinished_runs_are_not_averaged_with_finished_ones(runs, tmp_path):
    runs.append(write_run(tmp_path / "d", [(0.8, None, 0.8)], seed=2))
    with pytest.raises(ValueError, match="leave the unfinished one out"):
        read_runs(runs)
