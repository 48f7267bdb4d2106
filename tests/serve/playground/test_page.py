"""The files of the page over HTTP: types, headers, freshness, and nothing beyond the table."""

import gzip
import re
from collections.abc import Iterator
from importlib import resources

import pytest

from skillofmind import __version__
from skillofmind.mind.taxonomy import load_taxonomy
from tests.serve.serving import Got, Serving, ask
from tests.structure.source import ROOT

FILES = {
    "": "text/html; charset=utf-8",
    "index.html": "text/html; charset=utf-8",
    "playground.js": "text/javascript; charset=utf-8",
    "playground.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "api/info": "application/json",
}
MOST_PACKED = 60_000


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with Serving() as found:
        yield found


def got(server: Serving, name: str, **headers: str) -> Got:
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return ask(server, f"/playground/{name}", headers=sent)


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_its_type_and_the_strict_headers(server: Serving, name: str) -> None:
    found = got(server, name)
    assert (found.status, found.headers["content-type"]) == (200, FILES[name])
    policy = found.headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "unsafe" not in policy
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["referrer-policy"] == "no-referrer"
    assert found.headers["cache-control"] == "no-cache"


def test_a_file_that_the_browser_has_is_not_sent_again(server: Serving) -> None:
    first = got(server, "playground.js")
    again = got(server, "playground.js", If_None_Match=first.headers["etag"])
    other = got(server, "playground.js", If_None_Match='"other"')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (other.status, other.body) == (200, first.body)


def test_files_travel_compressed_where_the_browser_can_read_it(server: Serving) -> None:
    plain, packed = got(server, "playground.js"), got(server, "playground.js", Accept_Encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "name",
    ["../app.py", "..%2fapp.py", "%2e%2e/%2e%2e/app.py", "static/index.html", "page.py", "./index.html", "a"],
)
def test_nothing_but_the_files_of_the_page_is_served(server: Serving, name: str) -> None:
    found = got(server, name)
    assert found.status == 404
    assert b"import" not in found.body


def test_the_address_without_its_slash_leads_to_the_page(server: Serving) -> None:
    found = ask(server, "/playground")
    assert (found.status, found.headers["location"]) == (308, "playground/")


def test_the_page_is_told_what_it_talks_with(server: Serving) -> None:
    info = got(server, "api/info").json()
    taxonomy = load_taxonomy()
    assert [skill["name"] for skill in info["skills"]] == list(taxonomy.names())
    assert info["skills"][0]["names"] == {"ko": "공감"}
    assert info["categories"] == taxonomy.categories
    assert (info["version"], info["planner"], info["inject"]) == (__version__, "embedded", "both")
    assert (info["offline"], info["stream"], info["languages"]) == (True, True, ["en", "ko"])


def test_the_page_needs_no_key_and_holds_no_secret() -> None:
    with Serving("http://127.0.0.1:9/v1", keys=("sesame",), upstream_key="hidden", model="tiny") as server:
        told = got(server, "api/info")
        assert (told.status, told.json()["model"], told.json()["offline"]) == (200, "tiny", False)
        assert b"sesame" not in told.body + got(server, "").body
        assert b"hidden" not in told.body


def test_the_built_page_is_small_and_refers_to_itself_only() -> None:
    files = built()
    assert sum(len(gzip.compress(body)) for body in files.values()) < MOST_PACKED
    page = files["index.html"].decode()
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {name.removeprefix("./") for name in linked} == set(files) - {"index.html"}
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page) == []
    addresses = set(re.findall(rb"https?://[\w./-]+", b"".join(files.values())))
    assert {address for address in addresses if not address.startswith(b"http://www.w3.org/")} == set()


def test_the_source_makes_no_markup_of_text() -> None:
    sources = sorted((ROOT / "playground" / "src").rglob("*.ts*"))
    words = re.compile(r"[iI]nnerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
    assert len(sources) > 20
    assert [path.name for path in sources if words.search(path.read_text("utf-8"))] == []


def built() -> dict[str, bytes]:
    folder = resources.files("skillofmind.serve.playground") / "static"
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}
