"""Options of a command: one frozen dataclass that is flags, `--help`, manifest and documentation at once.

@dataclass(frozen=True, slots=True)
class SkillsOptions:
    name: str = argument("NAME", "one skill to explain", default="")
    json: bool = option(False, "print JSON")

options = parse(SkillsOptions, "som skills", "List the skills.", argv)
"""

import argparse
import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError

T = TypeVar("T")


def option(
    default: Any,
    help: str,
    *,
    name: str | None = None,
    value: str | None = None,
    check: Callable[[Any], object] | None = None,
) -> Any:
    """Return a dataclass field that becomes `--its-name`.

    Args:
        default: value when the flag is not given; `False` makes a switch.
        help: one line; the default is added to it.
        name: flag to use in place of the field's name.
        value: placeholder in the help text.
        check: raises `ConfigurationError` for a word that the option does not take.
    """
    about = {"help": help, "flag": name, "value": value, "check": check}
    return dataclasses.field(default=default, metadata=about)


def argument(value: str, help: str, **kwargs: Any) -> Any:
    """Return a dataclass field that becomes a positional argument; optional when it has a `default`.

    A field that is a `tuple[..., ...]` takes one word or more.
    """
    return dataclasses.field(**kwargs, metadata={"help": help, "value": value, "positional": True})


class _Parser(argparse.ArgumentParser):
    """argparse that suggests the flag or the choice that was probably meant."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        self.exit(2, f"{self.prog}: {printable(message)}.{self._hint(message)} See {self.prog} --help.\n")

    def _hint(self, message: str) -> str:
        if message.startswith("unrecognized arguments:"):
            words = message.partition(":")[2].split()
            word = next((word for word in words if word.startswith("-")), "").partition("=")[0]
            return _did_you_mean(word, self._option_string_actions)
        chosen = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        if chosen:
            return _did_you_mean(chosen[1], re.findall(r"'([^']*)'", chosen[2]))
        if message.endswith("expected one argument"):
            flag = message.partition(":")[0]
            return f" A value that begins with - is written {flag}=VALUE."
        return ""


def parse(kind: type[T], prog: str, description: str, argv: Sequence[str], *, epilog: str = "") -> T:
    """Parse `argv` into an instance of the options dataclass `kind`; exits with 2 on a wrong flag."""
    parser = _Parser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        _add(parser, field, hints[field.name])
    found = vars(parser.parse_args(list(argv)))
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})


def resolved(options: Any) -> dict[str, Any]:
    """Return the options as plain JSON values, for a manifest."""
    return {
        field.name: str(value) if isinstance(value := getattr(options, field.name), Path) else value
        for field in dataclasses.fields(options)
    }


def check_least(flag: str, value: int | None, least: int) -> None:
    """Refuse a number that is too small; `None` is one that was not given.

    Raises:
        ConfigurationError: less than `least`.
    """
    if value is not None and value < least:
        raise ConfigurationError(f"{flag} {value} must be at least {least}.")


def _add(parser: argparse.ArgumentParser, field: "dataclasses.Field[Any]", hint: Any) -> None:
    meta = field.metadata
    flag = meta.get("flag") or "--" + field.name.replace("_", "-")
    help = meta["help"].replace("%", "%%")
    if hint is bool:
        parser.add_argument(flag, dest=field.name, action="store_true", help=help)
        return
    shown = "" if field.default in (None, "", (), dataclasses.MISSING) else f" (default: {field.default})"
    settings: dict[str, Any] = {"help": help + shown, **_conversion(hint)}
    if meta.get("check"):
        settings["type"] = _checked(flag, settings["type"], meta["check"])
    if meta.get("positional"):
        if field.default is not dataclasses.MISSING:
            settings |= {"nargs": "?", "default": field.default}
        parser.add_argument(field.name, metavar=meta["value"], **settings)
    else:
        if "choices" not in settings:
            settings["metavar"] = meta["value"] or field.name.upper()
        parser.add_argument(flag, dest=field.name, default=field.default, **settings)


def _conversion(hint: Any) -> dict[str, Any]:
    if typing.get_origin(hint) is tuple:
        return {"type": _READERS[typing.get_args(hint)[0]], "nargs": "+"}
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return {"choices": typing.get_args(hint)}
    return {"type": _READERS[hint]}


def _checked(flag: str, read: Callable[[str], T], check: Callable[[T], object]) -> Callable[[str], T]:
    def checked(word: str) -> T:
        found = read(word)
        try:
            check(found)
        except ConfigurationError as error:
            said = str(error).removeprefix(f"{flag} ").removesuffix(".")
            raise argparse.ArgumentTypeError(said) from None
        return found

    return checked


def _text(word: str) -> str:
    # Bytes that are not UTF-8 arrive as half characters, which neither JSON nor a request can hold.
    if not word.isascii() and any("\ud800" <= char <= "\udfff" for char in word):
        raise argparse.ArgumentTypeError(f"{printable(word)!r} is not UTF-8; write it in UTF-8")
    return word


def _path(word: str) -> Path:
    if not word or "\0" in word:
        raise argparse.ArgumentTypeError(f"{word!r} is no path; name one, or leave the option out")
    return Path(_text(word))


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is no whole number; write one such as 8") from None


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{word!r} is no finite number; write one such as 0.5")
    return number


_READERS: dict[Any, Callable[[str], Any]] = {str: _text, Path: _path, int: _whole, float: _number}


def _did_you_mean(word: str, known: typing.Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f" Did you mean {near[0]}?" if near else ""
