"""`som chat`: talk in the terminal and see the plan behind every reply."""

import asyncio
import io
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from skillofmind.cli.opening import (
    IN_PACKAGE,
    KEY_VARIABLE,
    PLANNERS,
    Endpoint,
    check_output,
    check_patience,
    open_model,
    open_planner,
    read_planner,
)
from skillofmind.cli.options import option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Annotation, Dialogue, SocialContext, Speaker, Turn
from skillofmind.core.errors import ModelError, StorageError
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Model, Planner
from skillofmind.data.jsonl import write_jsonl
from skillofmind.mind.inject import with_plan
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.render import render_context
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.run.atomic import write_atomic
from skillofmind.run.budget import Limits, Meter

if TYPE_CHECKING:
    pass

_EPILOG = """\
examples:
  som chat                                                             offline
  som chat --model NAME --base-url http://127.0.0.1:8000/v1           a real response model
  som chat --context "You run a bicycle shop. The user is a regular."
"""

_OFFLINE = (
    "No --model is given, so replies come from the starter dialogues: the nearest reply that shows the "
    "planned skill. They cannot say anything new and often miss the point; the plans are real."
)

_HELP = """\
  /context TEXT    what is true before the talk; without TEXT, show it
  /skill NAME      answer with this skill from now on; /skill off gives the choice back to the planner
  /why             all evidence of the last plan
  /save FILE       save the dialogue with its plans as JSONL
  /help            this list
  /quit            end (so does Ctrl-D)
"""

_USER, _ASSISTANT = "User", "Assistant"


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """Options of `som chat`."""

    model: str = option("", "response model: a served model, or a folder with weights", value="NAME")
    base_url: str = option("", "OpenAI-compatible server of the response model", value="URL")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the API key", value="VARIABLE")
    planner: str = option("embedded", PLANNERS, value="PLANNER", check=read_planner)
    planner_model: str = option("", "model of the planner, if not --model", value="NAME")
    planner_url: str = option("", "server of the planner, if not --base-url", value="URL")
    inject: Literal["both", "skill", "explanation", "off"] = option("both", "what of a plan the model sees")
    context: str = option("", "what is true before the talk", value="TEXT")
    save: Path | None = option(None, "save the dialogue here when it ends", value="FILE")
    timeout: float = option(60.0, "seconds that one call may take", value="SECONDS")


def run(argv: Sequence[str]) -> int:
    """Run `som chat`."""
    options = parse(
        ChatOptions, "som chat", "Talk, and see the plan behind every reply.", argv, epilog=_EPILOG
    )
    check_patience(options.timeout)
    # A talk that cannot be saved at its end would be lost.
    check_output("--save", options.save)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            chat = runner.run(_open(options, stack))
            chat.talk(_read_line, runner)
        finally:
            runner.run(stack.aclose())
    return 0


async def _open(options: ChatOptions, stack: AsyncExitStack) -> "Chat":
    meter = Meter(Limits())
    place = (options.api_key_env, options.timeout, 4)
    endpoint = Endpoint(options.model, options.base_url, *place)
    planner_model = options.planner_model or options.model
    planner_endpoint = Endpoint(planner_model, options.planner_url or options.base_url, *place)
    if read_planner(options.planner).kind in IN_PACKAGE:
        planner_endpoint = Endpoint(options.planner_model, options.planner_url, *place)
    planner = await stack.enter_async_context(
        open_planner(options.planner, planner_endpoint, meter, taxonomy=None, template=None)
    )
    offline = not options.model and not options.base_url
    model = _offline_model() if offline else await stack.enter_async_context(open_model(endpoint, meter))
    return Chat(options, planner, model, offline)


def _offline_model() -> Model:
    from skillofmind.models.retrieval import RetrievalModel, replies_in

    return RetrievalModel(replies_in(starter_dialogues()))


def _read_line() -> str | None:
    """Return the next line of the user, or `None` at the end."""
    try:
        return input("you> " if sys.stdin.isatty() else "").strip()
    except (EOFError, KeyboardInterrupt):
        return None


