"""From the bytes of a request to a checked call, and from a call to the bytes for the upstream.

A request is read only as far as needed: the top level as a table of raw pieces, then the few pieces that
matter. What was not read is sent on byte by byte, also where a plan is put in or the model is renamed, so
numbers, key order, unknown fields and pictures cannot change.
"""

import re
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.dialogue import SocialContext
from skillofmind.core.record import Record
from skillofmind.mind.inject import Inject
from skillofmind.serve.errors import Refused
from skillofmind.serve.settings import INJECTS, Settings

FIELD = "skillofmind"
"""Name of our field in requests and replies."""

INJECT_HEADER = "X-Skillofmind-Inject"
DEADLINE_HEADER = "X-Deadline-Seconds"
_USER = re.compile(r"[\w.@:+-]{1,128}", re.ASCII)
_Fields = dict[str, msgspec.Raw]


class Options(Record, frozen=True):
    """Our field in a request.

    Attributes:
        inject: what of a plan the model sees.
        context: the social context, as text or by its fields.
        user: id of the profile that goes with the request.
        skill: the skill to answer with, in place of the planner's choice.
        explanation: the thought that goes with `skill`.
        stream_plan: send the plan before the first piece of the answer.
    """

    inject: Inject | None = None
    context: str | SocialContext | None = None
    user: str | None = None
    skill: str | None = None
    explanation: str | None = None
    stream_plan: bool = False

    def social(self) -> SocialContext | None:
        """Return the social context as a record."""
        return SocialContext(text=self.context or None) if isinstance(self.context, str) else self.context


class Part(msgspec.Struct):
    """A piece of a message's content, as far as a planner reads it."""

    type: str = ""
    text: str | None = None


class Said(msgspec.Struct):
    """A message, as far as a planner reads it."""

    role: str = ""
    content: str | list[Part] | None = None

    def words(self) -> str:
        """Return the text of the message."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text is not None)
        return self.content or ""


class Call(NamedTuple):
    """A checked request.

    Attributes:
        body: as it came.
        fields: the top level of `body`, in order, each value as it stands there.
        model: the name that the client uses.
        upstream_model: the name that the upstream uses.
        stream: whether the answer is to come in pieces.
        inject: what of a plan the model is to see.
        options: our field.
        seconds: for the whole request.
    """

    body: bytes
    fields: _Fields
    model: str
    upstream_model: str
    stream: bool
    inject: Inject
    options: Options
    seconds: float


class Asked(NamedTuple):
    """The headers that matter for how a request is handled."""

    inject: str | None = None
    deadline: str | None = None


_TOP = msgspec.json.Decoder(_Fields)
_OPTIONS = msgspec.json.Decoder(Options)
_SAID = msgspec.json.Decoder(list[Said])
_NO_OPTIONS = Options()


def json_fields(body: bytes) -> _Fields:
    """Return the top level of a JSON object, its values unread.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        return _TOP.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = str(error) or "nested too deeply"
        raise Refused(400, f"the body is not a JSON object ({said}).", code="invalid_json") from None


def read_call(body: bytes, asked: Asked, settings: Settings) -> Call:
    """Check a chat request.

    Raises:
        Refused: it is malformed, or asks for what this server does not allow.
    """
    fields = json_fields(body)
    model = _model(fields)
    alias = settings.alias(model)
    if alias is None and settings.model and settings.upstream and model not in ("", settings.model):
        raise unknown_model(model, settings)
    options = _options(fields, settings)
    default = settings.inject if alias is None else alias.inject
    return Call(
        body=body,
        fields=fields,
        model=model,
        upstream_model=alias.model if alias is not None else model or settings.model,
        stream=fields.get("stream") == _TRUE,
        inject=options.inject or _header_inject(asked.inject, settings) or default,
        options=options,
        seconds=deadline(asked.deadline, settings.timeout),
    )


_TRUE = msgspec.Raw(b"true")


def unknown_model(model: str, settings: Settings) -> Refused:
    """Return the error for a model that this server does not have."""
    known = ", ".join(repr(name) for name in (settings.model, *(alias.name for alias in settings.aliases)))
    return Refused(
        404,
        f"the model {model!r} does not exist here; there are {known}.",
        param="model",
        code="model_not_found",
    )


