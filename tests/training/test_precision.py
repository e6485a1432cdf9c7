import warnings

import pytest
import torch

from avalanche_seg.training import SegmentationTemplate, precision, resolve_amp, sgd
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
        assert all(part in messages[0] for part in ("slower", "amp='off'", "amp='auto'"))


def test_full_precision_and_unknown_processors_say_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Precision("off", CPU)
        monkeypatch.delattr(torch.cpu, "get_capabilities")
        monkeypatch.setattr(precision, "_CPUINFO", tmp_path / "none")
        Precision("bf16", CPU)
        assert resolve_amp("auto", CPU) == "off"


@pytest.mark.parametrize("name", PROCESSORS)
def test_auto_takes_bf16_where_a_processor_has_it(name, monkeypatch):
    capabilities, native = PROCESSORS[name]
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = Precision("auto", CPU)
    assert chosen.amp == ("bf16" if "bf16" in native else "off")
    assert chosen.enabled == ("bf16" in native)


@pytest.mark.parametrize(
    ("line", "amp"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile", "bf16"),
        ("flags\t\t: fpu avx2 avx512f", "off"),
        ("Features\t: fp asimd asimdhp svebf16 bf16", "bf16"),
        ("Features\t: fp asimd", "off"),
        ("cpu\t\t: POWER9", "off"),
    ],
)
def test_an_older_torch_leaves_it_to_linux(line, amp, monkeypatch, tmp_path):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(precision, "_CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\nbugs\t: bf16\n")
    assert resolve_amp("auto", CPU) == amp


@pytest.mark.parametrize(
    ("available", "ampere", "amp"),
    [(True, True, "bf16"), (True, False, "fp16"), (False, False, "off")],
)
def test_auto_takes_what_a_gpu_has(available, ampere, amp, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: ampere)
    assert resolve_amp("auto", torch.device("cuda")) == amp
    assert resolve_amp("off", torch.device("cuda")) == "off"
    if available and not ampere:
        with pytest.warns(UserWarning, match="this GPU has no bf16 instructions"):
            Precision("bf16", torch.device("cuda"))


def test_other_devices_and_values():
    assert resolve_amp("auto", torch.device("meta")) == "off"
    with pytest.raises(ValueError, match="amp='half' is unknown; expected one of off, bf16, fp16"):
        resolve_amp("half", CPU)


def test_a_strategy_says_it_when_it_is_made(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    with pytest.warns(UserWarning, match="no bf16 instructions"):
        SegmentationTemplate(model=tiny_model(), optimizer=sgd(), evaluator=None, amp="bf16")
