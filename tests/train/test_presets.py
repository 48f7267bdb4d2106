import subprocess
import sys

import msgspec
import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.train.presets import PRESETS, Preset, preset
from skillofmind.train.settings import Lora, Optimiser, Rows, Schedule

BASES = {
    "thanos-1b": "Llama-3.2-1B-Instruct",
    "thanos-3b": "Llama-3.2-3B-Instruct",
    "thanos-8b": "Llama-3.1-8B-Instruct",
}


@pytest.mark.parametrize("name", BASES)
def test_the_thanos_presets_hold_the_values_of_the_paper(name: str) -> None:
    one = preset(name)
    training = one.training
    assert one.base == BASES[name]
    assert one.size is None
    assert training.optimiser == Optimiser("adamw", 1e-5, 0.0, (0.9, 0.999), 1e-8)
    assert training.schedule == Schedule("step", warmup=0, decay=0.85)
    assert training.lora == Lora(
        rank=256,
        alpha=256,
        dropout=0.05,
        targets=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
        rslora=False,
    )
    assert training.rows == Rows(
        batch=64, micro=8, passes=3, max_tokens=8192, over_length="error", packing=False, by_length=True
    )
    assert (training.precision, training.clip, training.recompute) == ("bf16", None, True)
    assert (training.evaluate_every, training.seed) == (None, 42)


def test_the_laptop_preset_makes_its_own_model_and_trains_all_of_it() -> None:
    one = preset("laptop")
    assert one.base is None
    assert one.size is not None
    assert one.training.lora is None
    assert one.training.rows.max_tokens <= one.size.context


@pytest.mark.parametrize("one", PRESETS.values(), ids=PRESETS)
def test_a_preset_has_a_model_a_source_and_survives_json(one: Preset) -> None:
    assert (one.base is None) == (one.size is not None)
    assert one.preference.training.lora is None or one.base is not None
    assert PRESETS[one.name] is one
    assert any(word in one.description for word in ("arXiv", "this project", "tools agree"))
    assert msgspec.json.decode(msgspec.json.encode(one), type=Preset) == one


def test_an_unknown_preset_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="preset 'thanos1b' is unknown; did you mean 'thanos-1b'"):
        preset("thanos1b")
    with pytest.raises(ConfigurationError, match="there are laptop, lora, thanos-1b, thanos-3b, thanos-8b"):
        preset("x")


def test_presets_and_settings_need_no_torch() -> None:
    code = (
        "import sys, skillofmind.train.presets, skillofmind.train.settings;"
        "sys.exit(len({'torch', 'transformers', 'numpy', 'peft'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
