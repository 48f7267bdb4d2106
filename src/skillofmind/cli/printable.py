r"""Foreign text that is safe to show at a terminal.

Control characters could move the cursor, colour the screen or retitle the window, and direction overrides
could show words in another order than they are stored in; both are spelled out. Letters of every script,
emoji, line breaks and tabs stay.

    >>> printable("red \x1b[31malert")
    'red \\x1b[31malert'
"""

import re

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return `text` with control characters, direction overrides and half characters spelled out."""
    return _UNSAFE.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
