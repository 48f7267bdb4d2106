"""How a reviewer types: single keys and pre-filled lines at a terminal, lines from a pipe.

At a terminal a key counts without Enter. On a Korean keyboard the letter on the same key counts as well, so
nobody has to switch. Without a terminal each answer is one line, prompts are left out, and the end of the
input ends the review.
"""

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

_KOREAN = dict(zip("ㅁㄷㄱㄴㅠㅂ", "aersbq", strict=True))


class Entry(NamedTuple):
    """Where answers come from; both raise `EOFError` at the end of the input.

    Attributes:
        key: asks for one key; takes the prompt, returns a letter in lower case.
        line: asks for a line; takes the prompt, the text to start from, and words for completion with Tab.
            An empty answer is the text to start from.
    """

    key: Callable[[str], str]
    line: Callable[[str, str, Sequence[str]], str]


def entry() -> Entry:
    """Return the way to read standard input."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    if sys.stdin.isatty() and sys.stdout.isatty():
        return Entry(_typed_key, _typed_line)
    return Entry(_piped_key, _piped_line)


def as_key(text: str) -> str:
    """Return the letter that was meant."""
    letter = text.strip()[:1].lower()
    return _KOREAN.get(letter, letter)


def _piped_key(prompt: str) -> str:
    return as_key(_piped_line(prompt, "", ()))


def _piped_line(prompt: str, given: str, words: Sequence[str]) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip() or given


def _typed_key(prompt: str) -> str:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    with _unbuffered(sys.stdin.fileno()) as descriptor:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        letter = ""
        while not letter:
            byte = os.read(descriptor, 1)
            if byte in (b"", b"\x04"):
                raise EOFError
            letter = decoder.decode(byte)
    key = as_key(letter)
    sys.stdout.write(f"{key if key.isprintable() else ''}\n")
    return key


@contextmanager
def _unbuffered(descriptor: int) -> Iterator[int]:
    """Let keys through one by one, unseen; Ctrl-C still interrupts."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _typed_line(prompt: str, given: str, words: Sequence[str]) -> str:
    with _line_editor(given, words):
        return input(prompt).strip() or given


@contextmanager
def _line_editor(given: str, words: Sequence[str]) -> Iterator[None]:
    """Start the next line from `given`, and complete `words` with Tab, where readline is there."""
    try:
        import readline
    except ImportError:
        yield
        return

    def complete(text: str, state: int) -> str | None:
        near = [word for word in words if word.casefold().startswith(text.casefold())]
        return near[state] if state < len(near) else None

    readline.set_completer(complete if words else None)
    readline.set_completer_delims("")
    readline.set_startup_hook(lambda: readline.insert_text(given) if not words else None)
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_startup_hook(None)
        readline.set_completer(None)
