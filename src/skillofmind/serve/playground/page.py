"""The files of the page, and what it needs to know about the server.

The built page is in `static/`; without it the address says so. Only files that were there at the start are
served, by their exact names.

*Covered*

- A strict content security policy: nothing is loaded from elsewhere, no inline script or style runs, no other
  site can frame the page.
"""

import mimetypes
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import msgspec
from aiohttp import web

from skillofmind import __version__
from skillofmind.serve.answer import Room
from skillofmind.serve.errors import Refused

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_MISSING = b"The page is not built; run `make playground`.\n"


class Page:
    """The files of the page, in memory."""

    def __init__(self, folder: Traversable | None = None) -> None:
        """Read the files of `folder`; of the package where none is given."""
        self._files = dict(_files(folder or resources.files("skillofmind.serve.playground") / "static"))

    async def respond(self, room: Room, path: str) -> web.StreamResponse:
        """Return a file of the page, or what it asks for.

        Raises:
            Refused: there is no such file.
        """
        name = path.removeprefix("/playground").removeprefix("/")
        if name == "api/info":
            return _reply(msgspec.json.encode(info(room)), "application/json")
        if path == "/playground":
            return web.Response(status=308, headers={**_HEADERS, "Location": "/playground/"})
        if not name and not self._files:
            return _reply(_MISSING, "text/plain", 503)
        name = name or "index.html"
        if name not in self._files:
            raise Refused(404, "the page has no such file.", code="not_found")
        return _reply(self._files[name], mimetypes.guess_type(name)[0] or "application/octet-stream")


def _files(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    if not folder.is_dir():
        return found
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


def _reply(body: bytes, kind: str, status: int = 200) -> web.Response:
    charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("json", "javascript")) else ""
    return web.Response(status=status, body=body, headers={**_HEADERS, "Content-Type": kind + charset})


def info(room: Room) -> dict[str, Any]:
    """Return what the page shows about the server."""
    skills = room.planning.taxonomy.skills
    return {
        "version": __version__,
        "model": room.settings.model,
        "planner": room.settings.planner.kind,
        "offline": room.upstream.offline,
        "inject": room.settings.inject,
        "languages": sorted({"en"} | {lang for skill in skills for lang in skill.names}),
        "skills": [
            {
                "name": skill.name,
                "category": skill.category,
                "definition": skill.definition,
                "names": skill.names,
            }
            for skill in skills
        ],
        "stream": True,
        "memory": room.memory is not None,
    }
