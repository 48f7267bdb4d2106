"""Small files in the documented form of every corpus, with texts of our own."""

import json
from typing import Any

from tests.data.corpora.reading import json_lines

SODA: dict[str, Any] = {
    "head": "PersonX mends the bike",
    "relation": "xWant",
    "tail": "to ride home",
    "literal": "Mara mends the bike. Now Mara wants to ride home.",
    "narrative": "Mara mends her bike with Jo's pump.",
    "dialogue": ["Can I have the pump?", " Sure, here. ", "It holds!"],
    "speakers": ["Mara", "Jo", "Mara"],
    "PersonX": "Mara",
    "PersonY": "",
    "PersonZ": "",
    "original_index": 41,
    "split": "valid",
    "head_answer": "Yes",
}

_ORDINALS = ("first", "second", "third", "fourth", "fifth")

CHRONICLE: dict[str, Any] = {
    "dataID": "episode-7",
    "relationship": "Neighbors",
    "time_interval": [
        "Start",
        "A few hours after",
        "A couple of weeks",
        "A month later",
        "A year before",
    ],
    "summary": [f"They talk about plan {number}." for number in range(1, 6)],
    **{
        f"{ordinal}_session_{field}": values
        for number, ordinal in enumerate(_ORDINALS, 1)
        for field, values in {
            "dialogue": [f"Plan {number}?", f"Yes, plan {number}."],
            "speakers": ["Neighbors A", "Neighbors B"],
        }.items()
    },
}

STARK: dict[str, Any] = {
    "unique_id": "p3:e1",
    "name": "Ines",
    "age": 34,
    "gender": "Female",
    "birthplace": "Portugal",
    "residence": "Norway",
    "number_of_session": 2,
    "session1:utterance": ["I found my old camera.", "", "Lovely!"],
    "session1:speaker": ["Ines", "Ines", "AI Assistant"],
    "session1:image_description": ["", "a dusty camera on a table", ""],
    "session1:images_key": ["", "k1", ""],
    "session1:time_interval": "0 hours",
    "session1:experience": "",
    "session1:event": "Ines tidies the attic.",
    "session2:utterance": ["The film came out well."],
    "session2:speaker": ["Ines"],
    "session2:image_description": [""],
    "session2:images_key": [""],
    "session2:time_interval": "2 months",
    "session2:experience": ["Ines takes a course."],
    "session2:event": "Ines shows her first pictures.",
}

PROSOCIAL: list[dict[str, Any]] = [
    {
        "context": "I will read my sister's diary.",
        "response": "Would you like her to read yours?",
        "rots": ["You should not read other people's diaries."],
        "safety_label": "__needs_caution__",
        "safety_annotations": ["needs caution", "casual", "needs caution"],
        "safety_annotation_reasons": ["private", "fine", "a breach"],
        "source": "ours",
        "etc": "",
        "dialogue_id": 5,
        "response_id": 0,
        "episode_done": False,
    },
    {
        "context": "No. I will ask her.",
        "response": "Good idea.",
        "rots": None,
        "safety_label": "__casual__",
        "safety_annotations": ["casual"],
        "safety_annotation_reasons": ["kind"],
        "source": "ours",
        "etc": "",
        "dialogue_id": 5,
        "response_id": 1,
        "episode_done": True,
    },
    {
        "context": "It rains.",
        "response": "Take an umbrella.",
        "rots": ["It is good to be dry.", "It is kind to help."],
        "safety_label": "__casual__",
        "safety_annotations": [],
        "safety_annotation_reasons": [],
        "source": "ours",
        "etc": "",
        "dialogue_id": 6,
        "response_id": 0,
        "episode_done": True,
    },
]

PROSOCIAL_LISTS: list[list[dict[str, Any]]] = [
    [
        {"text": "I hid his keys.", "labels": ["Give them back."], "rots": ["Do not hide keys."]}
        | {"safety_label": "__needs_caution__", "episode_done": False},
        {"text": "Fine.", "labels": ["Thanks."], "rots": ["It is good to give back."]}
        | {"safety_label": "__casual__", "episode_done": True},
    ],
    [{"text": "Hello.", "labels": ["Hello!"], "rots": None, "safety_label": "__casual__"}],
]

EMPATHETIC_CSV = (
    b"conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags\n"
    b'hit:1_conv:2,1,proud,My son_comma_ at last_comma_ reads.,10,"He reads_comma_ alone!,5|5|5_4|4|4,\n'
    b"hit:1_conv:2,2,proud,My son_comma_ at last_comma_ reads.,11,Wonderful.,5|5|5_4|4|4,<SELFEVAL>,odd\n"
    b"hit:1_conv:3,1,afraid,A storm.,10,It howls.,1|1|1_1|1|1,\n"
)

