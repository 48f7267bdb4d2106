"""The record of how a run was started: enough to repeat it, and to notice that something changed.

>>> difference({"planner": "embedded"}, {"planner": "prompted"}, {}, {})
["--planner: 'embedded' -> 'prompted'"]
"""

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

import msgspec

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.identity import file_fingerprint
from skillofmind.core.record import Record

_PACKAGES = ("skillofmind", "aiohttp", "msgspec", "numpy", "rich", "torch", "transformers")
_GIT_SECONDS = 5.0
_ABSENT = object()


class Git(Record, frozen=True):
    """State of the source tree: commit, and whether tracked files differ from it."""

    commit: str
    dirty: bool


class Manifest(Record, frozen=True):
    """How a run was started.

    Attributes:
        command: name of the command.
        options: every option by its name, as plain JSON values.
        versions: Python, this library and the key packages that are installed.
        git: state of the folder in which the run was started; `None` outside a repository.
        seeds: by what they are for.
        data: SHA-256 of every input file, by file name.
        platform: system and machine type.
        created: ISO 8601 time of the start.
    """

    command: str
    options: dict[str, Any] = {}
    versions: dict[str, str] = {}
    git: Git | None = None
    seeds: dict[str, int] = {}
    data: dict[str, str] = {}
    platform: str = ""
    created: str = ""


def new_manifest(
    command: str,
    options: Mapping[str, Any],
    seeds: Mapping[str, int],
    data: Mapping[str, str],
    created: datetime,
) -> Manifest:
    """Return the manifest of a run that starts now; `options` are plain, see `plain_options`."""
    return Manifest(
        command=command,
        options=dict(options),
        versions=installed_versions(),
        git=git_state(),
        seeds=dict(seeds),
        data=dict(data),
        platform=platform.platform(),
        created=created.isoformat(timespec="seconds"),
    )


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options` as the JSON values that a manifest read from disk would hold.

    Raises:
        ConfigurationError: a value has no JSON form.
    """
    try:
        encoded = msgspec.json.encode(dict(options), enc_hook=_path_as_text)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the options cannot be written as JSON: {error}") from error
    plain: dict[str, Any] = msgspec.json.decode(encoded)
    return plain


def data_fingerprints(paths: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of every file by its name, or by its whole path where two names are equal.

    Raises:
        DataError: a file cannot be read.
    """
    unique = list(dict.fromkeys(paths))
    names = [path.name for path in unique]
    return {
        path.name if names.count(path.name) == 1 else str(path): _data_fingerprint(path) for path in unique
    }


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of those key packages that are installed."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def git_state() -> Git | None:
    """Return the git state of the current folder; `None` without git, a repository or a commit."""
    commit = _git("rev-parse", "HEAD")
    status = _git("status", "--porcelain", "--untracked-files=no")
    if not commit or status is None:
        return None
    return Git(commit=commit, dirty=bool(status))


def difference(
    old_options: Mapping[str, Any],
    new_options: Mapping[str, Any],
    old_data: Mapping[str, str],
    new_data: Mapping[str, str],
) -> list[str]:
    """List what changed, a line each: options as they are typed, then data files."""
    options = [
        f"--{name.replace('_', '-')}: {old} -> {new}"
        for name, old, new in _changes(_flat(old_options), _flat(new_options))
    ]
    data = [f"data {name}: {old} -> {new}" for name, old, new in _changes(old_data, new_data)]
    return options + data


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    names = list(dict.fromkeys([*old, *new]))
    pairs = [(name, old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in names]
    # 1 == True and 1 == 1.0 in Python; as options they differ, so the shown text decides.
    return [(name, _shown(a), _shown(b)) for name, a, b in pairs if _shown(a) != _shown(b)]


def _shown(value: Any) -> str:
    return "(absent)" if value is _ABSENT else repr(value)


def _flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _path_as_text(value: Any) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{value!r} is of type {type(value).__name__}")


def _data_fingerprint(path: Path) -> str:
    try:
        return file_fingerprint(path)
    except OSError as error:
        raise DataError(
            f"cannot read the data file {str(path)!r}: {error.strerror}; check the path"
        ) from error


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
