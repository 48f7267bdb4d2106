"""BlendedSkillTalk: small talk that blends persona, empathy and knowledge.

Paper: arXiv 2004.08449. Licence of the text: CC BY 4.0.

Three shapes, as JSONL or a JSON array:
- Hugging Face: `personas`, `additional_context`, `previous_utterance` [2], `context`, `free_messages`,
  `guided_messages`, `suggestions`, `guided_chosen_suggestions`, `label_candidates`. The order is
  previous[0] A, previous[1] B, then for each i free[i] A, guided[i] B.
- ParlAI's `{train,valid,test}.json`: `personas` [2][2], `free_turker_utterance`, `guided_turker_utterance`,
  `dialog` [[0 or 1, text]], `suggestions` and `chosen_suggestions` for every turn, `context_dataset`.
- a copy with `dialogue`, `speaker persona`, `listener persona` and no suggestions.

| source | becomes |
|---|---|
| messages | turns of A (role `free`) and B (role `guided`); the two given first have `meta["seed"]` |
| personas | `Speaker.persona`; the Hugging Face form has the guided worker's only |
| chosen suggestion | label `blended_skill_talk.chosen_suggestion`; "" (none taken) is no label |
| suggestions, candidates | `Turn.meta` of the guided turn |
| additional context | `context.situation` (EmpatheticDialogues), `.topic` (Wizard), else `.text` |
| dataset of the context | `meta["context_dataset"]` |

Pitfall: the third shape is also PersonaChat's; two facts a side tell it from four or five.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, has_keys, split_of
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.persona.two_sided import TwoSided, empty_turn, facts_at, two_sided
from skillofmind.data.corpora.rows import Row, dialogues, rest
from skillofmind.data.jsonl import Rejected

CHOSEN = "blended_skill_talk.chosen_suggestion"
_LICENCE = "CC BY 4.0"


class _Published(Record, frozen=True, forbid_unknown_fields=False, rename={"seeds": "previous_utterance"}):
    """A row of the Hugging Face form."""

    seeds: tuple[str, str]
    free_messages: tuple[str, ...]
    guided_messages: tuple[str, ...]
    personas: tuple[str | tuple[str, ...], ...] = ()
    additional_context: str | None = None
    context: str = ""
    suggestions: dict[str, tuple[str, ...]] | tuple[dict[str, str], ...] = ()
    guided_chosen_suggestions: tuple[str, ...] = ()
    label_candidates: tuple[tuple[str, ...], ...] = ()


class _Original(
    Record,
    frozen=True,
    forbid_unknown_fields=False,
    rename={"free_seed": "free_turker_utterance", "guided_seed": "guided_turker_utterance"},
):
    """A row of ParlAI's JSON."""

    personas: tuple[tuple[str, ...], tuple[str, ...]]
    free_seed: str
    guided_seed: str
    dialog: tuple[tuple[int, str], ...]
    suggestions: tuple[dict[str, str] | None, ...] = ()
    chosen_suggestions: tuple[str, ...] = ()
    context_dataset: str = ""
    additional_context: str | None = None
    label_candidates: tuple[tuple[str, ...], ...] = ()


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or of a folder's JSON files.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "*.json", "*.jsonl"), json_objects, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the keys of the three shapes."""
    return (
        has_keys(head, "free_messages", "guided_messages")
        or has_keys(head, "guided_turker_utterance")
        or facts_at(head) == 2
    )


def _dialogue(row: Row) -> Dialogue | Rejected:
    if "dialogue" in row.value:
        found = msgspec.convert(row.value, TwoSided)
        fault = empty_turn(found.dialogue)
        return row.rejected(fault) if fault else _plain(row, found)
    if "dialog" in row.value:
        return _original(row, msgspec.convert(row.value, _Original))
    return _published(row, msgspec.convert(row.value, _Published))


def _plain(row: Row, found: TwoSided) -> Dialogue:
    plain = two_sided(row, found, "blended_skill_talk", _LICENCE)
    free, guided = plain.speakers
    roles = (msgspec.structs.replace(free, role="free"), msgspec.structs.replace(guided, role="guided"))
    return msgspec.structs.replace(plain, speakers=roles)


