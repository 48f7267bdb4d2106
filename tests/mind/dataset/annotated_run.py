"""A small annotation run: rows of every kind that a reviewer meets."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Annotation, Dialogue, Image, SocialContext, Turn

HOSTILE = "<img src=x onerror=\"document.title='owned'\"> & \u202eevil\u202c \x1b[31mred"


def row(name: str, *annotations: Annotation, **fields: Any) -> Dialogue:
    """Return a row that ends with a turn of Ben's with these annotations."""
    turns = (
        Turn("Ana", f"I failed the exam again ({name})."),
        Turn("Ben", "The statistics one? What did they say?", images=(Image("two friends in a café"),)),
        Turn("Ana", "That I may try once more. I don't know if I can face it."),
        Turn("Ben", "I'd be crushed too. Come over, I'll cook.", annotations=annotations),
    )
    settings: dict[str, Any] = {
        "context": SocialContext(relationship="flatmates", situation="Ana's results came this morning."),
        "lang": "en",
        "meta": {"dialogue": name, "index": 3, "group": name},
    }
    return Dialogue(turns, id=f"0:{name}", **{**settings, **fields})


def noted(skill: str, explanation: str = "She is low, and I want to be there for her.") -> Annotation:
    return Annotation(skill, explanation, "You should have studied more.", "teacher-1")


def rejected(name: str, reason: str) -> Dialogue:
    """Return a rejected row."""
    found = {
        "reason": reason,
        "detail": f"the detail of {name}",
        "replies": [{"role": "teacher", "text": f'[{{"skill": "Small talk", "of": "{name}"}}]'}],
        "teacher": "teacher-1",
    }
    return row(name, meta={"dialogue": name, "rejected": found})


def korean(name: str) -> Dialogue:
    annotation = Annotation(
        "Empathy",
        "지수가 많이 지쳐 보인다. 먼저 마음을 알아주고 싶다.",
        "나는 어제 새 운동화를 샀어.",
        "teacher-1",
    )
    return Dialogue(
        (
            Turn("지수", "요즘 회사 일이 너무 힘들어. 매일 밤 열한 시에 퇴근해."),
            Turn("민호", "진짜? 언제부터 그랬어?"),
            Turn("지수", "석 달쯤 됐어. 이제는 웃을 힘도 없어."),
            Turn("민호", "그렇게 오래 버텼구나. 정말 힘들었겠다.", annotations=(annotation,)),
        ),
        SocialContext(relationship="대학 친구", situation="지수는 이직을 고민하고 있다."),
        id=f"0:{name}",
        lang="ko",
    )


def write_run(folder: Path, annotated: Iterable[Dialogue], rejects: Iterable[Dialogue] = ()) -> Path:
    """Write the files of a run, the report with the counts of its skills included."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = list(annotated)
    skills: dict[str, int] = {}
    for one in kept:
        for annotation in one.turns[-1].annotations:
            skills[annotation.skill] = skills.get(annotation.skill, 0) + 1
    _write(folder / "annotated.jsonl", kept)
    _write(folder / "rejected.jsonl", rejects)
    (folder / "report.json").write_bytes(msgspec.json.encode({"rows": len(kept), "skills": skills}))
    return folder


def mixed_run(folder: Path) -> Path:
    """Write a run with a common and two rare skills, Korean, hostile text and rejected rows."""
    rows = [row(f"own:{number}", noted("Empathy", f"She is low ({number}).")) for number in range(12)]
    rows += [row("own:two", noted("Clarification", "Does she mean the retake?"), noted("Recommendation"))]
    rows += [korean("ko:1"), row("own:hostile", noted("Advice <b>", HOSTILE))]
    rejects = [rejected(f"bad:{number}", "oov" if number % 3 else "leak") for number in range(9)]
    return write_run(folder, rows, rejects)


def _write(path: Path, rows: Iterable[Dialogue]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in rows))
