"""Committed files: small, free of machine paths and private addresses; one word for one thing."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest

from tests.structure.source import ROOT, committed, definitions, modules

LARGEST_FILE = 1_000_000
LARGE_FILES_ALLOWED: dict[str, str] = {
    "src/skillofmind/mind/assets/embedded.bin": "the trained planner that works without a download",
    "src/skillofmind/mind/assets/starter.jsonl": "the dialogues that it was trained on",
}

MACHINE_PATH = re.compile(r"(?<![\w.:/~-])/(?:root|work|home|tmp)/")
OWN = "tests/structure/test_hygiene.py"
"""This file holds the patterns and their counterexamples."""

MACHINE_PATHS_ALLOWED: dict[str, str] = {}

URL = re.compile(r"\b(?:https?|wss?|ftp|git)://(?:[^\s/@\"'`]*@)?([\w.-]+)")
PUBLIC_HOSTS = {
    "arxiv.org",
    "doi.org",
    "aws.amazon.com",
    "creativecommons.org",
    "docs.astral.sh",
    "docs.python.org",
    "docs.ray.io",
    "download.pytorch.org",
    "github.com",
    "huggingface.co",
    "json-schema.org",
    "keepachangelog.com",
    "peps.python.org",
    "platform.openai.com",
    "semver.org",
    "www.apache.org",
    "www.w3.org",
}
LOCAL_HOST = re.compile(
    r"^(localhost|0\.0\.0\.0|127\.0\.0\.\d+|[a-z]+|.*\.(example|invalid|test|localhost)|(.*\.)?example\.(com|org|net))$"
)
REGISTRY = re.compile(
    r"\b[\w-]*(?:artifactory|nexus|devpi|pypi|npmjs|codeartifact)[\w-]*(?:\.[\w-]+)+", re.IGNORECASE
)

README_LINES = 200

GLOSSARY = ROOT / "GLOSSARY.md"
WORDS = "dialogue turn context skill explanation plan teacher planner responder policy run"
ONE_WORD = {"utterance": "turn", "rationale": "explanation", "ontology": "taxonomy", "oracle": "teacher"}
"""A word that no name of the package uses, and what is said in its place."""


def test_no_large_file_is_committed() -> None:
    large = {str(path.relative_to(ROOT)) for path in committed() if path.stat().st_size > LARGEST_FILE}
    assert large - set(LARGE_FILES_ALLOWED) == set()


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        f"{name}:{number} {line.strip()[:80]}"
        for name, text in texts()
        if name != OWN and name not in MACHINE_PATHS_ALLOWED
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_addresses_are_public_documentation_or_local() -> None:
    found = [
        f"{name}: {host}"
        for name, text in texts()
        for host in URL.findall(text)
        if name != OWN and host not in PUBLIC_HOSTS and not LOCAL_HOST.match(host)
    ]
    assert found == []


def test_no_package_registry_is_named() -> None:
    assert [
        f"{name}: {REGISTRY.findall(text)}" for name, text in texts() if name != OWN and REGISTRY.search(text)
    ] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= README_LINES


def test_the_licences_are_whole() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert len(text) == 11358
    assert "Copyright [yyyy] [name of copyright owner]" in text
    assert "CC BY 4.0" in (ROOT / "LICENSE-DATA").read_text("utf-8")


def test_public_names_use_one_word_for_one_thing() -> None:
    found = [
        f"{source.path}:{found.node.lineno} {found.name}: say {ONE_WORD[part]}"
        for source in modules()
        for found in definitions(source)
        for part in parts(found.node.name)
        if part in ONE_WORD
    ]
    assert found == []


def test_the_glossary_has_the_words_of_the_project() -> None:
    entries = {word for entry in glossary() for word in re.findall(r"\w+", entry)}
    assert set(WORDS.split()) - entries == set()
    refused = {word for others in glossary().values() for word in re.findall(r"\w+", others)}
    assert set(ONE_WORD) - refused == set()


@pytest.mark.parametrize("line", ["open('/home/me/x')", "PATH=/root/.cache", '"/tmp/out"', "see /work/main"])
def test_machine_paths_are_found(line: str) -> None:
    assert MACHINE_PATH.search(line)


@pytest.mark.parametrize(
    "line", ["https://example.com/home/", "runs/tmp/x", "~/work/x", "a/home/b", "./tmp/x"]
)
def test_other_paths_are_not(line: str) -> None:
    assert not MACHINE_PATH.search(line)


@pytest.mark.parametrize(
    ("line", "public"),
    [
        ("https://arxiv.org/abs/2411.04496", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://user:key@api.example.com/v1", True),
        ("https://mirror.corp.internal/simple", False),
        ("http://user:key@10.0.0.7/simple", False),
    ],
)
def test_private_addresses_are_found(line: str, *, public: bool) -> None:
    [host] = URL.findall(line)
    assert (host in PUBLIC_HOSTS or bool(LOCAL_HOST.match(host))) is public


def test_registries_are_found() -> None:
    assert REGISTRY.search("--index-url https://artifactory.corp.io/api/simple")
    assert not REGISTRY.search("pip install skillofmind")


def texts() -> Iterator[tuple[str, str]]:
    """Yield the committed files that people read or programs run, with their names."""
    kinds = (
        "*.py",
        "*.md",
        "*.toml",
        "*.yaml",
        "*.yml",
        "*.json",
        "*.html",
        "*.txt",
        "*.cfg",
        "Makefile",
        "run",
        "LICENSE*",
    )
    for path in committed():
        if any(fnmatch(path.name, kind) for kind in kinds):
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def glossary() -> dict[str, str]:
    """Return each word with the words that are not used for it."""
    rows = re.findall(r"^\| (.+?) \| .+ \| (.*?) ?\|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    return {word: others for word, others in rows if word not in ("word", "---")}


def parts(name: str) -> list[str]:
    """Split an identifier into lower-case words: `BestOf_n` -> best, of, n."""
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def test_the_lowest_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["fit"], *extras["eval"]]
    bounds = {re.split(r"[>=<]", text)[0]: re.split(r">=|,", text)[1] for text in wanted}
    lines = (ROOT / "tests" / "lowest.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {name: version.removesuffix(".0") for name, version in pinned.items()} == bounds
