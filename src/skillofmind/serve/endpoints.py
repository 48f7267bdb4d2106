"""The endpoints beside chat: models, health, metrics, plans alone, and profiles."""

from typing import Any

import msgspec
from aiohttp import web

from skillofmind import __version__
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import StorageError
from skillofmind.serve.answer import Room, context_of, plan_header, recalled
from skillofmind.serve.errors import Refused
from skillofmind.serve.memory import Memory
from skillofmind.serve.reply import Report
from skillofmind.serve.request import (
    FIELD,
    Options,
    check_user,
    json_fields,
    read_messages,
    read_options,
    unknown_model,
)
from skillofmind.serve.thinking.planning import Thought, dialogue_of, not_planned
from skillofmind.serve.watch.traces import Trace

_DIALOGUE = msgspec.json.Decoder(Dialogue)


def replied(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return JSON values as a reply."""
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )


def health(room: Room, *, draining: bool) -> web.Response:
    """Say that this process answers, or that it is about to end (503)."""
    found = {
        "status": "draining" if draining else "ok",
        "version": __version__,
        "model": room.settings.model,
        "planner": room.settings.planner.kind,
        "offline": room.upstream.offline,
    }
    return replied(found, 503 if draining else 200)


async def models(room: Room) -> web.Response:
    """List the models: the one that was named, or all of the upstream; then the aliases."""
    return replied({"object": "list", "data": await _models(room)})


async def model(room: Room, name: str) -> web.Response:
    """Describe one model.

    Raises:
        Refused: there is none of this name.
    """
    for entry in await _models(room):
        if entry.get("id") == name:
            return replied(entry)
    raise unknown_model(name, room.settings)


async def _models(room: Room) -> list[dict[str, object]]:
    settings = room.settings
    named = [settings.model] if settings.model and settings.upstream else []
    found = [_entry(name) for name in named] or await room.upstream.models()
    return [*found, *(_entry(alias.name) for alias in settings.aliases)]


def _entry(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "skillofmind"}


async def plan(room: Room, body: bytes, trace: Trace) -> web.Response:
    """Plan without answering: `{"dialogue": {...}}` or `{"messages": [...]}`, and our field.

    Raises:
        Refused: the body is wrong, or there is no plan: 504 where it is late, 502 where planning failed.
    """
    fields = json_fields(body)
    raw = fields.get(FIELD)
    options = Options() if raw is None else read_options(bytes(raw), room.settings)
    options = room.planning.check(options)
    dialogue, first = await _dialogue(room, fields, options)
    inject = options.inject or room.settings.inject
    seconds = min(room.settings.plan_timeout, room.settings.timeout)
    thought = await room.planning.think(dialogue, options, inject, seconds, first)
    trace.reason, trace.plan, trace.plan_seconds = thought.reason, thought.usage, thought.seconds
    if thought.reason in ("late", "failed"):
        raise _no_plan(thought)
    field = Report(thought, inject).field()
    return replied(
        {"object": "skillofmind.plan", **field, "usage": field["usage"]["plan"]},
        headers={"X-Skillofmind": plan_header(thought)},
    )


async def _dialogue(room: Room, fields: dict[str, msgspec.Raw], options: Options) -> tuple[Dialogue, int]:
    if "dialogue" in fields:
        try:
            dialogue = _DIALOGUE.decode(fields["dialogue"])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(400, f"dialogue is wrong: {error}.", param="dialogue") from None
        context = context_of(None, options.social(), 0.0)
        return (dialogue if context is None else msgspec.structs.replace(dialogue, context=context)), 0
    messages = read_messages(fields)
    if messages is None or not_planned(messages, "both"):
        raise Refused(400, "give a dialogue, or messages that end with one of the user.", param="messages")
    return dialogue_of(messages, context_of(await recalled(room, options), options.social(), room.wall()))


def _no_plan(thought: Thought) -> Refused:
    status = 504 if thought.reason == "late" else 502
    said = "" if thought.plan is None else thought.plan.error or ""
    return Refused(status, said, code=f"plan_{thought.reason}")


async def export(room: Room, user: str) -> web.Response:
    """Give everything that is kept about a person.

    Raises:
        Refused: nothing is.
    """
    profile = await _kept(room).get(check_user(user))
    if profile is None:
        raise Refused(404, "there is no such profile.", code="no_profile")
    return replied({"object": "skillofmind.user", "id": user, "profile": profile})


async def forget(room: Room, user: str) -> web.Response:
    """Delete everything that is kept about a person; deleting twice is no error."""
    deleted = await _kept(room).delete(check_user(user))
    return replied({"object": "skillofmind.user", "id": user, "deleted": deleted})


def _kept(room: Room) -> Memory:
    if room.memory is None:
        raise Refused(404, "this server keeps no profiles; start it with --memory FILE.", code="no_memory")
    return room.memory


def storage_refusal(error: StorageError) -> Refused:
    """Return what a client is told of a disk that said no."""
    return Refused(500, str(error), code="storage")
