"""Raters in the user's cache folder: trained once for the same data, code and settings.

    raters = load_raters(Path("corpora"), cache_folder() / "raters")
    raters["er"].quality.accuracy.value

A file that is damaged, or of another version, is as good as absent: the rater is trained again.
"""

import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from skillofmind.core.errors import StorageError
from skillofmind.core.identity import fingerprint
from skillofmind.evals.raters.examples import KINDS, Example, Kind
from skillofmind.evals.raters.linear import Linear
from skillofmind.evals.raters.rater import BALANCE, FOLDS, Quality, Rater, trained
from skillofmind.run.atomic import storage_errors, write_atomic

VERSION = 1
"""Changes with anything in the code that changes a rater."""

_decode = msgspec.json.Decoder(tuple[tuple[str, ...], Quality]).decode


def cache_folder() -> Path:
    """Return `$XDG_CACHE_HOME/skillofmind` or `~/.cache/skillofmind`, for what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "skillofmind"


def load_raters(
    data: Path,
    cache: Path,
    names: Sequence[str] = tuple(KINDS),
    on_phase: Callable[[str], None] = lambda _: None,
) -> dict[str, Rater]:
    """Return the raters whose corpora are there, trained or from the cache.

    Args:
        data: folder with a folder for each corpus.
        cache: folder to keep them in; made where it is missing. A cache that cannot be written to costs
            only the next training.
        names: of the raters.
        on_phase: told what is being trained.

    Raises:
        DataError: a corpus is there and cannot be read, or is too small.
        MissingExtra: scipy is needed for training and not there.
    """
    found = {}
    for name in names:
        kind = KINDS[name]
        if (data / kind.corpus).is_dir():
            found[name] = _loaded(kind, kind.read(data), cache, on_phase)
    return found


def identity_of(kind: Kind, examples: Sequence[Example]) -> str:
    """Return 16 hexadecimal digits that change with the examples, the code's version and the settings."""
    settings = [VERSION, FOLDS, BALANCE, kind.name, kind.fields, kind.strength]
    return fingerprint([settings, [tuple(one) for one in examples]])[:16]


def to_bytes(rater: Rater) -> bytes:
    """Return the file of a rater."""
    about = msgspec.json.encode((rater.classes, rater.quality))
    file = io.BytesIO()
    np.savez(file, about=np.frombuffer(about, np.uint8), **rater.model._asdict())
    return file.getvalue()


def from_bytes(data: bytes, kind: Kind, identity: str) -> Rater | None:
    """Return the rater of a file, or `None` where the file is not whole."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            classes, quality = _decode(file["about"].tobytes())
            model = Linear(**{name: file[name] for name in Linear._fields})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = model.weights.shape == (len(model.codes), len(classes)) and len(model.bias) == len(classes)
    return Rater(kind.name, kind.about, classes, kind.fields, model, quality, identity) if fits else None


def _loaded(kind: Kind, examples: Sequence[Example], cache: Path, on_phase: Callable[[str], None]) -> Rater:
    identity = identity_of(kind, examples)
    file = cache / f"{kind.name}-{identity}.npz"
    if file.is_file():
        kept = from_bytes(file.read_bytes(), kind, identity)
        if kept is not None:
            return kept
    on_phase(f"training the rater {kind.name!r} on {len(examples)} texts of {kind.corpus}")
    rater = trained(kind, examples, identity)
    try:
        with storage_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
        write_atomic(file, to_bytes(rater))
    except StorageError as error:
        on_phase(f"the rater is not kept: {error}")
    return rater
