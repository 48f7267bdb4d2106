"""The files of a checkpoint: one safetensors file per rank, and `checkpoint.json`, which seals them.

A *part* is the box of a tensor that one rank holds: where it begins in the whole (`offset`), and its own
shape. `torch` cuts dimension d of length D over n ranks into pieces of ceil(D / n), so the box follows from
a rank's number. Whole tensors (plain, replicated) are taken to be equal on all ranks, and rank 0 writes them.

Files are streamed: a tensor is copied to the CPU when its turn comes, so writing needs room for one tensor,
and the hash is taken on the way. Reading asks for the overlap of what is stored and what is wanted.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import msgspec
import torch
from safetensors import safe_open
from torch import Tensor
from torch.distributed.tensor import DTensor

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.record import Record

MANIFEST = "checkpoint.json"
FORMAT = 1

_CHUNK = 1 << 24
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


class Part(NamedTuple):
    """What one rank holds of a tensor.

    Attributes:
        name: of the tensor.
        dtype: in the words of safetensors, as `BF16`.
        shape: of the whole tensor.
        offset: where `data` begins in it.
        data: the rank's own memory; filling it fills the tensor.
        shared: whether every rank holds the same.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: tuple[int, ...]
    data: Tensor
    shared: bool

    def on_cpu(self) -> Self:
        """Return the part with a copy of its data that no later update changes."""
        return self._replace(data=self.data.to("cpu", copy=True))


class Piece(Record, frozen=True):
    """A stored part.

    Attributes:
        file: its name in the checkpoint's folder.
        offset: where it begins in the whole tensor.
        shape: its own.
    """

    file: str
    offset: tuple[int, ...]
    shape: tuple[int, ...]


class Stored(Record, frozen=True):
    """A tensor as a checkpoint holds it.

    Attributes:
        dtype: in the words of safetensors.
        shape: of the whole.
        pieces: in the order of ranks; they do not overlap.
    """

    dtype: str
    shape: tuple[int, ...]
    pieces: tuple[Piece, ...] = ()


class Written(Record, frozen=True):
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str


class Manifest(Record, frozen=True):
    """What `checkpoint.json` says.

    Attributes:
        format: of the checkpoint; `FORMAT` is the one written here.
        step: of the save.
        world: number of ranks that wrote it.
        facts: JSON values of the caller.
        files: by name in the folder.
        tensors: by name.
    """

    format: int
    step: int
    world: int
    facts: dict[str, Any]
    files: dict[str, Written]
    tensors: dict[str, Stored]


def part(name: str, tensor: Tensor) -> Part:
    """Return what this rank holds of `tensor`.

    Raises:
        ConfigurationError: it is cut in more than one way, or its dtype cannot be stored.
    """
    shape = tuple(tensor.shape)
    dtype = _DTYPES.get(tensor.dtype)
    if dtype is None:
        raise ConfigurationError(f"tensor {name!r} has dtype {tensor.dtype}, which a checkpoint cannot hold")
    data = tensor.detach()
    if not isinstance(data, DTensor):
        return Part(name, dtype, shape, (0,) * len(shape), data, shared=True)
    offset = _offset(name, data)
    local = data.to_local()
    return Part(name, dtype, shape, offset, local, shared=data.placements[0].is_replicate())


def write_parts(path: Path, parts: Iterable[Part]) -> Written:
    """Write the new safetensors file `path` and flush it to the disk.

    Raises:
        OSError: the disk said no; an incomplete file may stay.
    """
    # The widest type first keeps every tensor aligned, as readers of the format expect.
    ordered = sorted(parts, key=lambda one: (-one.data.element_size(), one.name))
    with path.open("xb", buffering=0) as file:
        sink = _Sink(file)
        sink.write(memoryview(_header(ordered)))
        for one in ordered:
            flat = one.data.contiguous().cpu().reshape(-1).view(torch.uint8)
            sink.write(memoryview(flat.numpy()))
        os.fsync(file.fileno())
    return sink.written()


def fill_(folder: Path, stored: Mapping[str, Stored], parts: Sequence[Part]) -> None:
    """Fill the data of `parts` from the files in `folder`.

    Args:
        folder: of the checkpoint.
        stored: what it holds; has every part's name, with its dtype and shape.
        parts: of this rank.

    Raises:
        DataError: a piece is missing or cannot be read.
    """
    with ExitStack() as stack, torch.no_grad():
        files = {
            file: stack.enter_context(safe_open(str(folder / file), framework="pt"))
            for file in sorted({piece.file for one in parts for piece in stored[one.name].pieces})
        }
        for one in parts:
            filled = sum(_copy_(one, piece, files[piece.file]) for piece in stored[one.name].pieces)
            if filled != one.data.numel():
                raise DataError(f"{str(folder)!r} holds a part of {one.name!r} only; use an older checkpoint")


