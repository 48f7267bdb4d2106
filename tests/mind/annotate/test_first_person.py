import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.mind.annotate.first_person import is_first_person, languages

FIRST = {
    "en": [
        "I want her to feel heard.",
        "She seems tired, so I'll keep it short.",
        "it's clear i should wait",
        "This reminds me of school.",
        "We went through this before.",
        "It is hard for us both.",
        "Let’s not rush this.",
        '"I want to show that I care."',
        "The speaker is upset, so I want to calm him down.",
        "Ana is upset, and it is my turn to listen.",
        "Will it help? I doubt it.",
    ],
    "ko": [
        "나는 친구를 위로하고 싶다.",
        "친구가 힘들어 보이니 내가 도와야 한다.",
        "제 경험을 나누면 도움이 될 것이다.",
        "저는 공감을 보여주려 한다.",
        "먼저 사과해야겠다.",
        "마음을 달래 주고 싶다.",
        "조언을 해줄게.",
        "우리는 오래된 친구다.",
        "먼저 들어 봐야지.",
        "난 그 마음을 안다.",
        "아내는 나하고 다르다.",
    ],
    "de": ["Ich möchte sie trösten.", "Sie tut mir leid.", "Das ist in unserem Sinn."],
    "zh": ["我想安慰她。", "咱们先听听看。", "這讓我很難過。"],
    "fr": ["Je veux la consoler.", "J’ai envie d'aider.", "Ça m'inquiète.", "Elle compte sur nous."],
    "es": ["Quiero consolarla.", "Le preguntaré cómo está.", "A mí me pasó lo mismo.", "Yo también."],
    "ja": [
        "私は彼女を慰めたい。",
        "彼女を慰めたいと思う。",
        "まず話を聞こうと思う。",
        "励ましてあげたい。",
        "話を聞いてみよう。",
        "僕も同じ経験がある。",
        "傷つけたくない。",
        "読みたい。",
    ],
}

OTHER = {
    "en": [
        "She needs comfort.",
        "The speaker should offer help.",
        'Ben says "I am sad", and comfort helps.',
        "Ben says 'I don't know', and comfort helps.",
        "Ben says ‘I don’t know’, and comfort helps.",
        "Ben says “I am sad”, and comfort helps.",
        "A reply in the US, i.e. short.",
        "The responder wants to help because I care.",
        "Him and her.",
        "",
    ],
    "ko": [
        "친구가 많이 힘들어 보인다.",
        "화자는 친구를 위로해야 한다.",
        "그는 울고 싶어 한다.",
        "그는 집에 가고 싶어하는 것 같다.",
        "친구가 “나는 슬프다”라고 말했다.",
        "화가 난 친구를 달래야 한다.",
        "며칠 전 일을 알게 되었다.",
        "나무와 저녁 노을이 아름답다.",
        "저 사람은 힘들게 일한다.",
    ],
    "de": ["Sie braucht Trost.", "Er sagt: „Ich bin müde.“", "Er sagt: »Ich bin müde.«"],
    "zh": ["她需要安慰。", "她说：“我很难过。”", "他本人需要自我反省。"],
    "fr": ["Elle a besoin d'aide.", "Elle dit « je suis triste »."],
    "es": ["Ella necesita apoyo.", "Dice «yo no puedo»."],
    "ja": [
        "彼女は疲れている。",
        "彼は「私は悲しい」と言った。",
        "彼女は行きたいと思っている。",
        "冷たい。",
        "夢みたい。",
        "彼は自分を責めている。",
        "私立の学校だ。",
    ],
}


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in FIRST.items() for text in texts])
def test_first_person_is_found(lang: str, text: str) -> None:
    assert is_first_person(text, lang) is True


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in OTHER.items() for text in texts])
def test_other_persons_are_told_apart(lang: str, text: str) -> None:
    assert is_first_person(text, lang) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ana should comfort him; I agree.", False),
        ("ANA really wants to help me.", False),
        ("**Ana** feels my pain", False),
        ("Ana, who feels my pain", True),  # the name is not followed by a verb
        ("Speaker Ana felt that I was right.", False),
        ("User 1 should say what I would.", False),
        ("Ana, I should not rush this.", True),
        ("Anabel should hear that I care.", True),
        ("I am Ana, and Ana should care.", True),
    ],
)
def test_a_thinker_who_is_named_first_speaks_from_outside(text: str, expected: bool) -> None:
    assert is_first_person(text, "en", ("ana", "user 1")) is expected


def test_languages_are_told_by_the_first_part_of_their_code() -> None:
    assert languages() == ("en", "de", "fr", "es", "zh", "ja", "ko")
    assert is_first_person("我想安慰她。", "zh-Hant-TW") is True
    assert is_first_person("我想安慰她。", "ZH_CN") is True
    assert is_first_person("I see.", "") is True


@pytest.mark.parametrize("lang", ["it", "pt-BR", "xx", "english"])
def test_other_languages_are_not_checked(lang: str) -> None:
    assert is_first_person("Vorrei aiutarla.", lang) is None


@given(st.text(st.characters(), max_size=80), st.sampled_from(languages()), st.lists(st.text(max_size=5)))
def test_no_text_raises(text: str, lang: str, names: list[str]) -> None:
    assert is_first_person(text, lang, names) in (True, False)


@pytest.mark.parametrize("mark", ['"', "'", "“", "‘", "«", "»", "「", "'a", " 'a", "‘a’b", "i.", "る"])
def test_long_text_full_of_marks_is_read_in_one_go(mark: str) -> None:
    # A pattern that tries again from every mark would take minutes.
    assert is_first_person(mark * 50_000, "ja") is False
