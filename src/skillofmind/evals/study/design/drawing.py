"""Orders and shares that follow from a seed alone, on every machine and in every version of Python."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def rank(*words: object) -> int:
    """Return a number that is as good as random and always the same for these words."""
    text = "\x1f".join(map(str, words)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def shuffled(values: Iterable[T], *words: object) -> list[T]:
    """Return the values in an order that follows from `words`, their places and nothing else."""
    numbered = [(rank(*words, number), number, value) for number, value in enumerate(values)]
    return [value for _, _, value in sorted(numbered, key=lambda one: one[:2])]


def shares(count: int, raters: int, overlap: int, *words: object) -> list[list[int]]:
    """Return who judges each of `count` tasks: `overlap` of `raters` people, as evenly as it goes.

    Everyone's number of tasks differs by at most one. Among those who have fewest, those are taken who met
    least often so far, so that agreement is measured between all people and not within fixed teams.
    """
    load, met = [0] * raters, [[0] * raters for _ in range(raters)]
    found = []
    for number in range(count):
        chosen: list[int] = []
        for _ in range(overlap):
            free = [one for one in range(raters) if one not in chosen]
            best = min(free, key=lambda one: _cost(one, chosen, load, met, number, words))
            chosen.append(best)
            load[best] += 1
        for one in chosen:
            for other in chosen:
                met[one][other] += 1
        found.append(sorted(chosen))
    return found


def _cost(
    one: int, chosen: list[int], load: list[int], met: list[list[int]], number: int, words: Sequence[object]
) -> tuple[int, int, int]:
    return load[one], sum(met[one][other] for other in chosen), rank(*words, "share", number, one)


def balanced_sides(meetings: Sequence[tuple[int, int]], *words: object) -> list[bool]:
    """Return for each (task, rater) whether the sides are swapped, half of the time for every task and rater.

    Tasks and raters are the two sides of a graph whose edges are the meetings. Walking closed trails over all
    edges and swapping every second one leaves at each vertex as many swapped edges as others; a vertex with
    an odd number of edges gets one more to a spare vertex first, so that it is off by one at most.
    """
    edges = [(("task", task), ("rater", rater)) for task, rater in shuffled(meetings, *words, "sides")]
    order = shuffled(range(len(meetings)), *words, "sides")
    swapped = _alternating([*edges, *_spare(edges)], words)
    found = [False] * len(meetings)
    for place, index in enumerate(order):
        found[index] = swapped[place]
    return found


_Vertex = tuple[str, int]
_Edge = tuple[_Vertex, _Vertex]


def _spare(edges: Sequence[_Edge]) -> list[_Edge]:
    degree: dict[_Vertex, int] = {}
    for edge in edges:
        for vertex in edge:
            degree[vertex] = degree.get(vertex, 0) + 1
    odd = [vertex for vertex, count in degree.items() if count % 2]
    made: list[_Edge] = [
        (vertex, ("rater", -1)) if vertex[0] == "task" else (("task", -1), vertex) for vertex in odd
    ]
    # As many odd tasks as odd raters are odd together, so one edge evens out both spare vertices.
    if sum(vertex[0] == "task" for vertex in odd) % 2:
        made.append((("task", -1), ("rater", -1)))
    return made


def _alternating(edges: Sequence[_Edge], words: Sequence[object]) -> list[bool]:
    """Return whether each edge is swapped, by walking closed trails; all vertices have even degree."""
    at: dict[_Vertex, list[int]] = {}
    for index, edge in enumerate(edges):
        for vertex in edge:
            at.setdefault(vertex, []).append(index)
    swapped: list[bool | None] = [None] * len(edges)
    for start in range(len(edges)):
        vertex, side = edges[start][0], bool(rank(*words, "first", start) % 2)
        # Every trail is closed, and closed trails of a two-sided graph have an even number of edges.
        while (walked := _unwalked(at[vertex], swapped)) is not None:
            swapped[walked], side = side, not side
            one, other = edges[walked]
            vertex = other if vertex == one else one
    return [bool(side) for side in swapped]


def _unwalked(indices: list[int], swapped: Sequence[bool | None]) -> int | None:
    while indices:
        index = indices.pop()
        if swapped[index] is None:
            return index
    return None
