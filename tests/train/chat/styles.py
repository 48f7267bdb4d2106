"""Chat templates of the usual styles, each with a small byte-level tokenizer that has its special tokens."""

from functools import cache
from typing import Any, NamedTuple

from tests.models.local.tiny import SENTENCES


class Style(NamedTuple):
    template: str | None
    special: tuple[str, ...]
    eos: str | None
    bos: str | None = None
    pad: str | None = None
    added: tuple[str, ...] = ()
    writes_bos: bool = False
    breaks_apart: bool = False
    """Line breaks stay apart from the words after them, as in the newer tokenizers."""


CHATML = Style(
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
    "<|im_end|>",
    pad="<|endoftext|>",
)
LLAMA3 = Style(
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    "<|end_of_text|>",
    bos="<|begin_of_text|>",
    writes_bos=True,
    breaks_apart=True,
)
MISTRAL = Style(
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content | trim }}"
    "{{ eos_token }}{% elif m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}",
    ("<s>", "</s>"),
    "</s>",
    bos="<s>",
    writes_bos=True,
)
GEMMA = Style(
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"),
    "<eos>",
    bos="<bos>",
    pad="<pad>",
    writes_bos=True,
)
THINKING = Style(
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m.role == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.index0 < ns.last and '</think>' in m.content %}"
    "{{ m.content.split('</think>')[-1].lstrip() }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ("<|im_start|>", "<|im_end|>"),
    "<|im_end|>",
    added=("<think>", "</think>"),
)
OPENED = THINKING._replace(
    template="{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>"
    "{{ m.content.split('</think>')[-1] }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}",
    special=("<bos>", "<eos>", "<|user|>", "<|assistant|>"),
    eos="<eos>",
    bos="<bos>",
)
TOOLS = Style(
    "{% if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}"
    "{% for call in m.tool_calls or [] %}<tool_call>{{ call.function.name }} "
    "{{ call.function.arguments | tojson }}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ("<|im_start|>", "<|im_end|>"),
    "<|im_end|>",
    added=("<tool_call>", "</tool_call>"),
)
GENERATION = CHATML._replace(
    template="{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}[sure] {% generation %}{{ m.content }}{% endgeneration %}<|im_end|>\n"
    "{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PLAIN_WORDS = Style(
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}",
    ("<eos>",),
    "<eos>",
)
MOVING = CHATML._replace(
    template="{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% if not loop.last %} (of {{ messages | length }}){% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Rewrites what stands before the answer, depending on what follows."""
TRIMMING = CHATML._replace(
    template="{% set text %}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant: {% endif %}{% endset %}"
    "{{ text | trim }}"
)
"""Has another opening for prompts than for dialogues."""
NO_TEMPLATE = LLAMA3._replace(template=None)


@cache
def shared(style: Style) -> Any:
    return tokenizer(style)


def tokenizer(style: Style) -> Any:
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        processors,
        trainers,
    )
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *([pre_tokenizers.Split(Regex(r"\s*[\r\n]+"), "isolated")] if style.breaks_apart else []),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=list(style.special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([*SENTENCES, "\n\n\n \n\n"], trainer)
    backend.add_tokens([AddedToken(word, special=False) for word in style.added])
    if style.writes_bos and style.bos:
        ids = [(style.bos, backend.token_to_id(style.bos))]
        backend.post_processor = processors.TemplateProcessing(single=f"{style.bos} $A", special_tokens=ids)
    words = {"bos_token": style.bos, "eos_token": style.eos, "pad_token": style.pad}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        chat_template=style.template,
        additional_special_tokens=list(style.special),
        **{name: word for name, word in words.items() if word is not None},
    )


def words_tokenizer(style: Style) -> Any:
    """Return a tokenizer that marks spaces and so cannot encode a text in parts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=200,
        special_tokens=[*style.special, "<unk>"],
        initial_alphabet=[chr(code) for code in range(33, 127)],
        show_progress=False,
    )
    backend.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, chat_template=style.template, bos_token=style.bos, eos_token=style.eos,
        unk_token="<unk>", additional_special_tokens=list(style.special),
    )  # fmt: skip
