import json
from statistics import mean

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.cli.comparing import draw, main, markdown
from avalanche_seg.cli.reading import read_sections

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
    assert markdown(read_sections(runs)).splitlines()[2:] == [
        "| 15-5 overlapped | FT | 2 | 15.0 ± 7.1 | 40.0 ± 14.1 | 20.0 ± 7.1 |",
        "| 15-5 overlapped | MiB | 1 | 50.0 | 40.0 | 45.0 |",
    ]


def test_curves_are_averaged_step_by_step(runs):
    ours, _ = read_sections(runs)[0].groups
    assert [mean(ours.means("mIoU_all", step)) for step in (0, 1)] == pytest.approx([70.0, 20.0])


def test_rows_of_one_method_say_what_differs(tmp_path):
    folders = [
        write_run(tmp_path / str(lr), [(0.5, None, 0.5)], lr=lr, setting="overlapped")
        for lr in (0.1, 0.01)
    ]
    (section,) = read_sections(folders)
    assert [group.label for group in section.groups] == ["FT (lr 0.1)", "FT (lr 0.01)"]


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
    groups = read_sections(folders)[0].groups
    assert [group.label for group in groups] == ["SMiB (exemplars 5)", "SMiB (exemplars 25)"]
    assert [len(group.runs) for group in groups] == [2, 2]


def test_command_prints_the_table_and_draws(runs, tmp_path, capsys):
    picture = tmp_path / "out.png"
    assert main([*map(str, runs), "--out", str(picture)]) == 0
    assert "| 15-5 overlapped | MiB | 1 | 50.0 |" in capsys.readouterr().out
    assert np.asarray(Image.open(picture)).std() > 10


def test_unfinished_runs_are_not_averaged_with_finished_ones(runs, tmp_path):
    runs.append(write_run(tmp_path / "d", [(0.8, None, 0.8)], seed=2))
    with pytest.raises(ValueError, match="leave the unfinished one out"):
        read_sections(runs)


def test_data_sets_are_named_where_there_are_several(tmp_path):
    runs = [
        write_run(tmp_path / name, [(0.5, None, 0.5)], dataset="folder", data_root=f"x/{name}")
        for name in ("cats", "dogs")
    ]
    assert markdown(read_sections(runs)).splitlines()[2:] == [
        "| 15-5 overlapped on cats | FT | 1 | 50.0 | - | 50.0 |",
        "| 15-5 overlapped on dogs | FT | 1 | 50.0 | - | 50.0 |",
    ]
    assert markdown(read_sections(runs[:1])).splitlines()[2].startswith("| 15-5 overlapped | FT")


def test_undefined_means_and_names_like_formulas_are_drawn(tmp_path):
    runs = [
        write_run(tmp_path / method, [(None, None, None), (0.5, None, 0.5)], method=method)
        for method in ("$a$ | <b>", "JOINT")
    ]
    sections = read_sections(runs)
    assert markdown(sections).splitlines()[2] == (
        r"| 15-5 overlapped | $a$ \| <b> | 1 | 50.0 | - | 50.0 |"
    )
    draw(sections, tmp_path / "out.png")
    assert np.asarray(Image.open(tmp_path / "out.png")).std() > 10


def test_a_picture_that_cannot_be_written_is_an_error(runs, tmp_path, capsys):
    assert main([str(runs[0]), "--out", str(tmp_path / "no" / "out.png")]) == 2
    assert "error: " in capsys.readouterr().err
