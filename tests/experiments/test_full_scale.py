"""The suites of published tables, their cost, and their results beside the published ones."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from avalanche_seg.models import BiSeNet
from experiments.full_scale import SUITES, cost_of, lines_of, results_of, runs_of
from profiling.cost import PEAK
from tests.cli.runs import write_run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_runs_every_published_line_of_its_source_with_its_settings(suite):
    runs = [run.options for run in runs_of(ROOT / suite)]
    (recipe,) = {run.recipe for run in runs}
    wanted = {
        (line.method, line.task, line.exemplars, "" if line.method == "JOINT" else line.setting)
        for method in {run.method for run in runs}
        for line in lines_of(method)
        if line.source.recipe == recipe
    }
    had = {
        (run.method, run.task, run.exemplars, "" if run.method == "JOINT" else run.setting)
        for run in runs
    }
    assert wanted <= had
    assert all(run.dataset == "voc" and run.weights == "imagenet" for run in runs)


def test_names_of_the_runs_are_short_and_their_number_is_the_tables():
    table, report = (runs_of(ROOT / suite) for suite in SUITES)
    assert (len(table), len(report)) == (50, 15)
    assert "MiB_15-5s_disjoint_s42" in {run.name for run in table}
    assert "SMiB+25_15-5_overlapped_s44" in {run.name for run in report}


def suite(tmp_path, text):
    path = tmp_path / "suite.toml"
    path.write_text(f'dataset = "voc"\nrecipe = "smib-paper"\nepochs = 2\n{text}')
    return path


def test_flops_are_those_of_the_iterations(tmp_path):
    cost = cost_of(suite(tmp_path, 'task = "15-5"\nmethod = "MiB"\n'))
    iterations = 9568 // 32 * 2, 2145 // 32 * 2
    assert (cost.n_runs, cost.n_first_steps, cost.iterations) == (1, 1, sum(iterations))
    model = BiSeNet("resnet50")
    model.grow(21)
    images = torch.zeros(1, 3, 320, 320)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(images)
    forward = counter.get_total_flops()
    images = 32 * sum(iterations)
    # The backward pass of a convolution is twice its forward pass, but for the images' gradient.
    expected = forward * (3 * images + 32 * iterations[1] + 2 * 1449)
    assert cost.flops == pytest.approx(expected, rel=0.02)
    assert cost.alone == cost.flops and not cost.float32
    low, high = cost.hours(cost.flops)
    assert low == pytest.approx(cost.flops / (0.3 * PEAK) / 3600) and high == pytest.approx(3 * low)


def test_a_first_step_that_runs_share_is_counted_once(tmp_path):
    methods = 'task = ["15-5", "15-5s"]\nmethod = ["FT", "MiB", "EWC"]\n'
    cost = cost_of(suite(tmp_path, methods))
    assert (cost.n_runs, cost.n_first_steps) == (6, 2), "FT's for MiB, in both tasks; EWC's own"
    later = sum(n // 32 for n in (2145, 487, 299, 491, 500, 548))
    assert cost.iterations == 2 * (2 * (9568 // 32) + 3 * later)
    assert cost.flops < cost.alone


def test_exemplars_join_the_images_of_their_step(tmp_path):
    text = 'task = "15-5"\nmethod = "SMiB"\nexemplars_size = '
    few, many = (cost_of(suite(tmp_path, f"{text}{n}\n")).iterations for n in (0, 100))
    assert many - few == 2 * ((2145 + 1500) // 32 - 2145 // 32)


def test_float32_has_half_the_peak(tmp_path):
    cost = cost_of(suite(tmp_path, 'amp = "off"\ntask = "15-5"\nmethod = "FT"\n'))
    assert cost.hours(3600 * PEAK)[1] == pytest.approx(20.0)


FIRST = {"background": 0.9} | {f"c{i}": 0.6 for i in range(15)}
THEN = FIRST | {f"c{i}": 0.4 for i in range(15, 20)}


def test_results_stand_beside_their_published_lines(tmp_path):
    settings = {"task": "15-5", "method": "MiB", "lr": 0.01, "train_void": "background"}
    settings |= {"model": "deeplabv3", "backbone": "resnet101"}
    for seed in (0, 1):
        write_run(tmp_path / f"runs/MiB{seed}", [FIRST, THEN], seed=seed, **settings)
    write_run(tmp_path / "runs/LWF", [FIRST], **(settings | {"method": "LWF"}))
    write_run(tmp_path / "runs/FT", [FIRST, THEN], dataset="synthetic", task="15-5")
    (tmp_path / "suite.json").write_text("{}")
    rows = results_of([tmp_path])
    assert [row["source"] for row in rows] == [
        "MiB, Table 1",
        "MiB, printed by PLOP",
        "SMiB report",
    ]
    assert rows[0]["ours"] == ["60.0 ± 0.0", "40.0 ± 0.0", "55.0 ± 0.0"]
    assert rows[0]["theirs"] == ["75.5", "49.4", "69.0"]
    assert (rows[0]["differs"], rows[0]["seeds"]) == ([], 2)
    assert "lr 0.01, there 0.005" in rows[2]["differs"]
