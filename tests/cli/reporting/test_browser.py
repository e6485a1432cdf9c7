"""The page in a real browser without a network."""

import os
import re
import shutil
import subprocess

import pytest

from avalanche_seg.cli.reporting.command import main
from tests.cli.runs import write_run, write_strip

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Not in the product: a copy of the page counts its own pictures.
COUNT = """<script>addEventListener("load", () => {
  const images = [...document.images];
  const wide = document.documentElement.scrollWidth > innerWidth;
  const broken = images.filter((image) => !image.naturalWidth).length;
  document.title = `${images.length} images, ${broken} broken${wide ? ", too wide" : ""}`;
});</script>"""


@pytest.fixture(scope="module")
def browser():
    found = [path for path in map(shutil.which, BROWSERS) if path]
    if not found:
        if os.environ.get("CI") and not os.environ.get("NO_BROWSER"):
            pytest.fail(f"none of {', '.join(BROWSERS)} is here; install one, or set NO_BROWSER=1")
        pytest.skip("no Chromium")
    return found[0]


def open_page(browser, page, tmp_path):
    """The document after loading and the lines of the console."""
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--enable-logging=stderr", "--v=0", "--window-size=500,800"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--virtual-time-budget=5000", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def page(tmp_path):
    first, then = {"background": 0.9, "cat": 0.8}, {"background": 0.9, "cat": 0.3, "dog": 0.5}
    runs = [write_run(tmp_path / m, [first, then], method=m, task="1-1") for m in ("FT", "MiB")]
    for run in runs:
        for step in (0, 1):
            write_strip(run, step, "one", [[0, 1]], [[1, 1]])
    path = tmp_path / "report.html"
    assert main([*map(str, runs), "--output", str(path)]) == 0
    return path


def test_it_renders_without_errors_and_without_network(browser, page, tmp_path):
    shown, console = open_page(browser, page, tmp_path)
    assert console == []
    assert "1-1 overlapped on voc" in shown
    assert re.search(r"<td[^>]*>30</td>", shown)
    # The browser closes what was left open; a well-formed page comes back with as many elements.
    content = page.read_text(encoding="utf-8")
    for name in ("table", "tr", "td", "svg", "figure", "details"):
        assert len(re.findall(f"<{name}[ >]", shown)) == len(re.findall(f"<{name}[ >]", content))


def test_its_pictures_load_and_it_fits_a_narrow_screen(browser, page, tmp_path):
    page.write_text(page.read_text(encoding="utf-8") + COUNT, encoding="utf-8")
    shown, console = open_page(browser, page, tmp_path)
    assert console == []
    assert "<title>6 images, 0 broken</title>" in shown


def test_a_broken_page_would_be_noticed(browser, page, tmp_path):
    broken = '<img src="http://example.org/a.png"><script>console.error("oh")</script>'
    page.write_text(page.read_text(encoding="utf-8") + broken + COUNT, encoding="utf-8")
    shown, console = open_page(browser, page, tmp_path)
    assert "<title>7 images, 1 broken</title>" in shown
    assert any("oh" in line for line in console)
