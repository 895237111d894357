"""Medians, tables, bounds: from the results of all rounds to what is read."""

from __future__ import annotations

import statistics
from collections.abc import Callable

# The "lands" column of the budget table; `--check` fails beyond it.
CPU_REQUEST_RATIO_MAX = 1.35
CPU_EVENT_RATIO_MAX = 1.4
REST_MIB_MAX = 40.0
IDLE_KIB_MAX = 8.0
STREAM_KIB_MAX = 24.0
START_MS_MAX = 150.0
ADDED_P50_US_MAX = 100.0
ADDED_P99_US_MAX = 1000.0
# Back at the base line: descriptors, apart from a few pooled connections, and what a second hold adds to the first.
DESCRIPTORS_LEFT_MAX = 80
GROWTH_KIB_MAX = 4096


class Results:
    def __init__(self, data: dict) -> None:
        self.data = data

    def values(self, name: str, step: str, key: str) -> list[float]:
        return [each[name][step][key] for each in self.data["rounds"] if step in each.get(name, {})]

    def median(self, name: str, step: str, key: str) -> float | None:
        values = self.values(name, step, key)
        return statistics.median(values) if values else None

    def spread(self, name: str, step: str, key: str, form: str = "{:,.1f}") -> str:
        values = self.values(name, step, key)
        if not values:
            return "–"
        middle = form.format(statistics.median(values))
        return middle if len(values) == 1 else f"{middle} ({form.format(min(values))}–{form.format(max(values))})"

    def pairs(self, name: str, other: str, step: str, key: str, by: Callable[[float, float], float]) -> list[float]:
        return [by(one, two) for one, two in zip(self.values(name, step, key), self.values(other, step, key))
                if two > 0]

    def ratio(self, name: str, step: str, key: str, other: str = "nginx") -> float | None:
        """The median of the ratios of each round: what disturbs a round disturbs both sides of it."""
        values = self.pairs(name, other, step, key, lambda one, two: one / two)
        return statistics.median(values) if values else None

    def beyond(self, name: str, step: str, key: str, other: str) -> float | None:
        values = self.pairs(name, other, step, key, lambda one, two: one - two)
        return statistics.median(values) if values else None

    def others(self, step: str) -> float:
        """The largest share of core 0 that other programs took in this step."""
        return max((each[name][step]["others"] for each in self.data["rounds"] for name in each
                    if name != "direct" and step in each[name]), default=0.0)

    @property
    def names(self) -> list[str]:
        return self.data["proxies"]

    def has(self, step: str) -> bool:
        return any(step in each.get(name, {}) for each in self.data["rounds"] for name in each)


def number(value: float | None, form: str = "{:,.1f}") -> str:
    return "–" if value is None else form.format(value)


def table(title: str, note: str, head: list[str], rows: list[list[str]]) -> str:
    lines = [f"### {title}", "", *([note, ""] if note else [])]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


# ------------------------------------------------------------ tables


def _saturation(results: Results, step: str, title: str) -> str:
    proxies = [name for name in results.names if results.values(name, step, "cpu_us_request")]
    rows = [[name, results.spread(name, step, "cpu_us_request"),
             number(results.ratio(name, step, "cpu_us_request"), "{:.2f}"),
             number(results.median(name, step, "per_second"), "{:,.0f}"),
             number(results.median(name, step, "p99_us"), "{:,.0f}"),
             number((results.median(name, step, "busy") or 0) * 100, "{:.0f} %")] for name in proxies]
    return table(title, "", ["proxy", "CPU µs per request", "ratio to nginx", "requests/s", "p99 µs", "busy"], rows)


def _rate(results: Results, step: str, title: str) -> str:
    rows = [[name, number(results.median(name, step, "p50_us"), "{:,.0f}"),
             number(results.median(name, step, "p99_us"), "{:,.0f}"),
             number(results.beyond(name, step, "p50_us", "nginx"), "{:+,.0f}"),
             number(results.beyond(name, step, "p99_us", "nginx"), "{:+,.0f}"),
             "–" if name == "direct" else results.spread(name, step, "cpu_us_request")]
            for name in ["direct", *results.names] if results.values(name, step, "p50_us")]
    return table(title, "", ["proxy", "p50 µs", "p99 µs", "p50 beyond nginx", "p99 beyond nginx",
                             "CPU µs per request"], rows)


