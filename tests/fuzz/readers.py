"""Fuzz every reader: whatever the bytes are, a reader yields dialogues and rejections or raises a DataError.

    python -m tests.fuzz.readers --seconds 120 [--only NAME]      needs atheris (see `make fuzz`)

Each reader is fuzzed for its share of the time in a process of its own, from a corpus of small seeds: the
starter dialogues in every format that can be written, and for corpora the first bytes of shared files where
they are present. A crash, a hang of more than 20 seconds or a lost row ends with exit code 1 and keeps the
input.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.data.formats import ALL, Format
from skillofmind.data.jsonl import Rejected, write_jsonl
from skillofmind.mind.starter import starter_dialogues

SEED_BYTES = 20_000
HANG_SECONDS = 20


def main() -> int:
    """Fuzz all readers, one after the other; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=120, help="for all readers together (default: 120)")
    parser.add_argument("--only", default="", help="one format, by name")
    parser.add_argument("--shared", type=Path, help="folder of published corpora, for seeds")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.inside:
        _fuzz(_named(options.inside), rest)
    chosen = [_named(options.only)] if options.only else list(ALL)
    failed = [
        f.name for f in chosen if not _survives(f, max(2, options.seconds // len(chosen)), options.shared)
    ]
    sys.stderr.write(f"{len(chosen)} readers fuzzed; failed: {', '.join(failed) or 'none'}\n")
    return 1 if failed else 0


def read_all(form: Format, data: bytes, name: str) -> list[Dialogue | Rejected]:
    """Return what the reader makes of a file called `name` with these bytes; DataError counts as nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(data)
        try:
            return list(islice(form.reader().read(file), 10_000))
        except DataError:
            return []


def _named(name: str) -> Format:
    return next(form for form in ALL if form.name == name)


def _survives(form: Format, seconds: int, shared: Path | None) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(_seeds(form, shared)):
            (Path(folder) / f"seed{number}").write_bytes(seed)
        command = [sys.executable, "-m", "tests.fuzz.readers", "--inside", form.name, folder]
        limits = [f"-max_total_time={seconds}", f"-timeout={HANG_SECONDS}", f"-max_len={SEED_BYTES}"]
        done = subprocess.run([*command, *limits, "-verbosity=0"], check=False)
    sys.stderr.write(f"{form.name}: {'ok' if done.returncode == 0 else 'FAILED'}\n")
    return done.returncode == 0


def _seeds(form: Format, shared: Path | None) -> Iterator[bytes]:
    yield b"".join(write_jsonl(islice(starter_dialogues(), 5)))
    for file in sorted(shared.rglob("*")) if shared else []:
        if file.is_file() and form.reader().looks_like(file.read_bytes()[:SEED_BYTES], file):
            yield file.read_bytes()[:SEED_BYTES]


def _fuzz(form: Format, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["skillofmind.data"]):
        form.reader()
    names = ("x.jsonl", "x.json", "x.csv", "x.txt", "x.tsv")

    def one(data: bytes) -> None:
        if data:
            read_all(form, data[1:], names[data[0] % len(names)])

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    raise SystemExit(main())
