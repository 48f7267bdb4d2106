"""Find, check, name and load a model folder.

Nothing is downloaded unless that is asked for. Weights are read from safetensors files only, because other
formats can run code when they are loaded, and code that comes with a model is never run.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.core.identity import file_fingerprint, fingerprint

_TEXTS = ("*.json", "*.jinja", "*.txt", "*.model")
_WEIGHTS = "*.safetensors"
# Fine-tuned weights have the sizes of their parents, so some of their bytes must count.
_PROBE = 2**20


class Loaded(NamedTuple):
    """A network in evaluation mode on its device, and its tokenizer."""

    network: Any
    tokenizer: Any


def find_folder(path: str | Path, *, allow_download: bool) -> Path:
    """Return the folder of a model, downloaded first where `path` is a remote id and that is allowed.

    Raises:
        ConfigurationError: there is no such folder, or it holds no model.
        MissingExtra: torch or transformers is not installed.
    """
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            raise MissingExtra(f"a local model needs {package}: pip install 'skillofmind[local]'")
    folder = Path(path)
    if allow_download and not folder.exists():
        from huggingface_hub import snapshot_download

        folder = Path(snapshot_download(str(path), allow_patterns=[*_TEXTS, _WEIGHTS]))
    if not folder.is_dir():
        raise ConfigurationError(
            f"there is no model folder {str(path)!r}; give a folder, or a hub's id with allow_download=True"
        )
    if not (folder / "config.json").is_file() or not list(folder.glob(_WEIGHTS)):
        raise ConfigurationError(
            f"folder {str(path)!r} lacks config.json or *.safetensors; save the model there"
        )
    return folder


def folder_fingerprint(folder: Path) -> str:
    """Return a hash of configuration, tokenizer and weights, 64 hexadecimal digits.

    Small files count as a whole, weight files with their size and one MiB each of start, middle and end.
    """
    texts = sorted({path for pattern in _TEXTS for path in folder.glob(pattern)})
    parts = {path.name: file_fingerprint(path) for path in texts}
    parts |= {path.name: _weights_fingerprint(path) for path in sorted(folder.glob(_WEIGHTS))}
    return fingerprint(parts)


def _weights_fingerprint(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for start in (0, size // 2, max(0, size - _PROBE)):
            file.seek(start)
            digest.update(file.read(_PROBE))
    return digest.hexdigest()


def load(folder: Path, *, device: str, dtype: str) -> Loaded:
    """Load network and tokenizer.

    Args:
        folder: what `find_folder` returned.
        device: a torch device, or `auto`: CUDA, then MPS, then CPU.
        dtype: a floating point type of torch by name, or `auto`: float32 on a CPU, else that of the weights.

    Raises:
        ConfigurationError: the device or type is not to be had, or the model has no chat template.
    """
    import torch

    place = find_device(device)
    kind = ("float32" if place.type == "cpu" else "auto") if dtype == "auto" else dtype
    precision = kind if kind == "auto" else getattr(torch, kind, None)
    if precision != "auto" and not (isinstance(precision, torch.dtype) and precision.is_floating_point):
        raise ConfigurationError(
            f"dtype {dtype!r} is not a floating point type of torch; use 'auto' or 'float32'"
        )
    tokenizer = read_tokenizer(folder)
    if not tokenizer.chat_template:
        raise ConfigurationError(
            f"the model in {str(folder)!r} has no chat template; use a chat model, or save one with it"
        )
    return Loaded(read_network(folder, precision).to(place).eval(), tokenizer)


def read_network(folder: Path, dtype: Any) -> Any:
    """Load a causal language model onto the CPU.

    Args:
        folder: what `find_folder` returned.
        dtype: a type of torch, or `auto`.

    Raises:
        ConfigurationError: the folder holds none, or not all of its weights.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    try:
        network, loaded = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (ValueError, OSError, RuntimeError, SafetensorError) as error:
        raise ConfigurationError(f"{str(folder)!r} holds no causal language model: {error}") from error
    missing = sorted(loaded["missing_keys"])
    if missing:
        # They would be drawn at random, without a word.
        raise ConfigurationError(
            f"{str(folder)!r} lacks {len(missing)} weights, the first is {missing[0]!r}."
        )
    return network


def read_tokenizer(folder: Path) -> Any:
    """Load the tokenizer of a model folder.

    Raises:
        ConfigurationError: the folder holds none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"{str(folder)!r} holds no tokenizer; name a model folder.") from error


def end_tokens(network: Any, tokenizer: Any) -> frozenset[int]:
    """Return the ids that end an answer, by the generation settings and by the tokenizer."""
    ends = network.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(number for number in [*listed, tokenizer.eos_token_id] if number is not None)


def quiet_libraries() -> None:
    """Keep the bars and remarks of transformers off the terminal; nothing to do where it is not installed."""
    if find_spec("transformers") is None:
        return
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def find_device(name: str) -> Any:
    """Return a torch device; `auto` is CUDA, then MPS, then the CPU.

    Raises:
        ConfigurationError: it is not to be had.
    """
    import torch

    if name == "auto":
        best = "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device("cuda" if torch.cuda.is_available() else best)
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError(
            f"device {name!r} is not to be had here ({error}); use 'auto' or 'cpu'"
        ) from None
    return device