def _published(row: Row, found: _Published) -> Dialogue | Rejected:
    free, guided, chosen = found.free_messages, found.guided_messages, found.guided_chosen_suggestions
    if len(free) - len(guided) not in (0, 1):
        return row.rejected(f"{len(free)} free and {len(guided)} guided messages do not take turns.")
    if chosen and len(chosen) != len(guided):
        return row.rejected(f"{len(guided)} guided messages have {len(chosen)} chosen suggestions.")
    said: list[Turn] = []
    for index, text in enumerate(free):
        said.append(Turn("A", text))
        if index < len(guided):
            extra = _at(found.suggestions, index), _item(found.label_candidates, index)
            said.append(_guided(guided[index], _item(chosen, index) or "", *extra))
    nested = [persona for persona in found.personas if not isinstance(persona, str)]
    flat = tuple(persona for persona in found.personas if isinstance(persona, str))
    personas = (*nested, (), ())[:2] if nested else ((), flat)
    meta = rest(row.value, _Published)
    return _blended(row, found.seeds, said, personas, found.context, found.additional_context, meta)


def _original(row: Row, found: _Original) -> Dialogue | Rejected:
    count = len(found.dialog)
    if len(found.chosen_suggestions) not in (0, count):
        return row.rejected(f"{count} messages have {len(found.chosen_suggestions)} chosen suggestions.")
    said = []
    for index, (who, text) in enumerate(found.dialog):
        if who not in (0, 1):
            return row.rejected(f"message {index + 1} is of speaker {who}; only 0 and 1 speak.")
        extra = _item(found.suggestions, index), _item(found.label_candidates, index // 2)
        chosen = _item(found.chosen_suggestions, index) or ""
        said.append(_guided(text, chosen, *extra) if who else Turn("A", text))
    seeds = found.free_seed, found.guided_seed
    meta = rest(row.value, _Original)
    return _blended(row, seeds, said, found.personas, found.context_dataset, found.additional_context, meta)


def _guided(text: str, chosen: str, suggestions: Any, candidates: Any) -> Turn:
    extra = {"suggestions": suggestions, "label_candidates": candidates}
    return Turn(
        "B",
        text,
        labels=(Label(CHOSEN, chosen, annotator="B"),) if chosen else (),
        meta={key: value for key, value in extra.items() if value},
    )


def _blended(
    row: Row,
    seeds: tuple[str, str],
    said: list[Turn],
    personas: tuple[tuple[str, ...], ...],
    dataset: str,
    additional: str | None,
    meta: dict[str, Any],
) -> Dialogue | Rejected:
    first = [Turn(who, text, meta={"seed": True}) for who, text in zip("AB", seeds, strict=True)]
    turns = (*first, *said)
    fault = empty_turn([turn.text for turn in turns])
    if fault:
        return row.rejected(fault)
    return Dialogue(
        turns=turns,
        context=_context(dataset, additional or None),
        id=f"blended_skill_talk:{row.place}",
        speakers=(
            Speaker("A", role="free", human=True, persona=personas[0]),
            Speaker("B", role="guided", human=True, persona=personas[1]),
        ),
        corpus="blended_skill_talk",
        split=split_of(row.path),
        lang="en",
        licence=_LICENCE,
        scenario="small talk",
        meta={"context_dataset": dataset, **meta},
    )


def _context(dataset: str, additional: str | None) -> SocialContext:
    """Return what the workers were told, by the dataset that it was taken from."""
    if dataset == "empathetic_dialogues":
        return SocialContext(situation=additional)
    if dataset == "wizard_of_wikipedia":
        return SocialContext(topic=additional)
    return SocialContext(text=additional)


def _item(values: tuple[Any, ...], index: int) -> Any:
    return values[index] if index < len(values) else None


def _at(suggestions: dict[str, tuple[str, ...]] | tuple[dict[str, str], ...], index: int) -> Any:
    """Return the suggestions for one guided message, from columns or from rows."""
    if isinstance(suggestions, dict):
        return {name: texts[index] for name, texts in suggestions.items() if index < len(texts)}
    return _item(suggestions, index)
