"""A metric that no confusion matrix gives, from the evaluation to the last page."""

import csv
import json

import torch

from avalanche_seg.cli import comparing
from avalanche_seg.cli.running.run_folder import RunFolder, table
from avalanche_seg.metrics import MeanIoU, RunReport
from tests.cli.pages import Page, write_page
from tests.cli.runs import CONFIG
from tests.metrics.made_up import ShareOfWhite
from tests.metrics.test_mean_iou import evaluate, fake_strategy, random_batches


def test_a_made_up_metric_reaches_every_file_and_page(tmp_path, capsys):
    iou, report = MeanIoU(metrics=[ShareOfWhite()]), RunReport()
    for step, n_white in enumerate((3, 6)):
        strategy = fake_strategy(*random_batches(seed=step), step=step)
        strategy.mb_x = torch.zeros(2, 3, 1, 2, dtype=torch.uint8)
        strategy.mb_x.view(-1)[:n_white] = 255
        evaluate(iou, strategy)
        report.add(iou.report(step))
    assert "share_of_white: 0.250, 0.500" in table(report.steps)

    folder = RunFolder(str(tmp_path), "run", "unused")
    folder.write_json("config.json", CONFIG)
    folder.write_json("results.json", report.as_dict())
    folder.write_metrics(report, "test")
    results = json.loads((folder.path / "results.json").read_text())
    assert [step["means"]["share_of_white"] for step in results["steps"]] == [0.25, 0.5]
    rows = list(csv.DictReader((folder.path / "metrics.csv").open()))
    assert [r["value"] for r in rows if r["metric"] == "share_of_white"] == ["0.25", "0.5"]

    assert comparing.main([str(folder.path), "--out", str(tmp_path / "out.png")]) == 0
    head, _, line = (row for row in capsys.readouterr().out.splitlines() if row[:1] == "|")
    assert "| share_of_white |" in head and "| 0.500 |" in line
    summary = Page(write_page(tmp_path, folder.path)).tables["mIoU in percent after the last step"]
    assert summary[1][summary[0].index("share_of_white")] == "0.500"
