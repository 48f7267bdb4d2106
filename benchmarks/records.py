"""Records: msgspec structs against pydantic models and standard dataclasses, on decode + encode.

Each arm decodes the same JSON lines into typed, immutable objects that refuse unknown fields, and encodes
them again without the fields that have their default. That the work is equal is checked first: every arm's
output must decode to the same records. The dataclass arm is given an advantage: it does not check the types
of plain values, which the other two do.

pydantic is no dependency of the package. Where it is missing:

    pip install --target FOLDER 'pydantic>=2,<3'
    python -m benchmarks.records --with FOLDER --out results/benchmarks/records.json
"""

import dataclasses
import functools
import importlib.metadata
import json
import operator
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.dialogues import many
from benchmarks.measure import (
    Json,
    Spent,
    add_target,
    both,
    interleaved,
    machine,
    parser,
    report,
    spent,
    spent_by_process,
    summary,
)
from skillofmind.core.dialogue import Dialogue

IMPORTS = {
    "bare python": "",
    "msgspec": "import msgspec\nclass A(msgspec.Struct, frozen=True):\n    x: int",
    "pydantic": "import pydantic\nclass A(pydantic.BaseModel, frozen=True):\n    x: int",
    "dataclasses + json": "import json\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int",
}


class Arm(NamedTuple):
    """One way to keep records: bytes to object, object to bytes."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


def structs(kind: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Return `kind` and every struct in its fields, those without further structs first."""
    seen: list[type[msgspec.Struct]] = []
    for hint in typing.get_type_hints(kind).values():
        for inner in _structs_in(hint):
            seen += [one for one in structs(inner) if one not in seen]
    return [*seen, kind]


