"""A tiny random chat model in a folder: two layers, 32 wide, with a tokenizer trained on a few sentences."""

from pathlib import Path
from typing import Any, Literal

SENTENCES = [
    "I am so sorry to hear that, do you want to talk about it?",
    "What a lovely day! Shall we go out for a walk?",
    "user system assistant thinks about <think> and im_start im_end bos",
    "That sounds hard. I would feel the same way.",
]
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{{ message.content | trim }}"
    "{% for call in message.tool_calls or [] %}[{{ call.function.name }} "
    "{{ call.function.arguments | tojson }}]{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|bos|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]


def tiny_tokenizer(**options: Any) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(SENTENCES, trainer)
    backend.add_tokens([AddedToken("<think>", special=False)])
    backend.post_processor = processors.TemplateProcessing(
        single="<|bos|> $A", special_tokens=[("<|bos|>", backend.token_to_id("<|bos|>"))]
    )
    settings = {
        "bos_token": "<|bos|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|pad|>",
        "additional_special_tokens": ["<|im_start|>"],
        "chat_template": TEMPLATE,
    }
    return PreTrainedTokenizerFast(tokenizer_object=backend, **(settings | options))


def save_tiny(
    folder: Path, *, seed: int = 0, kind: Literal["llama", "gpt2"] = "llama", **options: Any
) -> Path:
    """Save model and tokenizer into `folder`; GPT-2 has learned positions; `options` are the tokenizer's."""
    import torch
    from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

    tokenizer = tiny_tokenizer(**options)
    ends = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "initializer_range": 0.3,
    }
    llama = LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        **ends,
    )
    gpt2 = GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=256, **ends)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = AutoModelForCausalLM.from_config(llama if kind == "llama" else gpt2)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
