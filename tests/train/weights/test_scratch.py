import hashlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed; pip install 'skillofmind[train]'")

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import ConfigurationError, StorageError
from skillofmind.models.local import LocalModel
from skillofmind.train.settings import Size
from skillofmind.train.weights.scratch import END, PAD, make_folder, make_network, make_tokenizer

SIZE = Size(hidden=16, layers=2, heads=2, kv_heads=1, inner=32, vocabulary=320, context=128)
TEXTS = [
    "I want them to feel heard. [RESULT SKILL] Empathy",
    "I have to look that up. [RESULT SKILL] Knowledge Searching",
    "Hello there, how are you today? I am well, thank you, and how are you?",
] * 3
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello <|im_end|>?"},
    {"role": "assistant", "content": "I am well. [RESULT SKILL] Empathy"},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("made") / "tiny", TEXTS, SIZE, seed=0)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_inputs_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)
    again = make_folder(tmp_path / "tiny", iter(TEXTS), SIZE, seed=0)
    assert digests(again) == digests(folder)
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} <= {
        *digests(folder)
    }


def test_another_seed_changes_the_weights_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    other = digests(make_folder(tmp_path / "tiny", TEXTS, SIZE, seed=1))
    assert {name for name, digest in digests(folder).items() if other[name] != digest} == {
        "model.safetensors"
    }


def test_making_weights_leaves_the_generator_alone(tokenizer: Any) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    make_network(tokenizer, SIZE, seed=0)
    assert torch.equal(torch.rand(3), expected)


def test_the_network_has_the_size_asked_for(folder: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(folder)
    config = network.config
    assert (config.hidden_size, config.num_hidden_layers, config.intermediate_size) == (16, 2, 32)
    assert (config.num_attention_heads, config.num_key_value_heads) == (2, 1)
    assert (config.max_position_embeddings, config.tie_word_embeddings) == (128, True)
    assert network.get_input_embeddings().weight.shape[0] == config.vocab_size <= 320


def test_every_text_survives_the_tokenizer(tokenizer: Any) -> None:
    for text in ("[RESULT SKILL] Empathy", "naïve 안녕 🙂 \t x\n\ny", " two  spaces , kept ."):
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer.encode("no hidden bos")[0] != tokenizer.bos_token_id


def test_the_marker_and_the_roles_are_short(tokenizer: Any) -> None:
    assert len(tokenizer.encode(" [RESULT SKILL]")) <= 4
    assert [len(tokenizer.encode(role)) for role in ("system", "user", "assistant")] == [1, 1, 1]


def test_the_template_marks_what_the_assistant_wrote_with_its_end(tokenizer: Any) -> None:
    out = tokenizer.apply_chat_template(CHAT, return_dict=True, return_assistant_tokens_mask=True)
    trained = [i for i, mark in zip(out["input_ids"], out["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(trained) == "I am well. [RESULT SKILL] Empathy<|im_end|>"
    assert out["input_ids"].count(tokenizer.bos_token_id) == 1


def test_a_prompt_is_the_beginning_of_the_whole_chat(tokenizer: Any) -> None:
    prompt = tokenizer.apply_chat_template(CHAT[:2], add_generation_prompt=True, return_dict=False)
    whole = tokenizer.apply_chat_template(CHAT, return_dict=False)
    assert whole[: len(prompt)] == prompt
    assert "Be brief." in tokenizer.decode(prompt)


def test_few_texts_give_a_small_vocabulary_and_many_fill_it() -> None:
    few = make_tokenizer(["a"], Size(vocabulary=4096))
    assert 260 <= len(few) < 270  # 256 bytes, 4 control tokens, and what the names of the roles share
    words = [f"{a}{b}{c}" for a in "abcdefg" for b in "hijklmn" for c in "opqrstu"]
    assert len(make_tokenizer(words * 2, Size(vocabulary=300))) == 300


def test_ends_and_padding_are_told_apart(tokenizer: Any) -> None:
    assert (tokenizer.eos_token, tokenizer.pad_token) == (END, PAD)
    network = make_network(tokenizer, SIZE, seed=0)
    assert network.generation_config.eos_token_id == tokenizer.convert_tokens_to_ids(END)
    assert network.generation_config.pad_token_id == tokenizer.convert_tokens_to_ids(PAD)


async def test_a_local_model_answers_with_it(folder: Path) -> None:
    async with LocalModel(folder) as model:
        talk = Conversation((Message("system", "Be brief."), Message("user", "Hello?")))
        completion = await model.generate(talk, Sampling(temperature=0.0, max_tokens=4))
    assert completion.usage.completion_tokens == 4 or completion.stop == "stop"


def test_a_folder_that_is_there_is_not_touched(folder: Path) -> None:
    before = digests(folder)
    with pytest.raises(ConfigurationError, match="is there already"):
        make_folder(folder, TEXTS, SIZE, seed=5)
    assert digests(folder) == before


def test_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no text to train a tokenizer on"):
        make_folder(tmp_path / "tiny", [], SIZE, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("transformers.PreTrainedTokenizerFast.save_pretrained", full)
    with pytest.raises(StorageError, match="disk is full"):
        make_folder(tmp_path / "tiny", TEXTS, SIZE, seed=0)
    assert list(tmp_path.iterdir()) == []
