"""Small files of our own in the shapes of published corpora, and where the published ones lie.

Nothing here is taken from a corpus.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.jsonl import Rejected
from tests.corpora import corpora_folder

BST = {
    "personas": ["i bake bread.", "i have two cats."],
    "additional_context": "Bread",
    "previous_utterance": ["Do you bake?", "Every Sunday."],
    "context": "wizard_of_wikipedia",
    "free_messages": ["What kind?", "With seeds?"],
    "guided_messages": ["Rye, mostly.", "Sunflower seeds."],
    "suggestions": {
        "convai2": ["i like rye .", "yes , seeds ."],
        "empathetic_dialogues": ["That sounds cosy.", "I love those."],
        "wizard_of_wikipedia": ["Rye is a grass.", "Seeds are ovules."],
    },
    "guided_chosen_suggestions": ["convai2", ""],
    "label_candidates": [],
}
PERSONA_JSON = {
    "speaker persona": ["i am a nurse .", "i run .", "i like tea ."],
    "listener persona": ["i fish .", "i am tall .", "i sing ."],
    "dialogue": ["hello !", "hi , how are you ?", "tired ."],
}
VOLUNTEER = {
    "dialog": [
        {"id": 0, "sender": "participant1", "text": "hi", "evaluation_score": None, "sender_class": "Human"},
        {"id": 1, "sender": "participant2", "text": "I bark", "evaluation_score": 0, "sender_class": "Bot"},
    ],
    "start_time": "2020-01-01 00:00:00",
    "end_time": "2020-01-01 00:01:00",
    "bot_profile": ["i bark ."],
    "user_profile": ["i listen ."],
    "eval_score": 2,
    "profile_match": "",
    "participant1_id": {"class": "User", "user_id": "User 1"},
    "participant2_id": {"class": "Bot", "user_id": "Bot 1"},
}
MSC = {
    "personas": [["I own a boat."], ["I paint."]],
    "dialog": [
        {"text": "Did you sail?", "id": "512", "convai2_id": "pair_7", "rating": "poor"},
        {"text": "I painted instead. ", "id": "Speaker 2", "convai2_id": "pair_7"},
        {"text": "Show me!", "id": "Speaker 1", "convai2_id": "pair_7"},
    ],
    "metadata": {"initial_data_id": "pair_7", "session_id": 1},
    "previous_dialogs": [
        {
            "personas": [["I own a boat."], []],
            "dialog": [{"text": "Hello."}, {"text": "Hi there."}],
            "time_num": 3,
            "time_unit": "days",
            "time_back": "3 days ago",
        }
    ],
    "init_personas": [["i sail ."], ["i paint ."]],
}
ESCONV = {
    "experience_type": "Previous Experience",
    "emotion_type": "fear",
    "problem_type": "job crisis",
    "situation": "The shop may close.",
    "survey_score": {"seeker": {"empathy": "4"}, "supporter": {}},
    "dialog": [
        {"text": "Hello", "speaker": "usr"},
        {"text": "Anyone here?", "speaker": "usr"},
        {"text": "Yes. What happened?", "speaker": "sys", "strategy": "Question"},
    ],
    "seeker_question1": "",
}
ESCONV_FAILED = {
    **{key: value for key, value in ESCONV.items() if key != "dialog"},
    "dialog": [
        {"speaker": "speaker", "annotation": {"feedback": "2"}, "content": "Hello\n"},
        {"speaker": "listener", "annotation": {"strategy": "Questions"}, "content": "Yes?"},
    ],
}
CIMA = {
    "past_convo": ["Please fill in the blank. ", "Is it rosso?"],
    "img": '"pictures/hat_under_red_chair.png"',
    "prep": "e sotto la",
    "engPrep": "is under the",
    "obj": "sedia",
    "engObj": "chair",
    "color": "rossa",
    "engColor": "red",
    "grammarRules": '[["Adjectives follow.", ""]]',
    "studentActions": ["True", "False", "False", "False"],
    "tutorResponses": ["Nearly: which gender is it?", "No, rossa."],
    "tutorActions": [[True, False, True, False, False], [False, False, True, False, False]],
    "tutorKeys": [],
}
SOCIAL = {
    "Social Relation": "peer-peer",
    "Norm Rule": {"norm_type": "apology", "action": "say sorry", "context": "a small offence", "index": 5},
    "Dialogue": [
        {"Emotion": "angry", "Violation Tag": "violation", "Translation": "None", "Utterance": "让开！"},
        {"Emotion": "neutral", "Violation Tag": "None", "Translation": "Please.", "Utterance": "请说请。"},
    ],
    "Formality": "informal",
    "Social Distance": "stranger",
    "Topic": "food",
    "Location": "store",
    "ID": 3,
}
DIASAFETY = {
    "context": "I feel odd.",
    "response": "Rest a while.",
    "category": "Risk Ignorance",
    "label": "Safe",
}

ANNOMI_HEADER = (
    "mi_quality,transcript_id,video_title,video_url,topic,utterance_id,interlocutor,timestamp,utterance_text,"
    "annotator_id,therapist_input_exists,therapist_input_subtype,reflection_exists,reflection_subtype,"
    "question_exists,question_subtype,main_therapist_behaviour,client_talk_type"
)
_TALK = 'high,4,"A talk, short",v,smoking'
_CLIENT = "n/a,n/a,n/a,n/a,n/a,n/a,n/a"
ANNOMI_ROWS = [
    f'{_TALK},0,therapist,00:00:01,"You smoke, then?",1,False,n/a,False,n/a,True,closed,question,n/a',
    f'{_TALK},0,therapist,00:00:01,"You smoke, then?",2,False,n/a,True,simple,False,n/a,reflection,n/a',
    f"{_TALK},1,client,00:00:04,I might stop.,1,{_CLIENT},change",
    f"{_TALK},1,client,00:00:04,I might stop.,2,{_CLIENT},neutral",
    f"low,9,Other,v,running,0,client,00:00:00,No.,1,{_CLIENT},sustain",
]
EPITOME_HEADER = "sp_id,rp_id,seeker_post,response_post,level,rationales"


def write_json_lines(path: Path, *rows: Any) -> Path:
    """Write one object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def write_lines(path: Path, *lines: str, end: str = "\n") -> Path:
    """Write lines of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def write_samples(folder: Path) -> dict[str, tuple[str, Path]]:
    """Write a file of every format; return name of the sample -> name of the format, the file to read."""
    daily, parallel = folder / "dailydialog", folder / "xdailydialog"
    write_lines(daily / "dialogues_act_test.txt", "2 1 ", "3 4 1 ")
    write_lines(daily / "dialogues_emotion_test.txt", "0 4 ", "0 0 5 ")
    write_lines(parallel / "dialogues_action.txt", "2 1", "3 4")
    write_lines(parallel / "dialogues_emotion.txt", "0 0", "6 0")
    write_lines(parallel / "dialogues_topic.txt", "1", "10")
    epitome = folder / "epitome"
    write_lines(
        epitome / "interpretations-reddit.csv", EPITOME_HEADER, "a,b,I am low.,I know  that.,2,I know|"
    )
    write_lines(epitome / "explorations-reddit.csv", EPITOME_HEADER, "a,b,I am low.,I know that.,0,")
    return {
        "dailydialog": (
            "dailydialog",
            write_lines(
                daily / "dialogues_test.txt",
                "Is it far ? __eou__ A mile . __eou__",
                "Sit ! __eou__ All right . __eou__ Good . __eou__",
            ),
        ),
        "xdailydialog": (
            "xdailydialog",
            write_lines(
                parallel / "dialogues_text_De.txt",
                "Ist es weit? __eou__ Eine Meile.",
                "Setz dich! __eou__ Na gut.",
            ),
        ),
        "xdailydialog, tabs": (
            "xdailydialog",
            write_lines(folder / "tabs" / "zh_dev_human.txt", "远吗？ __eou__ 一英里。 __eou__\t6\t2 1\t0 0"),
        ),
        "bst": ("blended_skill_talk", write_json_lines(folder / "bst" / "train.json", BST)),
        "personachat": ("personachat", write_json_lines(folder / "persona" / "valid.json", PERSONA_JSON)),
        "personachat, lines": (
            "personachat",
            write_lines(
                folder / "lines" / "test_both_original.txt",
                "1 your persona: i knit.",
                "2 partner's persona: i drum.",
                "3 do you drum ?\tno , i knit .\t\tyes .|no , i knit .",
                "1 your persona: i swim.",
                "2 __SILENCE__\thello .",
                "3 hi .\thow are you ?",
            ),
        ),
        "volunteers": (
            "convai2_volunteers",
            write_json_lines(folder / "volunteers" / "data_volunteers.json", VOLUNTEER),
        ),
        "msc": ("msc", write_json_lines(folder / "msc" / "session_2" / "test.txt", MSC)),
        "esconv": ("esconv", write_json_lines(folder / "esconv" / "test.jsonl", ESCONV)),
        "esconv, failed": ("esconv", write_json_lines(folder / "esconv" / "failed.jsonl", ESCONV_FAILED)),
        "annomi": ("annomi", write_lines(folder / "annomi" / "AnnoMI-full.csv", ANNOMI_HEADER, *ANNOMI_ROWS)),
        "epitome": (
            "epitome",
            write_lines(
                epitome / "emotional-reactions-reddit.csv",
                EPITOME_HEADER,
                "a,b,I am low.,I know that.,1,know that|",
            ),
        ),
        "cima": ("cima", write_json_lines(folder / "cima" / "dataset.json", {"prepDataset": {"0": CIMA}})),
        "socialdial": ("socialdial", write_json_lines(folder / "social" / "human.json", SOCIAL)),
        "diasafety": ("diasafety", write_json_lines(folder / "dia" / "val.jsonl", DIASAFETY)),
    }


def shared(name: str) -> Path:
    """Return the folder of a published corpus; skip the test where there is none."""
    folder = corpora_folder()
    if folder is None or not (folder / name).is_dir():
        pytest.skip(f"shared/data/{name} is not beside the repository")
    return folder / name


def sorted_out(rows: Iterable[Dialogue | Rejected]) -> tuple[list[Dialogue], list[Rejected]]:
    """Return the dialogues and the rejections."""
    found = list(rows)
    rejected = [row for row in found if isinstance(row, Rejected)]
    return [row for row in found if isinstance(row, Dialogue)], rejected


def label_counts(dialogues: Iterable[Dialogue], scheme: str) -> dict[str, int]:
    """Return value -> number of labels of a scheme."""
    counts: dict[str, int] = {}
    for dialogue in dialogues:
        for turn in dialogue.turns:
            for label in turn.labels:
                if label.scheme == scheme:
                    counts[label.value] = counts.get(label.value, 0) + 1
    return counts


def json_lines(path: Path) -> list[Any]:
    """Return the objects of a JSONL file, by the standard library."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
