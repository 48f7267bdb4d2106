import msgspec
import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.train.settings import (
    DpoSettings,
    Lora,
    Optimiser,
    Preference,
    Rows,
    Saving,
    Schedule,
    Size,
    Training,
)

WRONG: list[tuple[type[Record], dict[str, object], str]] = [
    (Optimiser, {"learning_rate": 0.0}, "learning_rate is 0.0; give a number above 0"),
    (Optimiser, {"learning_rate": float("nan")}, "learning_rate is nan"),
    (Optimiser, {"weight_decay": -0.1}, "weight_decay is -0.1; give 0 or more"),
    (Optimiser, {"betas": (0.9, 1.0)}, "betas is 1.0; give a share from 0 to below 1"),
    (Optimiser, {"epsilon": 0.0}, "epsilon is 0.0"),
    (Schedule, {"warmup": -1.0}, "warmup is -1.0"),
    (Schedule, {"warmup": 2.5}, "warmup is 2.5; give a share below 1 or a whole number"),
    (Schedule, {"name": "step", "decay": 1.5}, "decay is 1.5; give 0 to 1"),
    (Schedule, {"name": "cosine", "decay": 0.9}, "decay is 0.9 with the schedule 'cosine'"),
    (Schedule, {"name": "cosine", "final": 1.1}, "final is 1.1"),
    (Lora, {"rank": 0}, "rank is 0; give 1 or more"),
    (Lora, {"alpha": 0.0}, "alpha is 0.0"),
    (Lora, {"dropout": 1.0}, "dropout is 1.0"),
    (Lora, {"targets": ()}, "LoRA targets are (); name linear layers"),
    (Rows, {"batch": 0}, "batch is 0"),
    (Rows, {"micro": 0}, "micro is 0"),
    (Rows, {"passes": 0}, "passes is 0"),
    (Rows, {"updates": 0}, "updates is 0"),
    (Rows, {"max_tokens": 1}, "max_tokens is 1; give 2 or more"),
    (Rows, {"packing": True, "by_length": True}, "packing and by_length are both on"),
    (Saving, {"every": 0}, "every is 0"),
    (Saving, {"keep": 0}, "keep is 0"),
    (Training, {"clip": 0.0}, "clip is 0.0"),
    (Training, {"evaluate_every": 0}, "evaluate_every is 0"),
    (Training, {"seed": -1}, "seed is -1"),
    (Preference, {"beta": 0.0}, "beta is 0.0"),
    (Preference, {"label_smoothing": 0.5}, "label_smoothing is 0.5"),
    (Preference, {"name": "ipo", "label_smoothing": 0.1}, "label_smoothing is 0.1, but the loss is 'ipo'"),
    (Preference, {"gamma": 0.5}, "gamma is 0.5, but the loss is 'dpo'; only 'simpo' has it"),
    (Preference, {"name": "simpo", "gamma": -1.0}, "gamma is -1.0"),
    (Preference, {"stages": 0}, "stages is 0"),
    (Size, {"layers": 0}, "layers is 0"),
    (Size, {"vocabulary": 263}, "vocabulary is 263; give 264 or more"),
    (Size, {"hidden": 100, "heads": 4}, "hidden is 100 with 4 heads; give a multiple of 8"),
    (Size, {"heads": 4, "kv_heads": 3}, "kv_heads is 3 with 4 heads; give a divisor of 4"),
    (DpoSettings, {"preference": Preference(reference="adapter")}, "all weights are trained; set lora"),
]


@pytest.mark.parametrize(("kind", "fields", "message"), WRONG)
def test_a_wrong_setting_is_named(kind: type[Record], fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(**fields)
    assert message in str(caught.value)


def test_settings_survive_json() -> None:
    settings = DpoSettings(
        training=Training(
            optimiser=Optimiser("adafactor", 1e-3),
            schedule=Schedule("step", warmup=10, decay=0.85),
            lora=Lora(targets=("q_proj", "v_proj")),
            clip=1.0,
        ),
        preference=Preference("simpo", beta=2.0, gamma=0.5),
    )
    assert msgspec.json.decode(msgspec.json.encode(settings), type=DpoSettings) == settings


def test_a_wrong_value_in_json_is_refused_with_its_place() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"rank is 0.*\$\.lora"):
        msgspec.json.decode(b'{"lora":{"rank":0}}', type=Training)


@pytest.mark.parametrize(
    ("warmup", "updates", "expected"), [(0, 100, 0), (0.05, 100, 5), (0.05, 90, 5), (1, 50, 1), (20, 10, 20)]
)
def test_warmup_is_a_share_or_a_number(warmup: float, updates: int, expected: int) -> None:
    assert Schedule("linear", warmup=warmup).warmup_updates(updates) == expected


def test_an_adapter_can_be_the_reference() -> None:
    settings = DpoSettings(Training(lora=Lora()), Preference(reference="adapter"))
    assert settings.preference.needs_reference()


def test_simpo_needs_no_reference() -> None:
    settings = DpoSettings(Training(), Preference("simpo", reference="adapter"))
    assert not settings.preference.needs_reference()
