"""What every method was checked against: the tests, their tolerances, the original trainer."""

from typing import NamedTuple

__all__ = ["CHECKS", "FORMULA_TOLERANCE", "LOOP_TOLERANCE", "MethodChecks"]

LOOP_TOLERANCE = "1e-8"
"""Relative, of weights after three steps, both in double precision."""
FORMULA_TOLERANCE = "1e-6"
"""Relative, of values in double precision."""

_METHODS = "tests/strategies/test_methods.py"
_DISTILLATION = f"{_METHODS}::test_distillation_methods_with_their_published_weights"
_PENALTY = f"{_METHODS}::test_penalty_methods_with_their_published_weights"
_PLOP = "tests/strategies/test_plop.py"
_CE, _UNCE = "tests/losses/test_cross_entropy.py", "tests/losses/test_unbiased_cross_entropy.py"
_UNKD, _KD = "tests/losses/test_distillation.py", "tests/losses/test_other_distillations.py"
_INIT, _IMPORTANCE = (
    "tests/models/test_balanced_init.py",
    "tests/plugins/importance/test_statistics.py",
)
_POD, _PSEUDO = "tests/losses/test_pod.py", "tests/losses/test_pseudo_labels.py"
_BCE, _FUSION = "tests/losses/test_binary.py", "tests/models/test_fusion.py"
_UNKNOWN, _EXTRA = "tests/losses/test_unknown.py", "tests/models/test_extra_init.py"
_MIB = (_UNCE, _UNKD, _INIT)
_PLOP_PARTS = (_CE, _POD, _PSEUDO, _INIT)
# In MiB's code, by a reference written from the description of these methods alone, before the
# methods here were: three steps, batch norm, Nesterov, poly schedule.
_TRAINER, _TRAINER_MC = "weights to 1e-15", "weights to 1e-8"


class MethodChecks(NamedTuple):
    """What a method was checked against.

    Attributes:
        loop: the test of three steps beside a plain PyTorch loop written from the formulas, a test
            as pytest names it; None where there is none, for ``instead``.
        formulas: test files of its parts beside naive formulas.
        trainer: how near a reference from the formulas comes to the weights of the authors'
            trainer; None where that was not run.
        instead: of a loop.
    """

    loop: str | None
    formulas: tuple[str, ...]
    trainer: str | None = None
    instead: str = ""


CHECKS = {
    "FT": MethodChecks(_DISTILLATION, (_CE,), _TRAINER),
    "LWF": MethodChecks(_DISTILLATION, (_CE, _KD), _TRAINER),
    "LWF-MC": MethodChecks(_DISTILLATION, (_BCE, _KD), _TRAINER_MC),
    "ILT": MethodChecks(_DISTILLATION, (_CE, _KD, "tests/losses/test_features.py"), _TRAINER),
    "EWC": MethodChecks(_PENALTY, (_CE, _IMPORTANCE), _TRAINER),
    "RW": MethodChecks(_PENALTY, (_CE, _IMPORTANCE), _TRAINER),
    "PI": MethodChecks(_PENALTY, (_CE, _IMPORTANCE), _TRAINER),
    "MiB": MethodChecks(_DISTILLATION, _MIB, _TRAINER),
    "SMiB": MethodChecks(f"{_METHODS}::test_smib_with_its_memory", (_CE, _UNKD, _INIT)),
    "JOINT": MethodChecks(None, (_CE,), instead="FT's loop at step 0 is its training"),
    "PLOP": MethodChecks(f"{_PLOP}::test_plop_with_its_published_weights", _PLOP_PARTS),
    "EWF": MethodChecks(f"{_PLOP}::test_ewf_with_its_published_weights", (*_MIB, _FUSION)),
    "EWF-PLOP": MethodChecks(
        f"{_PLOP}::test_ewf_with_its_published_weights", (*_PLOP_PARTS, _FUSION)
    ),
    "LGKD": MethodChecks(
        f"{_PLOP}::test_lgkd_with_its_default_weights",
        (*_PLOP_PARTS, "tests/losses/test_label_guided.py"),
    ),
    "SSUL": MethodChecks(
        "tests/strategies/test_ssul.py::test_three_steps_end_with_the_weights_of_the_plain_loop",
        (_BCE, _UNKNOWN, _EXTRA),
    ),
    "SSUL-M": MethodChecks(
        "tests/strategies/test_ssul.py::test_with_a_memory_too", (_BCE, _UNKNOWN, _EXTRA)
    ),
    "DKD": MethodChecks(
        "tests/strategies/test_dkd.py::test_three_steps_end_with_the_weights_of_the_plain_loop",
        ("tests/losses/test_decomposed.py", _EXTRA),
    ),
    "DKD-M": MethodChecks(
        "tests/strategies/test_dkd.py::test_with_a_memory_too",
        ("tests/losses/test_decomposed.py", _EXTRA),
    ),
    "DFT": MethodChecks("tests/strategies/test_dft.py::test_against_the_plain_loop", (_CE,)),
}
"""By method, as on the command line."""
