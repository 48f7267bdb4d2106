r"""A chat model made from nothing: a tokenizer trained on given texts, and a small Llama with random weights.

The tokenizer is byte-level BPE, so it can write every text, and `[RESULT SKILL]` is ordinary text that it
merges like any other. The chat template is ChatML's, with one BOS in front and with the marks that show
which characters an assistant wrote:

    <|begin|><|im_start|>system\n...<|im_end|>\n<|im_start|>user\n...<|im_end|>\n<|im_start|>assistant\n...

Answers end with `<|im_end|>`. The same texts, size and seed give the same files to the byte.

    folder = make_folder(Path("tiny"), texts, Size(hidden=64, layers=2), seed=0)
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from skillofmind.core.errors import ConfigurationError
from skillofmind.run.atomic import storage_errors, whole_folder
from skillofmind.train.settings import Size

BOS, TURN, END, PAD = "<|begin|>", "<|im_start|>", "<|im_end|>", "<|pad|>"

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' }}"
    "{% if message.role == 'assistant' %}"
    "{% generation %}{{ message.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""The chat template; it takes any role, system messages anywhere."""

_ROLES = ("system", "user", "assistant")


def make_folder(folder: Path, texts: Iterable[str], size: Size, seed: int) -> Path:
    """Make a model folder that trains, and loads wherever transformers models do.

    Args:
        folder: where; must not be there yet.
        texts: messages such as those it will see; the tokenizer is trained on them.
        size: of the network.
        seed: of the weights.

    Returns:
        `folder`.

    Raises:
        ConfigurationError: the folder is there, or there is no text.
        StorageError: the disk said no; no half-written folder stays.
    """
    if folder.exists():
        raise ConfigurationError(f"{str(folder)!r} is there already; give a new folder or remove it.")
    tokenizer = make_tokenizer(texts, size)
    network = make_network(tokenizer, size, seed)
    with whole_folder(folder) as temporary, storage_errors(folder):
        network.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
    return folder


def make_tokenizer(texts: Iterable[str], size: Size) -> Any:
    """Return a byte-level BPE tokenizer with chat template.

    Its vocabulary is smaller than `size` says where the texts do not hold that many pieces twice.

    Raises:
        ConfigurationError: there is no text.
    """
    counted = _Counted(texts)
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size.vocabulary,
        min_frequency=2,
        special_tokens=[BOS, TURN, END, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(counted, trainer)
    if not counted.seen:
        raise ConfigurationError("there is no text to train a tokenizer on; give at least one.")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=BOS,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[TURN],
        model_max_length=size.context,
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


class _Counted:
    """The texts, each with the names of the roles beside it so that these become short, too."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self.seen = 0

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            self.seen += 1
            yield text
            yield from _ROLES


def make_network(tokenizer: Any, size: Size, seed: int) -> Any:
    """Return a Llama with random weights for the tokenizer; torch's generator stays as it is."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        max_position_embeddings=size.context,
        tie_word_embeddings=size.tied,
        **_ends(tokenizer),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LlamaForCausalLM(config)
    network.generation_config = GenerationConfig(**_ends(tokenizer))
    return network


def _ends(tokenizer: Any) -> dict[str, int]:
    return {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
