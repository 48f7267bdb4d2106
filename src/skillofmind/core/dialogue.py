"""Dialogues: who says what to whom, in which social situation.

One `Dialogue` is one line of our JSONL. Text is kept byte for byte as it was written. The *context* is
everything true before the first turn: structured fields for the kinds of social context in the Thanos
data (arXiv 2411.04496) and free text for the rest.

    >>> Dialogue(turns=(Turn("Ana", "I lost my keys."),), context=SocialContext(relationship="flatmates"))
    ... # doctest: +ELLIPSIS
    Dialogue(turns=(Turn(speaker='Ana', text='I lost my keys.'...
"""

from typing import Any

import msgspec

from skillofmind.core.record import Record


class Image(Record, frozen=True):
    """A shared picture, known to text models through its description.

    Attributes:
        description: what the picture shows.
        uri: where it is, if anywhere (`https:`, `file:` or `data:`).
    """

    description: str
    uri: str | None = None


class Label(Record, frozen=True):
    """What a person (or a program, named in `annotator`) said about a turn as it is written.

    Attributes:
        scheme: the label set, such as `esconv.strategy`.
        value: the label, verbatim.
        annotator: who gave it; `None` where the source does not say.
        rank: 1 for the first choice.
    """

    scheme: str
    value: str
    annotator: str | None = None
    rank: int = 1


class Annotation(Record, frozen=True):
    """One skill-of-mind annotation of a turn: why the speaker answers this way, and with which skill.

    Attributes:
        skill: a taxonomy name.
        explanation: the first-person thought before the turn is spoken.
        counterfactual: a reply that would not follow from the explanation.
        annotator: who wrote it.
    """

    skill: str
    explanation: str = ""
    counterfactual: str | None = None
    annotator: str | None = None


class Turn(Record, frozen=True):
    """One utterance.

    Attributes:
        speaker: the key of a `Speaker`, or simply the name.
        text: what was said, unchanged.
        images: pictures shared with this turn.
        annotations: skill-of-mind annotations of this turn.
        labels: human labels of this turn.
        lang: language of this turn where it differs from the dialogue's.
        meta: anything else the source says.
    """

    speaker: str
    text: str
    images: tuple[Image, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    labels: tuple[Label, ...] = ()
    lang: str | None = None
    meta: dict[str, Any] = {}


class Speaker(Record, frozen=True):
    """A person (or agent) who takes part.

    Attributes:
        key: what `Turn.speaker` says.
        name: shown in place of the key.
        role: such as `counsellor` or `persuader`.
        human: whether a person speaks; `None` where unknown.
        attributes: age, gender, place and the like, as the source names them.
        persona: facts about the speaker, one sentence each.
    """

    key: str
    name: str = ""
    role: str | None = None
    human: bool | None = None
    attributes: dict[str, str] = {}
    persona: tuple[str, ...] = ()


class SocialContext(Record, frozen=True):
    """What is known before the first turn.

    Attributes:
        text: free text; a corpus that comes with a ready-made context keeps it here.
        situation: the story so far, or the speaker's situation.
        emotion: the feeling that the dialogue is about.
        relationship: how the speakers stand to one another.
        elapsed: time since the previous session.
        previous_summary: what happened in the previous session.
        topic: subject that was agreed on.
        services: task domains, such as `hotel`.
        rules_of_thumb: norms that apply.
        intake_form: what a client told before a counselling session.
        attitude: the client's or partner's attitude.
        roles: who persuades, who sells, who teaches.
        norm: a custom of the place or group.
        event: a life event.
        experience: what a speaker went through because of it.
        priorities: what each side wants, and why.
        personality: traits and values.
        extra: further named facts.
    """

    text: str | None = None
    situation: str | None = None
    emotion: str | None = None
    relationship: str | None = None
    elapsed: str | None = None
    previous_summary: str | None = None
    topic: str | None = None
    services: tuple[str, ...] = ()
    rules_of_thumb: tuple[str, ...] = ()
    intake_form: str | None = None
    attitude: str | None = None
    roles: str | None = None
    norm: str | None = None
    event: str | None = None
    experience: str | None = None
    priorities: tuple[str, ...] = ()
    personality: str | None = None
    extra: dict[str, str] = {}


class Session(Record, frozen=True):
    """An earlier conversation of the same people.

    Attributes:
        elapsed: time between it and the next one.
        summary: what happened.
        turns: its turns, where they are known.
    """

    elapsed: str | None = None
    summary: str | None = None
    turns: tuple[Turn, ...] = ()


class Dialogue(Record, frozen=True):
    """A conversation with its social context: one line of our JSONL.

    Attributes:
        turns: at least one for any use; in order.
        context: the social context.
        id: stable across conversions, `<corpus>:<original id>`; splits are made by it.
        speakers: what is known of the people; empty is allowed.
        responder: who speaks next; `None` means the one of the last two speakers whose turn it is.
        corpus: source name.
        split: `train`, `validation`, `test`, or none.
        lang: BCP-47 code of the dialogue.
        licence: licence of the text.
        scenario: kind of situation, such as `negotiation`.
        history: earlier sessions, oldest first.
        meta: anything else the source says.
    """

    turns: tuple[Turn, ...]
    context: SocialContext = SocialContext()
    id: str = ""
    speakers: tuple[Speaker, ...] = ()
    responder: str | None = None
    corpus: str = ""
    split: str | None = None
    lang: str = ""
    licence: str = ""
    scenario: str = ""
    history: tuple[Session, ...] = ()
    meta: dict[str, Any] = {}

    def before(self, index: int) -> "Dialogue":
        """Return the dialogue as it stood just before turn `index`, with that turn's speaker to answer.

        Raises:
            IndexError: there is no turn `index`.
        """
        return msgspec.structs.replace(self, turns=self.turns[:index], responder=self.turns[index].speaker)

    def next_speaker(self) -> str:
        """Return who answers: `responder`, else the latest other speaker, else a listener."""
        if self.responder is not None:
            return self.responder
        last = self.turns[-1].speaker if self.turns else None
        earlier = [turn.speaker for turn in reversed(self.turns) if turn.speaker != last]
        listed = [speaker.key for speaker in self.speakers if speaker.key != last]
        return next(iter(earlier + listed), "B" if last == "A" else "Listener")
