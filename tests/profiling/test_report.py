import pytest

from profiling.report import Section, Target, main, markdown, targets_section

SECTION = Section(
    "Losses",
    "Ours against a naive one.",
    ["size", "ratio"],
    [["a|b", "2.0x"]],
    notes=["fp32"],
    targets=[Target("loss", 8, 9.5), Target("memory", 0.1, 0.2, at_least=False, unit="")],
)


def test_markdown_of_sections():
    assert markdown([SECTION, Section("Empty", "Failed.", [], [])]) == (
        "## Losses\n\nOurs against a naive one.\n\n"
        "| size | ratio |\n| --- | --- |\n| a\\|b | 2.0x |\n\n- fp32\n"
        "\n## Empty\n\nFailed.\n"
    )


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"section 'X': got a row of 1 cells, \['a'\]"):
        Section("X", "", ["one", "two"], [["a"]])


def test_targets_are_held_against_their_bounds():
    assert targets_section([SECTION]).rows == [
        ["loss", ">= 8x", "9.5x", "yes"],
        ["memory", "<= 0.1", "0.2", "no"],
    ]


def test_a_target_may_show_its_spread():
    target = Target("loss", 8, 9.5, text="9.5x (9.1 to 9.8)")
    assert target.row() == ["loss", ">= 8x", "9.5x (9.1 to 9.8)", "yes"]


def test_the_command_of_a_script(capsys):
    asked = []

    def measure(*, quick=False):
        asked.append(quick)
        return [SECTION]

    main(measure, ["--quick"])
    printed = capsys.readouterr().out
    assert asked == [True]
    assert "torch " in printed
    assert "## Targets" in printed
    assert "## Losses" in printed
