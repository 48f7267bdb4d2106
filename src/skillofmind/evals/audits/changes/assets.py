"""Reading the tables of an audit: those of the package, or a user's copy."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import TypeVar

import msgspec

from skillofmind.core.errors import DataError

T = TypeVar("T")


def read_table(path: Path | None, name: str, kind: type[T]) -> T:
    """Read a TOML file into a record; without a path, the file `name` of the package.

    Raises:
        DataError: unreadable, not TOML, or not of that form.
    """
    source = path if path else resources.files("skillofmind.evals.audits") / "assets" / name
    try:
        return msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8-sig")), kind)
    except OSError as error:
        raise DataError(
            f"{path or name}: cannot be read ({error.strerror}); name a copy of {name}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DataError(f"{path or name}: {error}; the comments of {name} say what a row holds.") from error
