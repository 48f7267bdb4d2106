"""Settings from a preset, with what the command line changes in them: flags, and `--set path=value`."""

from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record

T = TypeVar("T", bound=Record)


def changed(settings: T, text: str, *further: tuple[str, Any], within: str = "") -> T:
    """Return `settings` with `optimiser.learning_rate=1e-4,rows.batch=8` and further (path, value) applied.

    Args:
        settings: to begin with.
        text: what `--set` was given.
        further: paths and values; a value of `None` changes nothing.
        within: field in which paths begin that name none of the record's own fields.

    Raises:
        ConfigurationError: an unknown path, or a value that is not of its type or range.
    """
    parts = [part for part in text.split(",") if part.strip()]
    pairs: list[tuple[str, Any]] = [_pair(part) for part in parts]
    whole: dict[str, Any] = _with_defaults(settings)
    for path, value in [*pairs, *(one for one in further if one[1] is not None)]:
        own = not within or path.partition(".")[0] in whole
        _put(whole if own else whole[within], path, value)
    try:
        return msgspec.convert(whole, type(settings), strict=False)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, ConfigurationError):
            # A record's own check, which names the setting and says what it may be.
            raise error.__cause__ from None
        raise ConfigurationError(f"--set {text!r}: {error}.") from error


def _pair(part: str) -> tuple[str, Any]:
    path, sign, value = part.partition("=")
    if not sign or not path.strip():
        raise ConfigurationError(f"--set {part!r} is not of the form NAME=VALUE, such as rows.batch=8.")
    return path.strip(), _value(value.strip())


def _value(text: str) -> Any:
    known = {"none": None, "true": True, "false": False}
    return known.get(text.lower(), text)


def _with_defaults(record: Any) -> Any:
    """Return a record as plain values with every field, defaults too."""
    if isinstance(record, msgspec.Struct):
        fields = {name: getattr(record, name) for name in record.__struct_fields__}
        return {name: _with_defaults(value) for name, value in fields.items()}
    return list(record) if isinstance(record, tuple) else record


def _put(whole: dict[str, Any], path: str, value: Any) -> None:
    *folders, name = path.split(".")
    place: Any = whole
    for folder in folders:
        if not isinstance(place, dict) or folder not in place:
            _unknown(path, folder, place)
        if place[folder] is None:
            place[folder] = {}
        place = place[folder]
    if not isinstance(place, dict) or (place and name not in place):
        _unknown(path, name, place)
    place[name] = value


def _unknown(path: str, name: str, place: Any) -> None:
    known = list(place) if isinstance(place, dict) else []
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none here'}."
    raise ConfigurationError(f"--set {path!r}: {name!r} is unknown; {hint}")
