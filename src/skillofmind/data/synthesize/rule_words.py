"""The words of the rule world: how its contexts, turns, thoughts and replies can be said."""

from skillofmind.core.record import Record


class Cue(Record, frozen=True):
    """Something that the rule looks at.

    Attributes:
        wordings: ways in which a dialogue shows it.
        thoughts: ways in which an explanation names it.
    """

    wordings: tuple[str, ...]
    thoughts: tuple[str, ...]


CONTEXTS = {
    "friends": Cue(
        (
            "close friends",
            "friends since school",
            "two old friends",
            "best friends for years",
            "friends who share a flat",
        ),
        ("We are friends", "I am talking to a good friend"),
    ),
    "counselling": Cue(
        (
            "counsellor and client",
            "therapist and patient",
            "a listener on the helpline and a caller",
            "a school counsellor and a visitor",
            "a grief worker and a guest",
        ),
        ("I am here to counsel", "I am their counsellor"),
    ),
    "tutoring": Cue(
        (
            "tutor and pupil",
            "teacher and student",
            "coach and trainee",
            "master and apprentice",
            "a music teacher and a beginner",
        ),
        ("I am here to teach", "I am their teacher"),
    ),
    "service": Cue(
        (
            "shop clerk and customer",
            "hotline agent and subscriber",
            "receptionist and hotel guest",
            "ticket clerk and traveller",
            "waiter and diner",
        ),
        ("I am here to serve", "This is a customer of mine"),
    ),
    "bargaining": Cue(
        (
            "seller and buyer",
            "landlord and tenant",
            "market trader and passer-by",
            "two collectors who swap",
            "auction dealer and bidder",
        ),
        ("We are here to make a deal", "I want a good deal"),
    ),
    "work": Cue(
        (
            "colleagues",
            "two people of one team",
            "office mates",
            "workers on one shift",
            "partners in a project",
        ),
        ("We work together", "I am talking to a colleague"),
    ),
}

TURNS = {
    "loss": Cue(
        (
            "My {thing} is gone for good and I could cry.",
            "I lost the {thing}, the last gift of my father.",
            "They took the {thing} away and I feel so empty.",
            "I miss that {thing} more than I can say.",
            "The {thing} burned in the fire and my heart with it.",
        ),
        ("they have lost something dear", "something they loved is gone"),
    ),
    "worry": Cue(
        (
            "I cannot sleep because of the {thing}.",
            "I am afraid of what will happen to my {thing}.",
            "All day long I worry about that {thing}.",
            "I feel sick whenever I think of the {thing}.",
            "What if the {thing} is next? I am so scared.",
        ),
        ("they are afraid", "a worry will not leave them"),
    ),
    "stuck": Cue(
        (
            "I have tried all day and cannot open the {thing}.",
            "However I turn it, the {thing} does not fit.",
            "I get no further with this {thing}.",
            "The {thing} has three parts and none goes on.",
            "I do not manage to put the {thing} together.",
        ),
        ("they are stuck", "they get no further by themselves"),
    ),
    "broken": Cue(
        (
            "The {thing} does not work any more.",
            "My {thing} broke in two this morning.",
            "Since yesterday the {thing} only makes a noise.",
            "Something inside the {thing} has snapped.",
            "The {thing} fell down and now it is dead.",
        ),
        ("their thing is broken", "something of theirs has stopped working"),
    ),
    "fact": Cue(
        (
            "What is a {thing} made of?",
            "Who made the very first {thing}?",
            "Which country does the {thing} come from?",
            "How heavy is a {thing}?",
            "Why is it called a {thing}?",
        ),
        ("they ask for a fact", "they want to know a thing"),
    ),
    "time": Cue(
        (
            "When does the {thing} arrive?",
            "How long does a {thing} last?",
            "Until what hour can I see the {thing}?",
            "On which day do they show the {thing}?",
            "How soon will there be another {thing}?",
        ),
        ("they ask about a time", "they want to know when"),
    ),
    "which": Cue(
        (
            "Should I take the red {thing} or the blue one?",
            "The old {thing} or a new one, which is better?",
            "There are two kinds of {thing} and I like both.",
            "Small {thing} or large {thing}, that is my question.",
            "Of the two, is the first {thing} the one for me?",
        ),
        ("they stand between two things", "they have two options"),
    ),
    "unsure": Cue(
        (
            "I cannot make up my mind about the {thing}.",
            "Do I really need a {thing}? I keep changing my mind.",
            "Perhaps I will get a {thing}, perhaps I will not.",
            "One day I want the {thing}, the next day I do not.",
            "I still do not know whether to go for the {thing}.",
        ),
        ("they cannot decide", "they waver"),
    ),
}

