r"""Tokens of informal text as NLTK's casual (tweet) tokenizer cuts it, which distinct-k is published with.

The first of these that fits takes the text from where the last one ended: web address, phone number,
emoticon, HTML tag, arrow, `@name`, `#tag`, e-mail address, joined emoji, flag, word with apostrophes or
hyphens inside, number, word, dots, any other character. So `don't` and `:-)` are one token each. HTML
entities are resolved first, and a mark that stands more than three times counts three times.

The patterns are those of NLTK 3.10 (Apache-2.0, Christopher Potts and others), rewritten for the standard
library. Text in which superscripts, fractions or circled letters touch a word is cut elsewhere than there.

Scripts without spaces have no words here: a clause of Chinese is one token. `overlap.units` is for those.

    >>> casual_tokens("I can't wait :-) see www.example.org...")
    ['I', "can't", 'wait', ':-)', 'see', 'www.example.org', '...']
"""

import re
from functools import cache
from html.entities import name2codepoint

from skillofmind.scorers.overlap import marks

_MOUTH = r"[)\](\[dDpP/:}{@|\\]"
_EMOTICON = rf"[<>]?[:;=8][-o*']?{_MOUTH}|{_MOUTH}[-o*']?[:;=8][<>]?|</?3"

_BALANCED = r"\([^\s()]{0,255}?\([^\s()]{1,255}\)[^\s()]{0,255}?\)|\(\S{1,255}?\)"
_ADDRESS = rf"""
(?: https?:(?:/{{1,3}}|[a-z0-9%]) | [a-z0-9.\-]{{1,255}}[.][a-z]{{2,13}}/ )
(?: [^\s()<>{{}}\[\]] | {_BALANCED} )+
(?: {_BALANCED} | [^\s`!()\[\]{{}};:'".,<>?«»“”‘’] )
"""
"""NLTK repeats runs of characters here, which takes exponential time where the end does not fit."""

_DOMAIN = r"(?<!@)[a-z0-9]+(?:[.\-][a-z0-9]+){0,126}[.][a-z]{2,13}"

_PHONE = r"(?:\+?[01][\ *\-.)]*)?(?:\(?\d{3}[\ *\-.)]*)?\d{3}[\ *\-.)]*\d{4}"
_SKIN = "[\U0001f3fb-\U0001f3ff]"
_PEOPLE = rf"\S(?:{_SKIN}?(?:\u200d\S{_SKIN}?)+|{_SKIN})"
_FLAG = (
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f"
)

_ENTITY = re.compile(r"&(#?(x?))([^&;\s]+);")
_REPEATED = re.compile(r"([\W_])\1{3,}")


def casual_tokens(text: str) -> list[str]:
    """Return the tokens in order, in the case of the text."""
    if "&" in text:
        text = _ENTITY.sub(_resolved, text)
    text = _REPEATED.sub(r"\1\1\1", text)
    plain = text.isascii() or not _pattern_of_marks().search(text)
    return _pattern("" if plain else marks() + "\u200c\u200d").findall(text)


@cache
def _pattern_of_marks() -> re.Pattern[str]:
    return re.compile(f"[{marks()}\u200c\u200d]")


@cache
def _pattern(more: str) -> re.Pattern[str]:
    """Return the pattern in which the characters of `more` count as letters."""
    word = rf"[\w{more}]"
    letter = rf"(?:[^\W\d_]|[{more}])" if more else r"[^\W\d_]"
    parts = (
        _ADDRESS,
        rf"{_DOMAIN}(?!{word})/?(?!@)",
        _PHONE,
        _EMOTICON,
        r"<[^>\s]+>",
        r"-+>|<-+",
        f"@{word}+",
        rf"\#+{word}+[\w'\-{more}]*{word}+",
        rf"[\w.+\-{more}]{{1,64}}@[\w\-{more}]{{1,63}}\.(?:[\w\-{more}]\.?){{1,251}}[\w\-{more}]",
        _PEOPLE,
        _FLAG,
        rf"{letter}(?:{letter}|['\-_])+{letter}",
        r"[+\-]?\d+[,/.:-]\d+[+\-]?",
        f"{word}+",
        r"\.(?:[^\S\r\n]*\.)+",
        r"\S",
    )
    return re.compile("|".join(f"(?:{part})" for part in parts), re.VERBOSE | re.IGNORECASE)


def _resolved(found: re.Match[str]) -> str:
    number = _code(found[1], found[2], found[3])
    if number is None:
        return ""
    # Browsers read these as Windows-1252.
    if found[1] and 0x80 <= number <= 0x9F:
        return bytes((number,)).decode("cp1252", "ignore")
    return chr(number) if 0 <= number <= 0x10FFFF else ""


def _code(sign: str, base: str, body: str) -> int | None:
    if not sign:
        return name2codepoint.get(body)
    try:
        return int(body, 16 if base else 10)
    except ValueError:
        return None
