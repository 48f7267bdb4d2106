import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.train.chat.tokenizer import prepare_tokenizer
from tests.train.chat.looking import made, talk
from tests.train.chat.styles import CHATML, LLAMA3, MISTRAL, NO_TEMPLATE, tokenizer


def test_without_a_pad_token_the_end_token_fills_up() -> None:
    found = tokenizer(MISTRAL)
    facts = prepare_tokenizer(found, len(found), chat=True)
    assert (facts.pad_id, facts.eos_id, facts.bos_id) == (1, 1, 0)
    assert found.pad_token_id == 1
    assert len(facts.template_hash) == 64


def test_a_pad_token_stays() -> None:
    facts = prepare_tokenizer(tokenizer(CHATML))
    assert (facts.pad_id, facts.eos_id, facts.bos_id) == (2, 1, None)


def test_without_an_end_token_the_fix_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no end token.*set tokenizer\.eos_token"):
        prepare_tokenizer(tokenizer(LLAMA3._replace(eos=None)))


def test_ids_beyond_the_embedding_are_an_error_that_names_both_sizes() -> None:
    found = tokenizer(CHATML)
    size = len(found)
    assert prepare_tokenizer(found, size + 64).size == size
    with pytest.raises(ConfigurationError, match=f"writes {size} ids.* has {size - 1} rows"):
        prepare_tokenizer(found, size - 1)
    found.add_tokens(["<more>"])
    with pytest.raises(ConfigurationError, match="resize the embedding"):
        prepare_tokenizer(found, size)


def test_messages_need_a_template_and_plain_texts_do_not() -> None:
    found = tokenizer(NO_TEMPLATE)
    with pytest.raises(ConfigurationError, match="no chat template"):
        prepare_tokenizer(found, chat=True)
    with pytest.raises(ConfigurationError, match="no chat template"):
        made(found, {"text": "Hi"}, {"messages": talk("a", "b")})
    prepared = made(found, {"text": "Hi"})
    assert (prepared.counts.stop, prepared.counts.template_hash) == ("<|end_of_text|>", "")