def difference(stored: Mapping[str, Stored], parts: Sequence[Part]) -> str:
    """Say in one clause what a checkpoint has otherwise than the parts to fill; empty if nothing."""
    wanted = {one.name: one for one in parts}
    both = [(stored[name], wanted[name]) for name in sorted(wanted.keys() & stored.keys())]
    clauses = (
        _listed("it lacks", sorted(wanted.keys() - stored.keys())),
        _listed("it alone has", sorted(stored.keys() - wanted.keys())),
        _listed("the shape differs of", [_shapes(*two) for two in both if two[0].shape != two[1].shape]),
        _listed("the dtype differs of", [_dtypes(*two) for two in both if two[0].dtype != two[1].dtype]),
    )
    return ", ".join(clause for clause in clauses if clause)


def weights_fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, dtypes, shapes and bytes; the same however they are cut. Collective."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach()
        whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        digest.update(msgspec.json.encode([name, str(whole.dtype), list(whole.shape)]))
        digest.update(memoryview(whole.contiguous().cpu().reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def sealed(manifest: Manifest) -> bytes:
    """Return the content of `checkpoint.json`, with its own hash."""
    text = msgspec.json.encode(manifest)
    return msgspec.json.encode(_Sealed(hashlib.sha256(text).hexdigest(), msgspec.Raw(text))) + b"\n"


def read_manifest(path: Path) -> Manifest:
    """Return what `checkpoint.json` in the folder `path` says.

    Raises:
        DataError: it is missing, has changed, or is of another format.
    """
    try:
        found = msgspec.json.decode((path / MANIFEST).read_bytes(), type=_Sealed)
        manifest = msgspec.json.decode(found.checkpoint, type=Manifest)
    except OSError as error:
        raise DataError(f"{MANIFEST} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{MANIFEST} cannot be understood ({error})") from error
    if hashlib.sha256(found.checkpoint).hexdigest() != found.sha256:
        raise DataError(f"{MANIFEST} has changed")
    if manifest.format != FORMAT:
        raise DataError(f"{MANIFEST} has format {manifest.format} and not {FORMAT}")
    return manifest


def what_is_wrong(path: Path, written: Written) -> str:
    """Say in a clause how the file `path` differs from what was written; empty if it does not."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        return f"{path.name} cannot be read ({error.strerror})"
    if size != written.size:
        return f"{path.name} has {size} bytes and not {written.size}"
    return "" if digest == written.sha256 else f"{path.name} has changed"


class _Sealed(Record, frozen=True):
    sha256: str
    checkpoint: msgspec.Raw


class _Sink:
    """Writes and hashes; a raw file may take less than it was given, as at a limit of size."""

    def __init__(self, file: Any) -> None:
        self._file: BinaryIO = file
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: memoryview) -> None:
        while len(data):
            taken = self._file.write(data[:_CHUNK])
            self._digest.update(data[:taken])
            self._size += taken
            data = data[taken:]

    def written(self) -> Written:
        return Written(self._size, self._digest.hexdigest())


def _header(parts: Sequence[Part]) -> bytes:
    entries: dict[str, dict[str, Any]] = {}
    end = 0
    for one in parts:
        begin, end = end, end + one.data.numel() * one.data.element_size()
        entries[one.name] = {"dtype": one.dtype, "shape": list(one.data.shape), "data_offsets": [begin, end]}
    text = msgspec.json.encode(entries)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _offset(name: str, tensor: DTensor) -> tuple[int, ...]:
    offset = [0] * tensor.dim()
    placement, *more = tensor.placements
    if more or placement.is_partial():
        raise ConfigurationError(f"tensor {name!r} is cut as {tensor.placements}; only one way is supported")
    if placement.is_shard():
        length = tensor.shape[placement.dim]
        step = -(-length // tensor.device_mesh.size())
        offset[placement.dim] = min(tensor.device_mesh.get_local_rank() * step, length)
    return tuple(offset)


def _copy_(one: Part, piece: Piece, file: Any) -> int:
    """Copy what `piece` and `one` have in common; return how many numbers that is."""
    source, target = [], []
    for begin, length, start, size in zip(one.offset, one.data.shape, piece.offset, piece.shape, strict=True):
        low, high = max(begin, start), min(begin + length, start + size)
        if low >= high:
            return 0
        source.append(slice(low - start, high - start))
        target.append(slice(low - begin, high - begin))
    view = one.data[tuple(target)]
    view.copy_(file.get_slice(one.name)[tuple(source)] if source else file.get_tensor(one.name))
    return int(view.numel())


def _shapes(stored: Stored, wanted: Part) -> str:
    return f"{wanted.name!r} ({list(stored.shape)}, not {list(wanted.shape)})"


def _dtypes(stored: Stored, wanted: Part) -> str:
    return f"{wanted.name!r} ({stored.dtype}, not {wanted.dtype})"


def _listed(words: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = " and ".join(name if name.startswith("'") else repr(name) for name in names[:2])
    return f"{words} {shown}" + (f" and {len(names) - 2} more" if len(names) > 2 else "")