EMPATHETIC_GROUPED: dict[str, Any] = {
    "conv_id": "hit:8_conv:1",
    "prompt": "I lost a bet.",
    "label": "annoyed",
    "utterence": ["I lost, again.", "Against whom?", "My aunt."],
}

WIZARD: dict[str, Any] = {
    "chosen_topic": "Kites",
    "persona": "i like wind.",
    "wizard_eval": 4,
    "dialog": [
        {
            "speaker": "0_Wizard",
            "text": "Kites are old.",
            "checked_sentence": {"chosen_Kites_0": "Kites were flown long ago."},
            "checked_passage": {"chosen_topic_0_Kites": "Kites"},
            "retrieved_passages": [{"Kites": ["Kites were flown long ago."]}],
            "retrieved_topics": ["Kites"],
        },
        {"speaker": "1_Apprentice", "text": "How old? ", "retrieved_passages": [], "retrieved_topics": []},
    ],
    "chosen_topic_passage": ["Kites were flown long ago."],
}

CACTUS: dict[str, Any] = {
    "thought": "I always fail.",
    "patterns": ["overgeneralization"],
    "intake_form": "Name:\nAlex\nAge:\n30",
    "cbt_technique": "Evidence-Based Questioning",
    "cbt_plan": "1. Ask.",
    "attitude": "neutral",
    "dialogue": (
        "Counselor: What did you say?\n"
        "Client (sighs): I said: Client: nobody, Counselor: nobody.\n"
        "\n"
        "It was odd.\n"
        "Counselor:And then? "
    ),
}

CASINO: dict[str, Any] = {
    "dialogue_id": 12,
    "chat_logs": [
        {"text": "Hi there! ", "task_data": {}, "id": "mturk_agent_1"},
        {"text": "ok", "task_data": {}, "id": "mturk_agent_2"},
        {"text": "I need water.", "task_data": {}, "id": "mturk_agent_1"},
        {"text": "ok", "task_data": {}, "id": "mturk_agent_2"},
        {"text": "Submit-Deal", "task_data": {"issue2youget": {"Food": "1"}}, "id": "mturk_agent_1"},
        {"text": "Accept-Deal", "task_data": {"data": "accept_deal"}, "id": "mturk_agent_2"},
    ],
    "participant_info": {
        agent: {
            "value2issue": {"Low": "Food", "High": issue, "Medium": "Firewood"},
            "value2reason": {
                "High": f"{issue} matters most.",
                "Medium": "Cold nights.",
                "Low": "We ate.",
            },
            "outcomes": {"points_scored": 18, "satisfaction": "Undecided", "opponent_likeness": "Undecided"},
            "demographics": {"age": age, "gender": "female", "ethnicity": "other", "education": "school"},
            "personality": {"svo": "proself", "big-five": {"extraversion": 2.5, "agreeableness": 6.0}},
        }
        for agent, issue, age in (("mturk_agent_2", "Water", 40), ("mturk_agent_1", "Food", 20))
    },
    "annotations": [
        ["Hi there! ", "small-talk"],
        ["I need water.", "self-need,elicit-pref"],
        ["ok", ""],
        ["never said", "no-need"],
    ],
}

PERSUASION_FULL = (
    b',Unit,Turn,B4,B2\n0,"Hi, you. ",0,0,d1\n1,Would you give?,0,0,d1\n2,Maybe.,0,1,d1\n3,Hello.,0,0,d2\n'
)
PERSUASION_300 = (
    b"row,B2,B4,Turn,Unit,er_label_1,ee_label_1,er_label_2,ee_label_2,neg,neu,pos\n"
    b"0,d2,0,0,Hello.,greeting,,praise-user,,0,1,0\n"
    b"1,d2,1,0,Hi.,,greeting,,,,,\n"
)
PERSUASION_INFO = (
    b"B2,B3,B4,B6,B7,extrovert.x,age.x,sex.x\nd1,u1,0,0.5,10,3.4,36.0,Female\nd1,u2,1,0.0,10,2.0,,Male\n"
)

