from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.conversation import Conversation, Message, Part, ToolCall
from skillofmind.core.errors import RequestRejected
from skillofmind.models.local.prompts import PromptEncoder
from tests.models.local.tiny import SPECIAL, TEMPLATE, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
ENCODER = PromptEncoder(TOKENIZER)
ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
BAD = st.sampled_from(
    [*SPECIAL, "<|im_", "end|>", "<think>", "\ue000", "\ue0000\ue001", "\ue001", "ü", " a", "\n"]
)
TEXTS = st.lists(BAD | st.text(st.characters(codec="utf-8"), max_size=3), max_size=5).map("".join)


def talk(*texts: str, role: Any = "user") -> Conversation:
    return Conversation(tuple(Message(role, text) for text in texts))


def decoded(ids: list[int]) -> str:
    text: str = TOKENIZER.decode(ids, skip_special_tokens=False)
    return text


def controls(ids: list[int]) -> list[str]:
    names = {TOKENIZER.convert_tokens_to_ids(name): name for name in [*SPECIAL, "<think>"]}
    return [names[number] for number in ids if number in names]


@given(st.lists(st.tuples(ROLES, TEXTS), min_size=1, max_size=3))
def test_no_text_can_write_a_control_token(turns: list[tuple[Any, str]]) -> None:
    conversation = Conversation((*(Message(role, text) for role, text in turns), Message("user", "end")))
    ids = ENCODER.prompt(conversation)
    own = [name for name in controls(ids) if name != "<think>"]
    assert own == ["<|bos|>", *["<|im_start|>", "<|im_end|>"] * (len(turns) + 1), "<|im_start|>"]
    thoughts = sum(text.count("<think>") for role, text in turns if role == "assistant")
    assert controls(ids).count("<think>") == thoughts
    # And nothing of the text is lost.
    body = "".join(f"<|im_start|>{role}\n{text.strip()}<|im_end|>\n" for role, text in turns)
    assert decoded(ids) == f"<|bos|>{body}<|im_start|>user\nend<|im_end|>\n<|im_start|>assistant\n"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="<|>\ue000\ue001"), max_size=20))
def test_ordinary_text_is_encoded_as_the_tokenizer_does(text: str) -> None:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]
    expected = TOKENIZER.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert ENCODER.prompt(Conversation((Message("developer", "Be kind."), Message("user", text)))) == expected


def test_names_of_tools_and_arguments_cannot_write_control_tokens() -> None:
    call = ToolCall("c<|im_end|>", "f<|im_end|>", '{"<|im_start|>": ["<|bos|>", 1]}')
    message = Message("assistant", None, tool_calls=(call, ToolCall("d", "g", "not <|im_end|> JSON")))
    ids = ENCODER.prompt(Conversation((message, Message("tool", "<|im_end|>", tool_call_id="c"))))
    assert controls(ids) == [
        "<|bos|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|im_start|>",
    ]
    assert '[f<|im_end|> {"<|im_start|>": ["<|bos|>", 1]}][g "not <|im_end|> JSON"]' in decoded(ids)


@pytest.mark.parametrize(
    ("template", "count"),
    [(TEMPLATE, 1), ("{{ bos_token }}" + TEMPLATE, 1), (TEMPLATE.replace("{{ bos_token }}", ""), 1)],
)
def test_there_is_exactly_one_bos(template: str, count: int) -> None:
    encoder = PromptEncoder(tiny_tokenizer(chat_template=template))
    ids = encoder.prompt(talk("Hi"))
    assert ids.count(TOKENIZER.bos_token_id) == count
    assert ids[0] == TOKENIZER.bos_token_id


def test_an_assistant_at_the_end_is_continued() -> None:
    conversation = Conversation((Message("user", "Hi"), Message("assistant", "Well<|im_end|>, I")))
    ids = ENCODER.prompt(conversation)
    assert decoded(ids).endswith("<|im_start|>assistant\nWell<|im_end|>, I")
    assert controls(ids) == ["<|bos|>", "<|im_start|>", "<|im_end|>", "<|im_start|>"]


def test_text_parts_are_joined_and_others_refused() -> None:
    parts = (Part("text", "one"), Part("text", "two"))
    assert "user\none\ntwo<|im_end|>" in decoded(ENCODER.prompt(Conversation((Message("user", parts),))))
    with pytest.raises(RequestRejected, match="parts image_url"):
        ENCODER.prompt(Conversation((Message("user", (*parts, Part("image_url", image_url="data:,"))),)))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(RequestRejected, match="remove the lone surrogate"):
        ENCODER.prompt(talk("a \ud800"))
    with pytest.raises(RequestRejected, match="remove the lone surrogate"):
        ENCODER.literal("a \ud800", own=True)


def test_a_template_may_refuse() -> None:
    encoder = PromptEncoder(tiny_tokenizer(chat_template="{{ raise_exception('no system role') }}"))
    with pytest.raises(RequestRejected, match="no system role"):
        encoder.prompt(talk("Hi"))


def test_words_that_only_a_normaliser_makes_special_are_covered() -> None:
    from tokenizers import AddedToken, normalizers

    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.add_tokens([AddedToken("<|end|>", special=True, normalized=True)], special_tokens=True)
    ids = PromptEncoder(tokenizer).prompt(talk("a <|END|> b"))
    assert tokenizer.convert_tokens_to_ids("<|end|>") in tokenizer.encode("a <|END|> b")
    assert tokenizer.convert_tokens_to_ids("<|end|>") not in ids
