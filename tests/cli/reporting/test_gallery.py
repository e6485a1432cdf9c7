import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.cli.reporting.command import main
from tests.cli.pages import Page, write_page
from tests.cli.runs import BASE, PALETTE, write_legend, write_run, write_strip


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(tmp_path / "FT", [BASE, BASE | {"bird": 0.5}]),
        write_run(tmp_path / "JOINT", [BASE | {"bird": 0.4}], method="JOINT", n_base=3),
    ]


def test_gallery_shows_every_steps_prediction_in_its_colours(runs, tmp_path):
    first, joint = runs
    for step, prediction in enumerate(([[0, 1]], [[3, 0]])):
        write_strip(first, step, "one", [[1, 255]], prediction)
    write_strip(joint, 0, "one", [[1, 255]], [[2, 2]])
    (first / "predictions" / "step0" / "broken.png").write_bytes(b"no picture")
    page = Page(write_page(tmp_path, *runs))

    def pixels(alt):
        data = page.images[alt].partition("base64,")[2]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    assert set(page.images) == {
        *("one: image", "one: truth", "one: prediction of JOINT"),
        *(f"one: prediction of FT after step {step}" for step in (0, 1)),
    }
    assert abs(pixels("one: image").astype(int) - 128).max() <= 2
    for alt, ids in (
        ("one: truth", [1, 255]),
        ("one: prediction of FT after step 0", [0, 1]),
        ("one: prediction of FT after step 1", [3, 0]),
        ("one: prediction of JOINT", [2, 2]),
    ):
        assert (pixels(alt)[0, [0, 8]] == PALETTE[ids]).all(), alt
    assert not Page(write_page(tmp_path, *runs, more=["--sample-num", "0"])).images


def test_the_legend_names_the_colours_of_the_pictures(tmp_path):
    run = write_run(tmp_path / "a", [BASE, BASE | {"<bird>": 0.5}])
    write_strip(run, 1, "one", [[5, 6]], [[0, 0]])
    write_legend(run, {"void": 255, "background": 0, "cat": 2, "dog": 6, "<bird>": 5})
    content = write_page(tmp_path, run)
    shown = re.findall(r'background:rgb\(([\d, ]+)\)"></span>([^<]*)<', content)
    expected = {"background": 0, "dog": 6, "&lt;bird&gt;": 5}
    assert {name: tuple(map(int, c.split(","))) for c, name in shown} == {
        name: tuple(PALETTE[i].tolist()) for name, i in expected.items()
    }


@pytest.mark.parametrize("colour", [3, [1, 2], [1, 2, "3"], None])
def test_a_legend_that_no_run_writes_is_named(tmp_path, capsys, colour):
    run = write_run(tmp_path / "a", [BASE])
    write_strip(run, 0, "one", [[0, 1]], [[1, 1]])
    legend = run / "predictions" / "classes.json"
    legend.write_text(json.dumps({"cat": colour}))
    assert main([str(run), "--output", str(tmp_path / "out.html")]) == 2
    assert f"error: {legend}: the colour of 'cat' is {colour!r}" in capsys.readouterr().err
