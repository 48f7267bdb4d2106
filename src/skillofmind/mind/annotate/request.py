"""What a teacher is asked: one row with the turn that was really said, as a conversation.

The blocks and their order are those of the Thanos annotation request (arXiv 2411.04496): task, skill list,
social context, dialogue, next response, guidelines. The wording is the package's own (`[annotate]` of
`assets/template.toml`). All text of the row is quoted as `mind.render` does it.
"""

from typing import NamedTuple

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.identity import fingerprint
from skillofmind.data.select import Instance
from skillofmind.mind.render import (
    display_names,
    quoted,
    quoted_name,
    render_context,
    render_turns,
    turn_line,
)
from skillofmind.mind.taxonomy import Taxonomy
from skillofmind.mind.template import AnnotateWording, fill

TEACHER_SAMPLING = Sampling(temperature=0.9, top_p=0.95, max_tokens=1024)
"""The settings of the Thanos annotation."""

JUDGE_SAMPLING = Sampling(temperature=0.0, max_tokens=64)
"""A choice between two annotations should not be left to chance."""

LANGUAGES = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""Code -> name of the languages that annotations can be asked in."""

_UNSPACED = ("ja", "th", "zh")
_MAX_ECHO = 4000


class Candidate(NamedTuple):
    """An annotation as a judge is shown it."""

    skill: str
    explanation: str


class Wording(NamedTuple):
    """All that decides the words of a request, apart from the row.

    Attributes:
        template: the prompt wording.
        skills: the names of the skills, one a line.
        definitions: names and definitions, one a line.
        lang: code of the language to write in; "" is that of each dialogue.
        identity: a short hash that changes with any edit of wording, taxonomy or language.
    """

    template: AnnotateWording
    skills: str
    definitions: str
    lang: str
    identity: str


def wording(template: AnnotateWording, taxonomy: Taxonomy, lang: str = "") -> Wording:
    """Return the words of the requests.

    Raises:
        ConfigurationError: the language is not known.
    """
    if lang and _base(lang) not in LANGUAGES:
        raise ConfigurationError(f"lang {lang!r} is unknown; use one of {', '.join(LANGUAGES)}.")
    return Wording(
        template,
        "\n".join(f"- {skill.name}" for skill in taxonomy.skills),
        "\n".join(f"- {skill.name}: {skill.definition}" for skill in taxonomy.skills),
        lang,
        fingerprint([template, taxonomy, lang])[:12],
    )


def row_language(instance: Instance, words: Wording) -> str:
    """Return the code of the language that the row is annotated in; an unknown one counts as English."""
    base = _base(words.lang or instance.target.lang or instance.context.lang)
    return base if base in LANGUAGES else "en"


def teacher_request(instance: Instance, words: Wording) -> Conversation:
    """Return what a teacher is asked about a row."""
    lang = row_language(instance, words)
    fields = {
        **_row_fields(instance),
        "skills": words.skills,
        "definitions": words.definitions,
        "language": LANGUAGES[lang],
        "length": asked_length(instance, lang),
    }
    user = fill(words.template.user, fields)
    return Conversation((Message("system", words.template.system), Message("user", user)))


def repair_request(request: Conversation, reply: str, fault: str, words: Wording) -> Conversation:
    """Return the request that names the fault of a reply and asks again."""
    # Servers refuse empty messages, and a runaway answer need not be paid for twice.
    said = reply.strip()[:_MAX_ECHO] or "[]"
    ask = Message("user", fill(words.template.repair, {"fault": fault}))
    return Conversation((*request.messages, Message("assistant", said), ask))


def judge_request(instance: Instance, first: Candidate, second: Candidate, words: Wording) -> Conversation:
    """Return the request to choose between two annotations, shown as A (`first`) and B (`second`)."""
    fields = {
        **_row_fields(instance),
        "definitions": words.definitions,
        "first": _candidate(first),
        "second": _candidate(second),
    }
    return Conversation((Message("user", fill(words.template.judge, fields)),))


def asked_length(instance: Instance, lang: str) -> str:
    """Return how long a counterfactual should be: words of the next response with its speaker, as in Thanos.

    Languages written without spaces are counted in characters of the text alone.
    """
    if lang in _UNSPACED:
        return f"{max(1, len(instance.target.text.strip()))} characters"
    count = len(_reply_line(instance).split())
    return f"{count} word{'' if count == 1 else 's'}"


def _row_fields(instance: Instance) -> dict[str, str]:
    context = instance.context
    return {
        "social_context": render_context(context),
        "dialogue": render_turns(context),
        "responder": quoted_name(
            display_names(context).get(instance.target.speaker, instance.target.speaker)
        ),
        "reply": _reply_line(instance),
    }


def _reply_line(instance: Instance) -> str:
    return turn_line(instance.target, display_names(instance.context))


def _candidate(candidate: Candidate) -> str:
    return f"skill: {candidate.skill}\nexplanation: {quoted(candidate.explanation)}"


def _base(lang: str) -> str:
    return lang.partition("-")[0].partition("_")[0].casefold()
