"""Routes of the playground: the built page and `/playground/api/info`.

    GET /playground               redirect to /playground/
    GET /playground/              the page
    GET /playground/NAME          its script, style and icon
    GET /playground/api/info      model, planner, skills

The files are read once, when the routes are added, and found by name in a table; no part of a request ever
becomes a path.

*Covered*

- The content security policy lets the page load and call nothing but its own origin, run no inline script, turn
  no string into markup, and stand in no frame of another page.
- Every answer names its type and forbids guessing another; the page sends no referrer.

*Not covered*

- Who may ask: keys, `Host` and `Origin` are checked by the application that the routes are added to.
"""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources

import msgspec
from aiohttp import web

from skillofmind import __version__
from skillofmind.core.record import Record
from skillofmind.core.skill import Skill
from skillofmind.mind.taxonomy import Taxonomy

PREFIX = "/playground"
"""Every route of the playground begins so."""

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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
        model: name under which the answering model is asked for; "" with stored replies.
        planner: identity of the planner.
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


def add_playground(app: web.Application, info: Info) -> None:
    """Add the routes of the playground to `app`; `info` is what the page is told."""
    assets = _assets()
    told = _asset(msgspec.json.encode(info), "application/json")
    app.router.add_get(PREFIX, _to_page)
    app.router.add_get(f"{PREFIX}/api/info", _serving({"info": told}, "info"))
    app.router.add_get(f"{PREFIX}/", _serving(assets, _PAGE))
    app.router.add_get(f"{PREFIX}/{{name}}", _serving(assets))


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


async def _to_page(_: web.Request) -> web.Response:
    # Relative, so that it holds behind a proxy that puts the server under another path.
    return web.Response(status=308, headers={**HEADERS, "Location": "playground/"})


def _serving(assets: Mapping[str, _Asset], fixed: str | None = None) -> Handler:
    """Return a handler for the assets by the `name` of the route, or for the one called `fixed`."""

    async def serve(request: web.Request) -> web.Response:
        asset = assets.get(fixed or request.match_info["name"])
        if asset is None:
            return web.Response(status=404, text="There is no such file.\n", headers=HEADERS)
        return _answer(request, asset)

    return serve


def _answer(request: web.Request, asset: _Asset) -> web.Response:
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
