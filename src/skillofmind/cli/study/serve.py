"""`som study serve`: let raters answer in their browsers."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from skillofmind.cli.study.desk import Desk
    from skillofmind.evals.study.folder import OpenStudy

_EPILOG = """\
Every rater gets an address that nobody can guess; it stays the same when the command is started again, and so
does the place where they were. Every answer is appended to STUDY/answers.jsonl at once. Without --rater those
who took part before are served. NAME=OTHER gives NAME the tasks of OTHER, to replace somebody.

Only this machine is listened to. To let others in, put a proxy that speaks https before it and say its
address with --public; --host listens on the network without encryption.

keys: arrows or 1 to 5 choose   Enter next   b back   ? instructions

examples:
  som study serve studies/one --rater ana ben
  som study serve studies/one --rater dora=ben
  som study serve studies/one --port 8700 --public https://study.example.org
"""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Options of `som study serve`."""

    study: Path = argument("STUDY", "folder of `som study new`")
    rater: tuple[str, ...] = option((), "who may answer, besides those who took part before", value="NAME")
    port: int = option(0, "of the pages; 0 takes a free one")
    host: str = option("127.0.0.1", "address to listen on", value="ADDRESS")
    public: str = option("", "address of an https proxy in front of this one", value="URL")


def run(argv: Sequence[str]) -> int:
    """Run `som study serve`."""
    options = parse(ServeOptions, "som study serve", "Let raters answer.", argv, epilog=_EPILOG)
    _check(options)
    import secrets

    from skillofmind.cli.study.desk import Desk
    from skillofmind.evals.study.folder import OpenStudy, links

    with OpenStudy(options.study, _now) as opened:
        for word in options.rater:
            name, _, other = word.partition("=")
            opened.join(name, other)
        if not opened.raters:
            raise ConfigurationError("nobody takes part yet; name raters with --rater NAME ...")
        found = links(options.study, list(opened.raters), lambda: secrets.token_urlsafe(24))
        return _serve(options, opened, Desk(opened), found)


def _serve(options: ServeOptions, opened: "OpenStudy", desk: "Desk", tokens: Mapping[str, str]) -> int:
    import asyncio

    from skillofmind.cli.page import server
    from skillofmind.cli.study.web import application

    door = server.Door(
        {token: name for name, token in tokens.items()}, "study", "som study serve", options.public
    )

    def announce(address: str) -> str:
        # An address that means all of them is none that a browser could open.
        here = address.replace("//0.0.0.0:", "//THIS-MACHINE:").replace("//[::]:", "//THIS-MACHINE:")
        return _told(options, desk, tokens, options.public.rstrip("/") or here)

    place = server.Place(options.port, options.host)
    asyncio.run(server.serve(application(desk, door), place, announce))
    shown = [f"{printable(name)} {_progress(desk, name)}" for name in opened.raters]
    sys.stdout.write(f"Ended; every answer is kept: {', '.join(shown)}.\n")
    return 0


def _told(options: ServeOptions, desk: "Desk", tokens: Mapping[str, str], address: str) -> str:
    lines = []
    if options.host not in ("127.0.0.1", "::1", "localhost"):
        lines.append(
            f"Warning: {options.host} can be reached by others, and http is not encrypted: whoever listens "
            "on the way reads links and answers."
        )
    width = max(len(name) for name in tokens)
    for name, token in tokens.items():
        lines.append(
            f"{printable(name):<{width}}  {address}/?token={token}  {_progress(desk, name)} answered"
        )
    lines.append("Give each rater their own line and nobody else's; Ctrl-C ends the study for now.")
    return "\n".join(lines) + "\n"


def _progress(desk: "Desk", name: str) -> str:
    done, pages = desk.progress(name)
    return f"{done} of {pages}"


def _check(options: ServeOptions) -> None:
    from urllib.parse import urlsplit

    if not 0 <= options.port < 65536:
        raise ConfigurationError(f"--port {options.port} must be 0 to 65535.")
    public = urlsplit(options.public)
    whole = public.scheme in ("http", "https") and public.netloc and public.path in ("", "/")
    if options.public and not whole:
        raise ConfigurationError(
            f"--public {options.public!r} must be like https://study.example.org and hold no path."
        )


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="milliseconds")
