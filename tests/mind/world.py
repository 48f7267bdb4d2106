"""A rule world: the relationship in the context and the kind of the last turn decide the skill together."""

import random
from pathlib import Path

from skillofmind.core.dialogue import Annotation, Dialogue, SocialContext, Turn
from skillofmind.mind.cues import Lexicon, compile_lexicon
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy

SKILLS = ("Comfort", "Advice", "Apology", "Service")

TAXONOMY = """
version = 1

[categories]
"All" = { ko = "전부" }
""" + "".join(
    f"""
[[skills]]
name = "{name}"
category = "All"
definition = "Gives {name.lower()}."
when = "It is time for {name.lower()}."
contrast = "{contrast}"
difference = "{contrast} is not {name}."
aim = "give {name.lower()}"
names = {{ ko = "{korean}" }}
aims = {{ ko = "{korean}을 하고 싶다" }}
"""
    for name, contrast, korean in zip(
        SKILLS, ("Advice", "Comfort", "Service", "Apology"), ("위로", "조언", "사과", "응대"), strict=True
    )
)

LEXICON: Lexicon = compile_lexicon({"low": {"en": ["so sad", "awful*"], "ko": ["슬퍼"]}})

_THINGS = ["lamp", "bicycle", "ticket", "kettle", "sofa", "phone", "garden", "coat", "piano", "boat"]
_FEELINGS = ["so sad", "awful", "so low", "ashamed"]
_PLACES = ["friends since school", "clerk and customer"]


def taxonomy_in(folder: Path) -> Taxonomy:
    """Write the four skills into `folder` and read them."""
    path = folder / "four.toml"
    path.write_text(TAXONOMY, encoding="utf-8")
    return load_taxonomy(path)


def dialogues(each: int, seed: int) -> list[Dialogue]:
    """Return `each` dialogues of every skill, the last turn annotated."""
    draw = random.Random(seed)
    found = []
    for number in range(each):
        for place, skill in enumerate(SKILLS):
            found.append(_dialogue(f"rule:{seed}:{number}:{place}", skill, draw))
    return found


def _dialogue(name: str, skill: str, draw: random.Random) -> Dialogue:
    friends = skill in ("Comfort", "Advice")
    feels = skill in ("Comfort", "Apology")
    one, other = draw.sample(_THINGS, 2)
    feeling = f"I feel {draw.choice(_FEELINGS)} about the {one}."
    last = feeling if feels else f"Which {one} would you take, or the {other}?"
    return Dialogue(
        turns=(
            Turn("B", f"Hello, is this about the {other}?"),
            Turn("A", last),
            Turn("B", "reply", annotations=(Annotation(skill),)),
        ),
        context=SocialContext(relationship=_PLACES[0] if friends else _PLACES[1]),
        id=name,
        lang="en",
    )