def _events(results: Results) -> str:
    rows = []
    for name in results.names:
        if not results.values(name, "paced", "cpu_us_event"):
            continue
        rows.append([name, results.spread(name, "paced", "cpu_us_event", "{:.2f}"),
                     number(results.ratio(name, "paced", "cpu_us_event"), "{:.2f}"),
                     number(results.median(name, "paced", "first_p50_us"), "{:,.0f}"),
                     number(results.median(name, "paced", "events_per_second"), "{:,.0f}"),
                     results.spread(name, "burst", "cpu_us_event", "{:.2f}"),
                     number(results.ratio(name, "burst", "cpu_us_event"), "{:.2f}"),
                     number(results.median(name, "burst", "events_per_second"), "{:,.0f}")])
    return table("Streams", "", ["proxy", "paced: CPU µs per event", "ratio", "first event p50 µs", "events/s",
                                 "burst: CPU µs per event", "ratio", "events/s"], rows)


def _memory(results: Results) -> str:
    rows = []
    for name, kinds in results.data.get("memory", {}).items():
        for kind in kinds.values():
            for place, each in enumerate(kind["holds"]):
                again = place == len(kind["holds"]) - 1
                rows.append([
                    name, f"{each['count']:,} {'streams' if each['stream'] else 'idle'}"
                          f"{' over TLS' if each.get('https') else ''}{', again' if again else ''}",
                    f"{kind['rest']['rss_kib'] / 1024:.1f}", f"{each['during']['rss_kib'] / 1024:.1f}",
                    f"{each['kib_each']:.1f}", f"{each['after']['rss_kib'] / 1024:.1f}",
                    f"{kind['rest']['descriptors']} → {each['during']['descriptors']:,} → "
                    f"{each['after']['descriptors']}"])
    return table("Memory", "Resident MiB of the process tree; descriptors at rest → while open → afterwards.",
                 ["proxy", "open", "at rest", "while open", "KiB each", "afterwards", "descriptors"], rows)


def _starts(results: Results) -> str:
    rows = [[name, f"{statistics.median(times):.0f}", f"{min(times):.0f}–{max(times):.0f}"]
            for name, times in results.data.get("starts", {}).items() if times]
    return table("Process start to first answered request", "", ["proxy", "ms", "range"], rows)


def tables(results: Results) -> str:
    parts = []
    if results.has("saturation"):
        parts.append(_saturation(results, "saturation", "Requests at saturation"))
    if results.has("rate"):
        parts.append(_rate(results, "rate", f"Latency at {results.data['plan']['rate']:,} requests/s"))
    if results.has("paced"):
        parts.append(_events(results))
    if results.has("tls_saturation"):
        parts.append(_saturation(results, "tls_saturation", "TLS to the upstream: requests at saturation"))
        parts.append(_rate(results, "tls_rate", f"TLS to the upstream: latency at {results.data['plan']['rate']:,} "
                                                "requests/s"))
        opened = ", ".join(f"{name} {count} ({resumed} resumed)"
                           for name, (count, resumed) in results.data["handshakes"].items() if count)
        parts.append(f"TLS handshakes that the mock saw in all rounds, warm-up included: {opened}.\n")
    if results.has("tls_in_saturation"):
        parts.append(_saturation(results, "tls_in_saturation", "TLS from the client: requests at saturation"))
        parts.append(_rate(results, "tls_in_rate", f"TLS from the client: latency at {results.data['plan']['rate']:,} "
                                                   "requests/s"))
    if results.has("tls_in_burst"):
        rows = [[name, results.spread(name, "tls_in_burst", "cpu_us_event", "{:.2f}"),
                 number(results.ratio(name, "tls_in_burst", "cpu_us_event"), "{:.2f}"),
                 number(results.median(name, "tls_in_burst", "events_per_second"), "{:,.0f}")]
                for name in results.names if results.values(name, "tls_in_burst", "cpu_us_event")]
        parts.append(table("TLS from the client: streams in bursts", "",
                           ["proxy", "CPU µs per event", "ratio to nginx", "events/s"], rows))
    if results.data.get("memory"):
        parts.append(_memory(results))
    if results.data.get("starts"):
        parts.append(_starts(results))
    return "\n".join(parts)