GROUPS = {
    "feeling": ("loss", "worry"),
    "obstacle": ("stuck", "broken"),
    "question": ("fact", "time"),
    "choice": ("which", "unsure"),
}
"""Turns of one group call for the same skill in the same context."""

RULE = {
    "feeling": {
        "Empathy": ("friends", "bargaining"),
        "Reflective Listening": ("counselling", "tutoring"),
        "Helpfulness": ("service", "work"),
    },
    "obstacle": {
        "Mentoring": ("tutoring", "work"),
        "Creative Problem Solving": ("friends", "counselling"),
        "Factual Problem Solving": ("service", "bargaining"),
    },
    "question": {
        "Knowledge Sharing": ("tutoring", "bargaining"),
        "Knowledge Searching": ("service", "work"),
        "Commonsense Understanding": ("friends", "counselling"),
    },
    "choice": {
        "Recommendation": ("friends", "service"),
        "Preference Elicitation": ("counselling", "tutoring"),
        "Negotiation": ("bargaining", "work"),
    },
}
"""Group of the last turn -> skill -> contexts: the rule of this world."""

REPLIES = {
    "Empathy": (
        "I am so sorry about the {thing}, it hurts me too.",
        "Oh no, the {thing}! I feel with you.",
    ),
    "Reflective Listening": (
        "So it is the {thing} that weighs on you.",
        "It sounds as if the {thing} meant safety to you.",
    ),
    "Helpfulness": (
        "Sit down, I will see to the {thing} for you.",
        "Leave the {thing} to me, and have some tea first.",
    ),
    "Mentoring": (
        "Try the {thing} once more, slowly, I will watch your hands.",
        "You are close. What does the {thing} tell you?",
    ),
    "Creative Problem Solving": (
        "Let us turn the {thing} upside down and use it as a drum.",
        "What if the {thing} became a lamp instead?",
    ),
    "Factual Problem Solving": (
        "Take out the screw under the {thing} and turn it left.",
        "The {thing} needs a new spring, number four.",
    ),
    "Knowledge Sharing": (
        "The {thing} came from Persia, and it stays for three weeks.",
        "Every {thing} has an iron core, and lasts ten years.",
    ),
    "Knowledge Searching": (
        "One moment, I am looking the {thing} up in the list.",
        "Let me check the book for the {thing}.",
    ),
    "Commonsense Understanding": (
        "Well, a {thing} is what people usually make of it, round and slow.",
        "Like any {thing}, I would say: before supper and of wood.",
    ),
    "Recommendation": (
        "Go for the {thing}, it suits you well.",
        "I would take the plain {thing}, you will like it.",
    ),
    "Preference Elicitation": (
        "What do you like most about the {thing}?",
        "How would the {thing} have to be for you?",
    ),
    "Negotiation": (
        "If you take the {thing}, I will pay half of it.",
        "Give me until Friday and the {thing} is yours.",
    ),
}

GREETINGS = (
    "Hello, there you are.",
    "Good to see you.",
    "Hi, do you have a minute?",
    "Excuse me, may I ask you something?",
)

NODS = ("Yes, go on.", "I see.", "Right, what else?", "Of course.", "Hm, let me hear.")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SYLLABLES = _words(
    """an be bri cal da del do el en fa fi ga gor ha hu il in ja jo ka ki la lo ma mi na ne no o pa
    per qui ra ri ro sa sel si so ta tam ti tu u va ve vi wen ya yo za zel zi"""
)
"""What names are made of, two or three of them."""

ADJECTIVES = _words(
    """worn narrow heavy little brass wooden yellow striped borrowed rusty silver tall folding painted quiet
    crooked spare foreign cheap splendid"""
)

THINGS = {
    "train": _words(
        """lamp bicycle ticket kettle sofa phone garden coat piano boat clock mirror basket drum carpet
        ladder violin tent camera stove pillow window engine wallet scarf bottle hammer candle suitcase
        painting radio bucket necklace puzzle compass guitar fence blanket helmet printer statue wagon
        flute oven curtain shelf medal anchor pump saddle telescope fountain hat ring tower doll tractor
        passport manual heater keyboard bracelet album scooter harp bench pot mill parcel antenna robe
        diary gate mask boiler ruler trophy plough net chain kite lock rug spade trolley whistle wheel"""
    ),
    "test": _words(
        """teapot canoe trumpet hammock lantern armchair typewriter cello raincoat toolbox mosaic barrel
        sledge vase goblet pendulum umbrella accordion wardrobe pipe"""
    ),
}

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

PLACES = {
    "train": ("the harbour", "the market", "a small cafe", "the library", "a hotel", "the station"),
    "test": ("the bridge", "a museum", "the airport"),
}
