"""`som data audit`: whether an annotated corpus is fit for use, check by check."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillofmind.cli.data.source import check_out, watched
from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.data.jsonl import Rejected

if TYPE_CHECKING:
    from skillofmind.mind.audit.likeness.nearest import Encode

_DESCRIPTION = "Check an annotated corpus: schema, labels, copies, leaks, diversity, people, unsafe content."
_EPILOG = """\
hard checks (exit 1 when one fails):
  row, id, turns, empty_turn   every row is a dialogue with its own id, two turns or more, none of them empty
  taxonomy                     every skill is in the taxonomy
  explanation, first_person    every annotation has an explanation, in the first person
  counterfactual               every annotation has a counterfactual reply
  label, label_mismatch        labels are in the taxonomy, and the annotation is what they settled
  duplicate, copied            no two dialogues with Jaccard 0.7 or above, here or in an --against corpus
  split_leak                   near-duplicates, and rows of one meta.pair, are in one split

for a person to look at:
  leak, context_leak           the explanation, or the social context, gives the reply away; the
                               counterfactual is the control, so both are rough without one
  close, length, repeated      counterfactuals like the reply or of another length; repeated explanations
  unsettled, unlabelled        labels of `skillofmind.skill` by `first` and `second` that differ, or lack
  shared_run                   12 words in a row or more that an --against corpus has, too
  alike, alike_other           with --meaning: English dialogues that tell the same in other words, here or in
                               an --against corpus
  self_harm ... profanity      patterns of unsafe content and personal data; a match is no fault

Agreement is Cohen's kappa with a 95 % interval: over skills, categories, each skill, each language. Diversity
is distinct-1/2/3 over an equal number of tokens, and self-BLEU of 500 turns against 500 others, by language,
next to the --against corpora. The audited corpus is held in memory, the others stream past. --meaning encodes
every dialogue, about fifty pieces of 80 words a second on one core; a second time it reads the folder.

examples:
  som data audit corpus.jsonl
  som data audit corpus.jsonl --against esconv/ synthetic_persona_chat/ --out audit.json
  som data audit corpus.jsonl --against esconv/ --meaning vectors/
  som data audit corpus.jsonl --json --limit 0 | jq .verdicts
  som data audit corpus.jsonl --card DATASHEET.md --name "Our corpus"
"""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """Options of `som data audit`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    against: tuple[Path, ...] = option((), "other corpora: files or folders, each one corpus", value="PATH")
    taxonomy: Path | None = option(None, "another taxonomy file", value="FILE")
    limit: int = option(10, "rows to list of each check; 0 lists all", value="N")
    meaning: Path | None = option(
        None, "compare by meaning, too (extra embed), and keep the vectors in this folder", value="FOLDER"
    )
    seed: int = option(0, "of the samples", value="N")
    json: bool = option(False, "print everything as one JSON line")
    out: Path | None = option(None, "write everything as JSON", value="FILE")
    card: Path | None = option(None, "write a datasheet in Markdown", value="FILE")
    name: str = option("Annotated dialogues", "title of the datasheet")


def run(argv: Sequence[str]) -> int:
    """Run `som data audit`."""
    options = parse(AuditOptions, "som data audit", _DESCRIPTION, argv, epilog=_EPILOG)
    if options.limit < 0:
        raise ConfigurationError(f"--limit {options.limit} must be 0 or more.")
    for out in (options.out, options.card):
        check_out(out, (*options.files, *options.against))

    from skillofmind.data.formats import read_any
    from skillofmind.mind.audit.card import card
    from skillofmind.mind.audit.report import audit
    from skillofmind.mind.audit.text import as_text
    from skillofmind.mind.taxonomy import load_taxonomy
    from skillofmind.run.atomic import write_atomic

    rows = watched(read_any(options.files, options.format or None), "audit")
    found = audit(
        rows,
        load_taxonomy(options.taxonomy),
        _others(options.against),
        seed=options.seed,
        encode=_encode(options.meaning),
    )
    encoded = msgspec.json.encode(found) + b"\n"
    if options.out is not None:
        write_atomic(options.out, encoded)
    if options.card is not None:
        write_atomic(options.card, card(found, options.name).encode())
    sys.stdout.write(encoded.decode() if options.json else printable(as_text(found, options.limit)))
    return 0 if found.passed() else 1


def _encode(folder: Path | None) -> "Encode | None":
    if folder is None:
        return None
    from skillofmind.mind.audit.likeness.kept import KeptVectors
    from skillofmind.models.local.encoder import TextEncoder
    from skillofmind.run.atomic import storage_errors

    encoder = TextEncoder()
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return KeptVectors(encoder, folder)


def _others(paths: Sequence[Path]) -> dict[str, Iterable[Dialogue | Rejected]]:
    """Return name -> rows of each other corpus; it is called by its last path part, or all of it if taken."""
    found: dict[str, Iterable[Dialogue | Rejected]] = {}
    for path in paths:
        name = path.resolve().name
        found[str(path) if name in found else name] = _watched(path)
    return found


def _watched(path: Path) -> Iterator[Dialogue | Rejected]:
    from skillofmind.data.formats import read_any

    yield from watched(read_any((path,)), path.name)