def _model(fields: _Fields) -> str:
    raw = fields.get("model")
    try:
        return "" if raw is None else msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:
        raise Refused(400, "model must be a string.", param="model") from None


def _options(fields: _Fields, settings: Settings) -> Options:
    raw = fields.get(FIELD)
    if raw is None:
        return _NO_OPTIONS
    if "body" not in settings.allowed():
        raise Refused(
            400,
            f"this server takes no {FIELD!r} field; leave it out, or start it with --allow body.",
            param=FIELD,
            code="not_allowed",
        )
    return read_options(bytes(raw), settings)


def read_options(raw: bytes, settings: Settings) -> Options:
    """Read and check our field.

    Raises:
        Refused: a key or value of it is wrong, or needs what the server was not started with.
    """
    try:
        options = _OPTIONS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the field {FIELD!r} is wrong: {error}.", param=FIELD) from None
    if options.explanation is not None and options.skill is None:
        raise Refused(400, "an explanation goes with a skill; add skill.", param=f"{FIELD}.explanation")
    if options.user is not None and not _USER.fullmatch(options.user):
        raise Refused(400, "user must be 1 to 128 letters, digits and . _ @ : + -", param=f"{FIELD}.user")
    if options.user is not None and not settings.memory:
        raise Refused(
            400,
            "this server keeps no profiles; leave user out, or start it with --memory FILE.",
            param=f"{FIELD}.user",
            code="no_memory",
        )
    return options


def check_user(user: str) -> str:
    """Return the id of a profile.

    Raises:
        Refused: it cannot be one.
    """
    if not _USER.fullmatch(user):
        raise Refused(404, "there is no such profile.", code="no_profile")
    return user


def _header_inject(value: str | None, settings: Settings) -> Inject | None:
    if value is None:
        return None
    if "header" not in settings.allowed():
        raise Refused(
            400,
            f"this server takes no {INJECT_HEADER} header; leave it out, or start it with --allow header.",
            param=INJECT_HEADER,
            code="not_allowed",
        )
    if value not in INJECTS:
        raise Refused(400, f"{INJECT_HEADER} must be one of {', '.join(INJECTS)}.", param=INJECT_HEADER)
    return value


def deadline(value: str | None, most: float) -> float:
    """Return the seconds for a request: what the client asks for, at most `most`.

    Raises:
        Refused: it is no number of more than 0.
    """
    if value is None:
        return most
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise Refused(400, f"{DEADLINE_HEADER} must be a number of more than 0.", param=DEADLINE_HEADER)
    return min(seconds, most)


def read_messages(fields: _Fields) -> list[Said] | None:
    """Return the messages as a planner reads them; `None` where they are not what the protocol says."""
    try:
        return _SAID.decode(fields["messages"])
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def upstream_body(call: Call, messages: list[Said], block: str | None, *, system_role: bool = True) -> bytes:
    """Return the bytes for the upstream; those that came, where nothing has to change.

    Args:
        call: the request.
        messages: its messages; only needed with a block.
        block: a plan to show: as a system message right before the last message of the user, or before
            the words of that message.
        system_role: whether the model honours system messages.
    """
    renamed = call.upstream_model != call.model
    if block is None and not renamed and FIELD not in call.fields:
        return call.body
    fields: dict[str, Any] = {name: raw for name, raw in call.fields.items() if name != FIELD}
    if renamed:
        fields["model"] = call.upstream_model
    if block is not None:
        fields["messages"] = _with_block(call.fields["messages"], messages, block, system_role)
    return msgspec.json.encode(fields)


def _with_block(raw: msgspec.Raw, messages: list[Said], block: str, system_role: bool) -> list[Any]:
    pieces: list[Any] = msgspec.json.decode(raw, type=list[msgspec.Raw])
    last = max(index for index, said in enumerate(messages) if said.role == "user")
    if system_role:
        return [*pieces[:last], {"role": "system", "content": block}, *pieces[last:]]
    message = msgspec.json.decode(pieces[last], type=_Fields)
    content = msgspec.json.decode(message["content"])
    joined = (
        f"{block}\n\n{content}" if isinstance(content, str) else [{"type": "text", "text": block}, *content]
    )
    return [*pieces[:last], {**message, "content": joined}, *pieces[last + 1 :]]