def heading(results: Results) -> str:
    at = results.data["machine"]
    versions = "; ".join(results.data["versions"].values())
    shares = [(step, results.others(step)) for step in ("saturation", "rate", "paced", "burst", "tls_saturation",
                                                       "tls_rate", "tls_in_saturation", "tls_in_rate",
                                                       "tls_in_burst") if results.has(step)]
    worst = max((share for _, share in shares), default=0.0)
    quiet = (f"The machine was busy: other programs took up to {worst * 100:.0f} % of the proxies' core during a step, "
             "and the load average was " if worst > 0.1 else
             f"Other programs took at most {worst * 100:.0f} % of the proxies' core; the load average before was ")
    return (f"{results.data['date']}, `{results.data['command']}`, {results.data['plan']['rounds']} rounds, "
            f"medians (smallest–largest). {at['cores']} cores of {at['cpu']}, {at['system']}, Linux {at['kernel']}. "
            f"{versions}. "
            f"{quiet}{at['load_before']}.\n")


# ------------------------------------------------------------ bounds


def bounds(results: Results) -> list[tuple[str, float | None, float]]:
    """What is bounded, what was measured (None: it was not), and the bound."""
    found: list[tuple[str, float | None, float]] = [
        ("CPU per request, ratio to nginx", results.ratio("penstock", "saturation", "cpu_us_request"),
         CPU_REQUEST_RATIO_MAX),
        ("CPU per paced event, ratio to nginx", results.ratio("penstock", "paced", "cpu_us_event"),
         CPU_EVENT_RATIO_MAX),
        ("CPU per burst event, ratio to nginx", results.ratio("penstock", "burst", "cpu_us_event"),
         CPU_EVENT_RATIO_MAX),
        ("p50 beyond nginx, µs", results.beyond("penstock", "rate", "p50_us", "nginx"), ADDED_P50_US_MAX),
        ("p99 beyond nginx, µs", results.beyond("penstock", "rate", "p99_us", "nginx"), ADDED_P99_US_MAX)]
    own = results.data.get("memory", {}).get("penstock")
    if own:
        idle, streams = own["idle"], own["streams"]
        found += [("MiB at rest", max(idle["rest"]["rss_kib"], streams["rest"]["rss_kib"]) / 1024, REST_MIB_MAX),
                  ("KiB per idle connection", max(each["kib_each"] for each in idle["holds"]), IDLE_KIB_MAX),
                  ("KiB per open stream", max(each["kib_each"] for each in streams["holds"]), STREAM_KIB_MAX)]
        for kind, name in ((idle, "idle connections"), (streams, "streams")):
            left = max(each["after"]["descriptors"] for each in kind["holds"]) - kind["rest"]["descriptors"]
            first, second = kind["holds"][-2:]
            grown = second["after"]["rss_kib"] - first["after"]["rss_kib"]
            found += [(f"descriptors left after the {name}", left, DESCRIPTORS_LEFT_MAX),
                      (f"KiB that the same {name} again leave", grown, GROWTH_KIB_MAX)]
    times = results.data.get("starts", {}).get("penstock")
    if times:
        found.append(("start to first answer, ms", statistics.median(times), START_MS_MAX))
    return found


def bounds_table(results: Results) -> tuple[str, bool]:
    rows, good = [], True
    for what, value, limit in bounds(results):
        if value is None:
            continue
        held = value <= limit
        good = good and held
        rows.append([what, f"{value:,.2f}", f"≤ {limit:,.2f}", "yes" if held else "**no**"])
    return table("Bounds", "", ["penstock", "measured", "bound", "held"], rows), good
