"""The numbers of papers, as far as they can be checked by themselves."""

import pytest

from avalanche_seg.cli.options.methods import METHODS
from avalanche_seg.cli.recipes import RECIPES
from avalanche_seg.cli.reporting.published_results import PUBLISHED_RESULTS

N_OLD = {
    "15-5": 15, "15-5s": 15, "19-1": 19, "10-1": 10, "10-10": 10, "5-3": 5,
    "100-50": 100, "100-10": 100, "100-5": 100, "50-50": 50,
}  # fmt: skip


def test_every_line_is_of_a_method_here_and_adds_up():
    assert len(PUBLISHED_RESULTS) == 133
    assert len({(line.source.name, *vars(line).values()) for line in PUBLISHED_RESULTS}) == 133
    for line in PUBLISHED_RESULTS:
        assert line.method in METHODS
        n_old, n = N_OLD[line.task], {"voc": 20, "ade20k": 150}[line.dataset]
        if line.old is None:
            continue
        if line.source.background == "all":  # Then the background's own IoU is what is missing.
            background = (n + 1) * line.all - n_old * line.old - (n - n_old) * line.new
            assert 80 < background < 100, line
            continue
        background = int(line.source.background == "old and all")
        mean = ((n_old + background) * line.old + (n - n_old) * line.new) / (n + background)
        # The mean over all classes follows from the two others, up to rounding and misprints.
        misprint = (line.source.name[:6], line.task, line.method) == ("CFSSeg", "15-5s", "ILT")
        assert mean == pytest.approx(line.all, abs=4 if misprint else 0.8), line


def test_sources_name_recipes_that_are_here():
    assert {line.source.recipe for line in PUBLISHED_RESULTS} <= {*RECIPES, None}
    assert {line.setting for line in PUBLISHED_RESULTS} == {"overlapped", "disjoint", "sequential"}


def test_the_means_of_ours_are_of_the_classes_that_the_source_counts():
    groups = {line.source.background: line.source.groups for line in PUBLISHED_RESULTS}
    assert groups == {
        "nowhere": ("old", "new", "all"),
        "old and all": ("old with bg", "new", "all with bg"),
        "all": ("old", "new", "all with bg"),
        "not told": ("old", "new", "all"),
    }
