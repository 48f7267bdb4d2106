"""What must hold of a tokenizer before anything is trained with it."""

import hashlib
from typing import Any, NamedTuple

from skillofmind.core.errors import ConfigurationError


class TokenizerFacts(NamedTuple):
    """What training needs to know of a tokenizer.

    Attributes:
        eos_id: ends a text.
        pad_id: fills up batches; the loss never looks at it, so it may be the end token.
        bos_id: begins a text, where there is one.
        size: ids that the tokenizer can write, 0 to `size` - 1.
        template_hash: of the chat template, 64 hexadecimal digits; empty without a template.
    """

    eos_id: int
    pad_id: int
    bos_id: int | None
    size: int
    template_hash: str


def prepare_tokenizer(
    tokenizer: Any, network_vocab_size: int | None = None, *, chat: bool = False
) -> TokenizerFacts:
    """Check a tokenizer and return its facts; without a pad token, its end token becomes that as well.

    Args:
        tokenizer: of transformers; its pad token is set where it has none.
        network_vocab_size: rows of the network's embedding; they may be more than the tokenizer's ids.
        chat: a chat template is needed.

    Raises:
        ConfigurationError: there is no end token, an id has no row in the embedding, or the chat template
            is missing.
    """
    size = max([len(tokenizer), *(number + 1 for number in tokenizer.added_tokens_decoder)])
    if network_vocab_size is not None and size > network_vocab_size:
        raise ConfigurationError(
            f"the tokenizer writes {size} ids, but the network's embedding has {network_vocab_size} rows; "
            "use the tokenizer that belongs to the model, or resize the embedding first"
        )
    if tokenizer.eos_token_id is None:
        raise ConfigurationError(
            "the tokenizer has no end token, so that a model could not learn to stop; "
            "set tokenizer.eos_token to one of its tokens and save it"
        )
    if chat:
        need_template(tokenizer)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return TokenizerFacts(
        tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.bos_token_id, size, template_hash(tokenizer)
    )


def need_template(tokenizer: Any) -> None:
    """Check that there is a chat template.

    Raises:
        ConfigurationError: there is none.
    """
    if not tokenizer.chat_template:
        raise ConfigurationError(
            "the tokenizer has no chat template, which rows of messages need; set tokenizer.chat_template "
            "and save it, or give rows of plain `text`"
        )


def template_hash(tokenizer: Any) -> str:
    """Return the SHA-256 of the chat template, or an empty text without one."""
    if not tokenizer.chat_template:
        return ""
    return hashlib.sha256(tokenizer.get_chat_template().encode()).hexdigest()