class Chat:
    """One conversation at the terminal: what was said, what is known, and who plans and answers."""

    def __init__(self, options: ChatOptions, planner: Planner, model: Model, offline: bool) -> None:
        """Start with an empty conversation."""
        from skillofmind.cli.show import console

        self.out = console(sys.stdout)
        self._options = options
        self._planner = planner
        self._model = model
        self._offline = offline
        self._taxonomy: Taxonomy = load_taxonomy()
        self._skill: str | None = None
        self._plan: Plan | None = None
        self._dialogue = Dialogue(
            turns=(),
            context=SocialContext(text=options.context or None),
            id="chat:1",
            speakers=(Speaker(_USER, human=True), Speaker(_ASSISTANT, human=False)),
            responder=_ASSISTANT,
        )

    def talk(self, read: Callable[[], str | None], runner: asyncio.Runner) -> None:
        """Talk until the user ends it; saves at the end where that was asked for."""
        if self._offline:
            self._say(_OFFLINE)
        self.out.print("Type a message, or /help.\n")
        try:
            while (line := read()) is not None and line != "/quit":
                if line.startswith("/"):
                    self._command(line)
                elif line:
                    runner.run(self._answer(line))
                sys.stdout.flush()
        finally:
            # Also when Ctrl-C ends a call that takes too long: what was said is kept.
            if self._options.save:
                self._save(self._options.save)

    def _say(self, text: str) -> None:
        """Print `text`, folded between words, and a blank line."""
        from rich.text import Text

        from skillofmind.cli.show import show_lines

        show_lines(self.out, Text(text), 0)
        self.out.print()

    async def _answer(self, line: str) -> None:
        from skillofmind.cli.show import show_plan

        asked = msgspec.structs.replace(self._dialogue, turns=(*self._dialogue.turns, Turn(_USER, line)))
        plan = self._chosen(await self._planner.plan(asked))
        self._plan = plan
        show_plan(self.out, asked, plan, self._taxonomy)
        conversation = _conversation(asked)
        shown = with_plan(conversation, plan, self._options.inject, self._taxonomy, load_template())
        try:
            completion = await self._model.generate(shown)
        except ModelError as error:
            self.out.print(f"no reply: {printable(str(error))}\nSend your message again; it is not kept.\n")
            return
        if not completion.text.strip():
            self.out.print("no reply: the model said nothing.\nSend your message again; it is not kept.\n")
            return
        self._say(f"{_ASSISTANT.lower()}> {printable(completion.text)}")
        notes = (Annotation(plan.skill, plan.explanation, annotator=plan.planner),) if plan.skill else ()
        reply = Turn(_ASSISTANT, completion.text, annotations=notes)
        self._dialogue = msgspec.structs.replace(asked, turns=(*asked.turns, reply))

    def _chosen(self, plan: Plan) -> Plan:
        """Return the plan, with the user's skill in place of the planner's where one was chosen."""
        if self._skill is None:
            return plan
        skill = self._taxonomy.get(self._skill)
        return Plan(
            explanation=f"I was asked to answer with this skill, so I want to {skill.aim}.",
            skill=skill.name,
            skill_raw=skill.name,
            alternatives=plan.alternatives,
            valid=True,
            planner="user",
            responder=plan.responder,
        )

    def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        commands = {
            "/context": self._context,
            "/skill": self._set_skill,
            "/why": self._why,
            "/save": self._save_as,
        }
        if name in commands:
            commands[name](rest.strip())
        else:
            unknown = "" if name == "/help" else f"unknown command {printable(name)}\n"
            self.out.print(unknown + _HELP, soft_wrap=True)

    def _context(self, text: str) -> None:
        if text:
            self._dialogue = msgspec.structs.replace(self._dialogue, context=SocialContext(text=text))
        self.out.print(f"{printable(render_context(self._dialogue))}\n")

    def _set_skill(self, name: str) -> None:
        if name in ("", "off"):
            self._skill = None
            self.out.print("The planner chooses.\n")
            return
        found = Normaliser(self._taxonomy)(name).skill
        if found is None:
            self.out.print(f"{name!r} is no skill; `som skills` lists them. Nothing changed.\n")
            return
        self._skill = found
        self.out.print(f"Skill: {found}\n")

    def _why(self, _: str) -> None:
        from skillofmind.cli.show import evidence_text

        found = self._plan.evidence if self._plan else ()
        for item in found:
            self.out.print(f"  {evidence_text(item)}")
        self.out.print("" if found else "No evidence yet; only the embedded planner measures it.\n")

    def _save_as(self, name: str) -> None:
        try:
            self._save(Path(name) if name else Path("chat.jsonl"))
        except StorageError as error:
            self.out.print(f"not saved: {printable(str(error))}\n")

    def _save(self, path: Path) -> None:
        if not self._dialogue.turns:
            self.out.print("Nothing was said yet; nothing is saved.\n")
            return
        write_atomic(path, b"".join(write_jsonl([self._dialogue])))
        self.out.print(f"Saved {len(self._dialogue.turns)} turns to {printable(str(path))}.\n")


def _conversation(dialogue: Dialogue) -> Conversation:
    context = [Message("system", render_context(dialogue))] if dialogue.context.text else []
    said = [Message("user" if turn.speaker == _USER else "assistant", turn.text) for turn in dialogue.turns]
    return Conversation((*context, *said))
