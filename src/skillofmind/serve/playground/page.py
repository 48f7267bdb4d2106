"""The playground over HTTP: the built page and `/playground/api/info`.

    GET /playground               redirect to /playground/
    GET /playground/              the page
    GET /playground/NAME          its script, style and icon
    GET /playground/api/info      model, planner, skills

The files are read once and found by name in a table; no part of a request ever becomes a path.

*Covered*

- The content security policy lets the page load and call nothing but its own origin, run no inline script,
  turn no string into markup, and stand in no frame of another page.
- Every answer names its type and forbids guessing another; the page sends no referrer.

*Not covered*

- Who may ask: `serve.app` checks `Host` and `Origin`. The page needs no key, what it asks for does.
"""

import gzip
import hashlib
from collections.abc import Mapping
from importlib import resources

import msgspec
from aiohttp import web

from skillofmind import __version__
from skillofmind.core.record import Record
from skillofmind.core.skill import Skill
from skillofmind.mind.taxonomy import Taxonomy
from skillofmind.serve.errors import Refused

PREFIX = "/playground"
"""Every path of the playground begins so."""

LANGUAGES = ("en", "ko")
"""Languages of the page."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer of the playground."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGE = "index.html"


class PageSkill(Record, frozen=True, omit_defaults=False):
    """A skill as the page shows it; fields as in `core.skill.Skill`."""

    name: str
    category: str
    definition: str
    when: str
    names: dict[str, str]
    aims: dict[str, str]


class Info(Record, frozen=True, omit_defaults=False):
    """What the page is told of its server.

    Attributes:
        model: name under which the answering model is asked for.
        planner: kind or identity of the planner.
        offline: whether the answers are stored replies because no model is set.
        inject: what of a plan the model is shown where a request does not say it.
        skills: the planner's skills, in the order of the taxonomy.
        categories: category -> its name in other languages, by language code.
        version: of this package.
        languages: of the page.
        stream: whether answers can be streamed.
    """

    model: str
    planner: str
    offline: bool
    inject: str
    skills: tuple[PageSkill, ...]
    categories: dict[str, dict[str, str]]
    version: str = __version__
    languages: tuple[str, ...] = LANGUAGES
    stream: bool = True


class _Asset(Record, frozen=True):
    """A file of the page: bytes, the same compressed, media type and entity tag."""

    body: bytes
    packed: bytes
    media: str
    tag: str


def page_info(taxonomy: Taxonomy, *, model: str, planner: str, offline: bool, inject: str) -> Info:
    """Return what the page is told of a server with these parts."""
    return Info(
        model=model,
        planner=planner,
        offline=offline,
        inject=inject,
        skills=tuple(_page_skill(skill) for skill in taxonomy.skills),
        categories=taxonomy.categories,
    )


class Page:
    """The files of the page and what it is told, in memory."""

    def __init__(self, info: Info) -> None:
        """Read the built page; `info` is what it is told."""
        self._assets = _assets()
        self._assets["api/info"] = _asset(msgspec.json.encode(info), "application/json")

    def respond(self, request: web.BaseRequest) -> web.Response:
        """Answer a request whose path begins with `PREFIX`.

        Raises:
            Refused: the page has no such file.
        """
        if request.path == PREFIX:
            # Relative, so that it holds behind a proxy that puts the server under another path.
            return web.Response(status=308, headers={**HEADERS, "Location": "playground/"})
        asset = self._assets.get(request.path.removeprefix(f"{PREFIX}/") or _PAGE)
        if asset is None:
            raise Refused(404, "the page has no such file.", code="not_found")
        return _answer(request, asset)


def _page_skill(skill: Skill) -> PageSkill:
    return PageSkill(skill.name, skill.category, skill.definition, skill.when, skill.names, skill.aims)


def _assets() -> dict[str, _Asset]:
    """Read the built page: name -> file."""
    folder = resources.files("skillofmind.serve.playground") / "static"
    files = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    return {
        name: _asset(body, _TYPES[suffix])
        for name, body in sorted(files.items())
        if (suffix := name[name.rfind(".") :]) in _TYPES
    }


def _asset(body: bytes, media: str) -> _Asset:
    return _Asset(body, gzip.compress(body, mtime=0), media, hashlib.sha256(body).hexdigest()[:32])


def _answer(request: web.BaseRequest, asset: _Asset) -> web.Response:
    packed = "gzip" in request.headers.get("Accept-Encoding", "").lower()
    # The names of the files stay the same over versions, so a browser asks each time and mostly hears 304.
    headers = {
        **HEADERS,
        "Cache-Control": "no-cache",
        "ETag": f'"{asset.tag}{"-gzip" if packed else ""}"',
        "Vary": "Accept-Encoding",
        "Content-Type": asset.media,
    }
    wanted = request.if_none_match or ()
    if any(tag.value in ("*", headers["ETag"].strip('"')) for tag in wanted):
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=asset.packed if packed else asset.body, headers=headers)
