import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn


def talk(*speakers: str, responder: str | None = None, listed: tuple[str, ...] = ()) -> Dialogue:
    turns = tuple(Turn(name, f"line {index}") for index, name in enumerate(speakers))
    return Dialogue(turns, speakers=tuple(map(Speaker, listed)), responder=responder)


@pytest.mark.parametrize(
    ("dialogue", "expected"),
    [
        (talk("Ana", "Ben"), "Ana"),
        (talk("Ana", "Ben", "Ben"), "Ana"),
        (talk("Ana", "Ben", "Cem"), "Ben"),
        (talk("Ana", listed=("Ana", "Ben")), "Ben"),
        (talk("Ana", "Ana", listed=("Cem", "Ana")), "Cem"),
        (talk("Ana"), "Listener"),
        (talk("A"), "B"),
        (talk(), "Listener"),
        (talk(listed=("Ana", "Ben")), "Ana"),
        (talk("Ana", "Ben", responder="Ben"), "Ben"),
    ],
)
def test_the_next_speaker_is_named_or_the_other_one(dialogue: Dialogue, expected: str) -> None:
    assert dialogue.next_speaker() == expected


def test_before_cuts_the_turns_and_lets_that_turns_speaker_answer() -> None:
    whole = talk("Ana", "Ben", "Ana", responder="Ben")
    cut = whole.before(2)
    assert cut.turns == whole.turns[:2]
    assert cut.next_speaker() == "Ana"
    assert whole.before(0).turns == ()
    with pytest.raises(IndexError):
        whole.before(3)


def test_records_are_immutable_and_compared_by_value() -> None:
    turn = Turn("Ana", "Hello.")
    assert turn == Turn("Ana", "Hello.")
    with pytest.raises(AttributeError):
        turn.text = "Bye."  # type: ignore[misc]


def test_default_fields_stay_out_of_the_json_and_come_back() -> None:
    dialogue = Dialogue((Turn("Ana", "Hello."),), SocialContext(emotion="joy"))
    data = msgspec.json.encode(dialogue)
    expected = b'{"turns":[{"speaker":"Ana","text":"Hello."}],"context":{"emotion":"joy"}}'
    assert data == expected
    assert msgspec.json.decode(data, type=Dialogue) == dialogue


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"turns":[{"text":"x"}]}', "missing required field `speaker`"),
        (b'{"turns":[{"speaker":"A","text":3}]}', "Expected `str`, got `int`"),
        (b'{"turns":[],"utterances":[]}', "unknown field `utterances`"),
    ],
)
def test_types_and_names_of_fields_are_checked(data: bytes, message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.json.decode(data, type=Dialogue)


def test_two_records_never_share_a_default_dictionary() -> None:
    one, other = Turn("A", "x"), Turn("A", "x")
    one.meta["seen"] = True
    assert other.meta == {}
