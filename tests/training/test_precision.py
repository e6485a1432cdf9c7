import warnings

import pytest
import torch

from avalanche_seg.training import SegmentationTemplate, sgd
from avalanche_seg.training.precision import Precision, has_instructions
from tests.tiny import tiny_model

CPU = torch.device("cpu")
# What torch.cpu.get_capabilities() gives on processors of several kinds, shortened.
PROCESSORS = {
    "Haswell": ({"avx2": True, "avx512_f": False, "avx512_bf16": False}, set()),
    "Skylake-X": ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, set()),
    "Zen 4": ({"avx512_f": True, "avx512_bf16": True, "amx_bf16": False}, {"bf16"}),
    "Sapphire Rapids": (
        {"avx512_bf16": True, "amx_bf16": True, "avx512_fp16": True, "amx_fp16": False},
        {"bf16", "fp16"},
    ),
    "Neoverse N1": ({"neon": True, "fp16_arith": True, "bf16": False}, {"fp16"}),
    "Neoverse V1": ({"neon": True, "fp16_arith": True, "bf16": True}, {"bf16", "fp16"}),
}


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_a_processor_that_emulates_is_told_of(name, amp, monkeypatch):
    capabilities, native = PROCESSORS[name]
    assert has_instructions(amp, capabilities) == (amp in native)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        Precision(amp, CPU)
    messages = [str(w.message) for w in said if "instructions" in str(w.message)]
    assert len(messages) == (amp not in native)
    if messages:
        assert f"amp={amp!r}: this processor has no {amp} instructions" in messages[0]
        assert "slower" in messages[0] and "amp='off'" in messages[0]


def test_full_precision_and_unknown_processors_say_nothing(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Precision("off", CPU)
        monkeypatch.delattr(torch.cpu, "get_capabilities")
        Precision("bf16", CPU)


def test_a_strategy_says_it_when_it_is_made(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    with pytest.warns(UserWarning, match="no bf16 instructions"):
        SegmentationTemplate(model=tiny_model(), optimizer=sgd(), evaluator=None, amp="bf16")