MULTIWOZ: dict[str, Any] = {
    "dialogue_id": "OWN01.json",
    "services": ["hotel", "taxi"],
    "turns": [
        {
            "speaker": "USER",
            "turn_id": "0",
            "utterance": "A room, please.",
            "frames": [
                {
                    "service": "hotel",
                    "slots": [],
                    "actions": [],
                    "state": {"active_intent": "find_hotel", "requested_slots": [], "slot_values": {}},
                },
                {
                    "service": "bus",
                    "slots": [],
                    "actions": [],
                    "state": {"active_intent": "NONE", "requested_slots": [], "slot_values": {}},
                },
            ],
        },
        {"speaker": "SYSTEM", "turn_id": "1", "utterance": "Which day?", "frames": []},
    ],
}
MULTIWOZ_ACTS = {
    "OWN01.json": {
        "0": {"dialog_act": {"Hotel-Inform": [["type", "hotel"]]}, "span_info": []},
        "1": {"dialog_act": {"Hotel-Request": [["day", "?"]], "general-reqmore": []}, "span_info": []},
    }
}

PEARL: dict[str, Any] = {
    "dialogue": ["Seeker: A film with boats?", "", "Recommender: He says: Seeker: go!\nYou may like it.", ""],
    "user_persona": "I like boats.\nI dislike gore.",
    "gt": "A Boat (2001)",
}

PERSONA_CHAT = (
    b"user 1 personas,user 2 personas,Best Generated Conversation\n"
    b'"I row.\nI bake.","I sing.","User 1: Hi, User 2: no, you!\n'
    b"User 2: Bread:\n\n* flour\n\n[Later]\nUser 1: Thanks. \n* * *\n"
    b'* * User 2: * * Bye"\n'
)

STUDIO: dict[str, Any] = {
    "new dialog id": "SODA--train--9",
    "original dialog id": "",
    "dialog index": 9,
    "original dialog info": json.dumps(
        {"narrative": "Two meet.", "speakers": ["Ann", "Ben", "Ann"], "original_index": 8, "split": "train"}
    ),
    "log": [
        {
            "turn id": 1,
            "user utterance": "Hi.",
            "system response": "Hello.",
            "dialog history": "",
            "original user side information": "{}",
            "original system side information": "",
        },
        {
            "turn id": 2,
            "user utterance": "Bye.",
            "system response": "",
            "dialog history": "Hi.",
            "original user side information": "{}",
            "original system side information": "",
        },
    ],
    "prompt": [],
}

WILD: dict[str, Any] = {
    "id": "0x1",
    "dialog_id": "0x1",
    "dialog": [
        {"id": 0, "sender": "participant2", "text": "beep", "sender_class": "Bot"},
        {"id": 1, "sender": "participant1", "text": "hello", "sender_class": "Human"},
    ],
    "user_profile": [["i", " ", "r", "o", "w", "."]],
    "bot_profile": ["i sing."],
    "eval_score": 3,
    "profile_match": 1,
}


def columns(*rows: dict[str, Any]) -> bytes:
    """Return rows as a table of columns, over several lines."""
    return json.dumps({name: [row[name] for row in rows] for name in rows[0]}, indent=1).encode()


def listed(*rows: Any) -> bytes:
    return json.dumps(rows).encode()


FILES: tuple[tuple[str, str, bytes], ...] = (
    ("soda", "train.jsonl", json_lines(SODA, SODA)),
    ("soda", "train.json", listed(SODA, SODA)),
    ("conversation_chronicles", "valid.jsonl", json_lines(CHRONICLE, CHRONICLE)),
    ("stark", "stark.json", listed(STARK)),
    ("prosocial", "test.json", columns(*PROSOCIAL)),
    ("prosocial", "test.jsonl", json_lines(*PROSOCIAL)),
    ("prosocial", "lists.json", listed(*PROSOCIAL_LISTS)),
    ("empathetic_dialogues", "test.csv", EMPATHETIC_CSV),
    ("empathetic_dialogues", "test.jsonl", json_lines(EMPATHETIC_GROUPED)),
    ("empathetic_dialogues", "intents.jsonl", json_lines({"text": "Oh no.", "intent": "sympathizing"})),
    ("wizard_of_wikipedia", "train.json", listed(WIZARD, WIZARD)),
    ("cactus", "cactus.jsonl", json_lines(CACTUS, CACTUS)),
    ("casino", "train.jsonl", json_lines(CASINO, CASINO)),
    ("persuasionforgood", "full_dialog.csv", PERSUASION_FULL),
    ("persuasionforgood", "300_dialog.csv", PERSUASION_300),
    ("multiwoz", "dialogues_001.json", listed(MULTIWOZ, MULTIWOZ)),
    ("pearl", "train.json", listed(PEARL, PEARL)),
    ("synthetic_persona_chat", "Synthetic-Persona-Chat_test.csv", PERSONA_CHAT),
    ("dialogstudio", "rows.jsonl", json_lines(STUDIO)),
    ("dialogstudio", "train_1.json", json.dumps({"SODA--train--9": STUDIO}, indent=1).encode()),
    ("convai2_table", "table.json", columns(WILD)),
)
"""Format, file name, content."""
