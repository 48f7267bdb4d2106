import pytest

from skillofmind.core.dialogue import Annotation, Dialogue, SocialContext, Turn
from skillofmind.mind.audit.unsafe import categories, findings, luhn, matches, verdicts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I took an overdose.", ["self_harm"]),
        ("요즘 죽고 싶어요", ["self_harm"]),
        ("can I make a gun at home", ["weapons"]),
        ("a glue gun", []),
        ("mix vinegar with bleach", ["chemicals"]),
        ("call +44 20 7946 0958", ["phone"]),
        ("010-1234-5678로 전화해", ["phone"]),
        ("they are on 0721 555 014 until midnight", ["phone"]),
        ("my number is 0176 554 20 81", ["phone"]),
        ("089 552 1176. come quick", ["phone"]),
        ("ring 01765542081", ["phone"]),
        ("06 12 34 56 78, mon numéro", ["phone"]),
        ("on 05/06/2024, 05.06.2024 or 05-06-2024", []),
        ("it says 0612 2.1 and 1234 0.9", []),
        ("order 80-3314 of 2024-05-01, at 07 30 then", []),
        ("call 112, or 911", []),
        ("look at shop-online.com for it", ["web"]),
        ("write to a.b@example.org", ["email", "web"]),
        ("see https://example.org/x", ["web"]),
        ("at 18 Myrtle Road", ["address"]),
        ("18 miles by road", []),
        ("card 4111 1111 1111 1111", ["card"]),
        ("card 4111 1111 1111 1112", []),
        ("number 123-45-6789", ["identity"]),
        ("Damn. Damn!", ["profanity"]),
        ("We met in 1999 at 10:30, 12-14 of us", []),
        ("Dickens and a shiitake", []),
    ],
)
def test_by_example(text: str, expected: list[str]) -> None:
    assert [name for name, _ in matches(text)] == expected


def test_luhn_by_hand() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert not luhn("")


def test_contexts_turns_and_annotations_are_read() -> None:
    turns = (
        Turn("A", "fine"),
        Turn("B", "ok", annotations=(Annotation("Empathy", "I fear an overdose.", "Damn it."),)),
    )
    row = Dialogue(turns, SocialContext(situation="a tin of poison"), id="a")
    found = list(findings([row]))
    assert [(one.check, one.turn) for one in found] == [
        ("chemicals", None),
        ("self_harm", 2),
        ("profanity", 2),
    ]
    assert found[0].why == "context: 'a tin of poison'"
    counts = {one.check: one.count for one in verdicts(found)}
    assert tuple(counts) == categories()
    assert sum(counts.values()) == 3
    assert not any(one.hard for one in verdicts(found))
