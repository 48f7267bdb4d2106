"""Tables of the page on serving, from the committed results."""

from typing import Any

from tables import result, table

_HEAD = [
    "",
    "CPU-ms a request",
    "ms added, median (1 client)",
    "ms added, fastest tenth",
    "requests/s (32 clients)",
    "peak MB",
]


def serve_speed() -> str:
    """Return what `som serve` and its peers take, and which aims are met."""
    found = result("benchmarks/serve.json")
    alone, many = found["cases"]["1 clients, whole"], found["cases"]["32 clients, whole"]
    rows = [
        [
            name,
            f"{arm['cpu_ms']['median']:.2f}",
            f"{alone[name]['added_p50_ms']['median']:.1f}",
            f"{alone[name]['added_p10_ms']['median']:.1f}",
            f"{arm['requests_per_s']['median']:,.0f}",
            f"{found['servers'][name]['peak_mb']['all_processes']:,.0f}",
        ]
        for name, arm in many.items()
        if name != "direct"
    ]
    return f"{table(_HEAD, rows)}\n\n{_conditions(found)}\n\n{_aims(found['aims'])}"


def _conditions(found: dict[str, Any]) -> str:
    direct = found["cases"]["32 clients, whole"]["direct"]
    peers = " and ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{found['rounds']} interleaved rounds against an upstream that answers at once"
        f"{f', {peers}' if peers else ''}; CPU at 32 clients. Upstream, clients and proxy shared "
        f"{found['machine']['cpus']} cores with other work (load {found['machine']['load']:g} at the start, "
        f"{found['load_at_the_end']:g} at the end), so CPU is what compares and times are upper bounds. "
        f"Without a proxy the same clients got {direct['requests_per_s']['median']:,.0f} requests/s."
    )


def _aims(aims: dict[str, Any]) -> str:
    rows = [
        [what, f"{one['measured']:g}", one["aim"], "yes" if one["met"] else "no"]
        for what, one in aims.items()
    ]
    return table(["", "measured", "aim", "met"], rows)


def serve_streams() -> str:
    """Return CPU and first byte of streams, by clients."""
    found = result("benchmarks/serve.json")["cases"]
    rows = [
        [
            name,
            case.partition(" ")[0],
            f"{arm['cpu_ms']['median']:.2f}",
            f"{arm['added_first_byte_p50_ms']['median']:,.1f}",
            f"{arm['added_first_byte_p95_ms']['median']:,.1f}",
            f"{arm['requests_per_s']['median']:,.0f}",
        ]
        for case, arms in found.items()
        if case.endswith("stream")
        for name, arm in arms.items()
        if name != "direct"
    ]
    head = ["streams", "clients", "CPU-ms", "first byte, ms later (median)", "95 %", "requests/s"]
    return table(head, rows)


def plan_overhead() -> str:
    """Return what planning adds to an answer."""
    found = result("plan_overhead.json")
    rates = found["simulated"]
    note = (
        f"{found['cases']} dialogues, streamed, {found['in_flight']} at a time. **The language models are "
        f"simulated**: they read {rates['prompt_tokens_per_s']:,.0f} prompt tokens and write "
        f"{rates['tokens_per_s']:g} tokens a second. Classifiers and server are real. A ratio is that of the "
        f"same case with and without planning (median). Load of the two cores: {found['machine']['load']:g}."
    )
    local = found["local"]
    real = (
        f"The same with a real, very small network of random weights in this process "
        f"({local['cases']} dialogues, one thread):"
    )
    return f"{note}\n\n{_overhead(found['arms'])}\n\n{real}\n\n{_overhead(local['arms'])}"


def _overhead(arms: dict[str, Any]) -> str:
    rows = [
        [
            name,
            *(f"{arm['first_token_s'][p]:.2f}" for p in ("p50", "p95")),
            *(f"{arm['total_s'][p]:.2f}" for p in ("p50", "p95")),
            f"{arm['tokens_in']:,.0f}",
            f"{arm['tokens_out']:,.0f}",
            f"{arm['ratio']['p50']:.2f}",
        ]
        for name, arm in arms.items()
    ]
    head = ["", "first token, s", "95 %", "whole answer, s", "95 %", "tokens in", "tokens out", "ratio"]
    return table(head, rows)