def _structs_in(hint: Any) -> list[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [kind for part in typing.get_args(hint) for kind in _structs_in(part)]


def mapped(hint: Any, to: dict[Any, Any]) -> Any:
    """Return a type hint with every struct replaced by its counterpart."""
    if hint in to:
        return to[hint]
    parts = tuple(mapped(part, to) for part in typing.get_args(hint))
    if not parts:
        return hint
    if isinstance(hint, types.UnionType):
        return functools.reduce(operator.or_, parts)
    return typing.get_origin(hint)[parts]


def msgspec_arm() -> Arm:
    """The records of the package as they are."""
    return Arm(msgspec.json.Decoder(Dialogue).decode, msgspec.json.Encoder().encode)


def pydantic_arm() -> Arm:
    """The same records as pydantic models: frozen, unknown fields refused, defaults left out."""
    import pydantic

    config = pydantic.ConfigDict(frozen=True, extra="forbid")
    to: dict[Any, Any] = {}
    for kind in structs(Dialogue):
        hints = typing.get_type_hints(kind)
        fields: dict[str, Any] = {}
        for field in msgspec.structs.fields(kind):
            default = ... if _required(field) else _default(field)
            if isinstance(default, msgspec.Struct):
                default = to[type(default)]()
            fields[field.name] = (mapped(hints[field.name], to), default)
        to[kind] = pydantic.create_model(kind.__name__, __config__=config, **fields)

    def encode(value: Any) -> bytes:
        return str(value.model_dump_json(exclude_defaults=True)).encode()

    return Arm(to[Dialogue].model_validate_json, encode)


def dataclass_arm() -> Arm:
    """The same records as frozen slotted dataclasses with `json`, by a reader made once for each class."""
    to: dict[Any, Any] = {}
    readers: dict[Any, Callable[[Any], Any]] = {}
    for kind in structs(Dialogue):
        hints = typing.get_type_hints(kind)
        fields: list[Any] = []
        inner: dict[str, Callable[[Any], Any]] = {}
        for field in msgspec.structs.fields(kind):
            settings: Any = {} if _required(field) else _plain_default(_default(field), to)
            fields.append((field.name, mapped(hints[field.name], to), dataclasses.field(**settings)))
            if reader := _reader(hints[field.name], readers):
                inner[field.name] = reader
        to[kind] = dataclasses.make_dataclass(kind.__name__, fields, frozen=True, slots=True)
        readers[kind] = functools.partial(_read, to[kind], inner)
    return Arm(lambda line: readers[Dialogue](json.loads(line)), _encode_plain)


def _required(field: Any) -> bool:
    return field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _plain_default(default: Any, to: dict[Any, Any]) -> dict[str, Any]:
    if isinstance(default, dict):
        return {"default_factory": dict}
    return {"default": to[type(default)]() if type(default) in to else default}


def _reader(hint: Any, readers: dict[Any, Callable[[Any], Any]]) -> Callable[[Any], Any] | None:
    """Return what turns the JSON value of a field into its Python value; `None` where it already is one."""
    if hint in readers:
        return readers[hint]
    if typing.get_origin(hint) is tuple:
        inner = readers.get(typing.get_args(hint)[0])
        return tuple if inner is None else lambda values: tuple([inner(value) for value in values])
    return None


def _read(kind: Any, inner: dict[str, Callable[[Any], Any]], value: dict[str, Any]) -> Any:
    # An unknown field is refused by the constructor.
    return kind(**{key: inner[key](item) if key in inner else item for key, item in value.items()})


def _encode_plain(value: Any) -> bytes:
    return json.dumps(_as_json(value), ensure_ascii=False, separators=(",", ":")).encode()


@functools.cache
def _defaults(kind: Any) -> list[tuple[str, Any]]:
    missing = dataclasses.MISSING
    return [
        (f.name, f.default if f.default is not missing else {} if f.default_factory is dict else missing)
        for f in dataclasses.fields(kind)
    ]


def _as_json(value: Any) -> Any:
    kind = type(value)
    if kind is str or value is None:
        return value
    if dataclasses.is_dataclass(kind):
        items = ((name, getattr(value, name), default) for name, default in _defaults(kind))
        return {name: _as_json(item) for name, item, default in items if item != default}
    return [_as_json(item) for item in value] if kind is tuple else value


def check_equal_work(arms: dict[str, Arm], lines: list[bytes]) -> None:
    """Raise `ValueError` unless every arm gives the same records back and refuses an unknown field."""
    right = [msgspec.json.decode(line, type=Dialogue) for line in lines]
    for name, arm in arms.items():
        back = [msgspec.json.decode(arm.encode(arm.decode(line)), type=Dialogue) for line in lines]
        if back != right:
            raise ValueError(f"{name} does not give the same records back.")
        try:
            arm.decode(b'{"turns":[],"unknown":1}')
        except (TypeError, ValueError):
            continue
        raise ValueError(f"{name} takes an unknown field.")


def measure(count: int, rounds: int) -> Json:
    """Return the result for `count` dialogues."""
    lines = [msgspec.json.encode(dialogue) for dialogue in many(count)]
    arms = {"msgspec": msgspec_arm(), "pydantic": pydantic_arm(), "dataclasses + json": dataclass_arm()}
    check_equal_work(arms, lines)

    def work(arm: Arm) -> Spent:
        return spent(lambda: [arm.encode(arm.decode(line)) for line in lines])

    found = interleaved({name: functools.partial(work, arm) for name, arm in arms.items()}, rounds)
    measured = {name: both(values) for name, values in found.items()}
    base = measured["msgspec"]["cpu_s"]["median"]
    return {
        "what": "decode and encode all dialogues once",
        "dialogues": count,
        "megabytes": round(sum(map(len, lines)) / 1e6, 2),
        "rounds": rounds,
        "arms": measured,
        "times_msgspec_cpu": {
            name: round(value["cpu_s"]["median"] / base, 1) for name, value in measured.items()
        },
        "import_cpu_s": _imports(rounds),
    }


def _imports(rounds: int) -> Json:
    """Return CPU seconds of a fresh process that imports each and defines one class, bare Python included."""
    path = ":".join(sys.path)

    def child(code: str) -> Spent:
        return spent_by_process([sys.executable, "-S", "-c", code], {"PYTHONPATH": path})

    arms = {name: functools.partial(child, code) for name, code in IMPORTS.items()}
    found = interleaved(arms, max(rounds, 9))
    return {name: summary([one.cpu for one in values]) for name, values in found.items()}


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument("--count", type=int, default=2000, help="dialogues (default: 2000)")
    made.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    made.add_argument(
        "--with", dest="target", type=Path, metavar="FOLDER", help="where pydantic is installed"
    )
    options = made.parse_args()
    add_target(options.target)
    try:
        versions = {name: importlib.metadata.version(name) for name in ("msgspec", "pydantic")}
    except importlib.metadata.PackageNotFoundError:
        made.error(
            "pydantic is missing: pip install --target FOLDER 'pydantic>=2,<3', then add --with FOLDER."
        )
    result = measure(options.count, options.rounds)
    report({"benchmark": "records", "machine": machine(), "versions": versions, **result}, options.out)


if __name__ == "__main__":
    main()
