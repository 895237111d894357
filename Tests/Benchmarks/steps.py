"""What is measured. A step is one run of the load generator against one proxy, with the proxy's CPU time around it."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import machine
from proxies import Proxy, Upstream, request_body

OTHERS_MAX = 0.10  # of core 0, taken by other programs: beyond it a step is run again, and the quieter run counts
TRIES = 3


@dataclass(frozen=True)
class Plan:
    """How long and how much. `quick` shortens it, `smoke` only shows that everything works."""

    rounds: int = 3
    seconds: float = 3.0
    warm_seconds: float = 1.0
    rate: int = 1000
    connections: int = 64
    streams: int = 64
    paced_events: int = 100
    paced_gap_us: int = 5000
    idle: tuple[int, ...] = (5000, 10000)
    held_streams: int = 2000
    starts: int = 7
    tries: int = TRIES
    with_tls: bool = True

    @staticmethod
    def quick() -> "Plan":
        return Plan(rounds=1, seconds=1.5, warm_seconds=0.5, idle=(5000,), held_streams=1000, starts=3, tries=1)

    @staticmethod
    def smoke() -> "Plan":
        return Plan(rounds=1, seconds=0.2, warm_seconds=0.1, rate=200, connections=8, streams=8, paced_events=20,
                    idle=(50,), held_streams=20, starts=1, tries=1)


@dataclass
class Bench:
    """The mock, the programs and the files that the steps share."""

    upstream: Upstream
    binaries: Path
    directory: Path
    plan: Plan
    problems: list[str] = field(default_factory=list)
    handshakes: dict[str, list[int]] = field(default_factory=dict)  # proxy: TLS handshakes at the mock, resumed ones

    def body(self, model: str, stream: bool) -> Path:
        path = self.directory / f"{model}-{'stream' if stream else 'plain'}.json"
        if not path.exists():
            path.write_bytes(request_body(model, stream))
        return path

    def command(self, mode: str, proxy: Proxy, *, tls: bool, stream: bool, options: list[str],
                https: bool = False) -> list[str]:
        """`tls`: between proxy and mock; `https`: between client and proxy."""
        headers = [each for header in proxy.headers for each in ("-H", header)]
        port = proxy.https_port if https else proxy.tls_port if tls else proxy.port
        if https:
            headers += ["-T", str(self.upstream.ca)]
        return [str(self.binaries / "load"), mode, str(port), str(self.body(proxy.models[tls], stream)), *headers,
                *options]

    def load(self, mode: str, proxy: Proxy, seconds: float, *, tls: bool = False, stream: bool = False,
             https: bool = False, options: list[str]) -> dict:
        """One run; of several, the one that other programs disturbed least."""
        best: dict | None = None
        for _ in range(self.plan.tries):
            result = self._load_once(mode, proxy, seconds, tls=tls, stream=stream, https=https, options=options)
            if best is None or result["others"] < best["others"]:
                best = result
            if best["others"] <= OTHERS_MAX:
                break
        return best

    def _load_once(self, mode: str, proxy: Proxy, seconds: float, *, tls: bool, stream: bool, https: bool,
                   options: list[str]) -> dict:
        command = self.command(mode, proxy, tls=tls, stream=stream, https=https,
                               options=["-d", str(seconds), *options])
        seen = self.upstream.counts()
        pids = proxy.pids
        core, cpu, began = machine.core_busy_seconds(machine.PROXY_CORE), machine.cpu_seconds(pids), time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
        wall = time.monotonic() - began
        cpu = machine.cpu_seconds(pids) - cpu
        core = machine.core_busy_seconds(machine.PROXY_CORE) - core
        proxy.clean()
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
        result = json.loads(done.stdout.splitlines()[-1])
        after = self.upstream.counts()
        result |= {"cpu_s": cpu, "wall_s": wall, "busy": cpu / wall, "others": max(0.0, core - cpu) / wall,
                   "cpu_us_request": cpu * 1e6 / max(result["answered"], 1),
                   "cpu_us_event": cpu * 1e6 / max(result["events"], 1),
                   "per_second": result["answered"] / result["seconds"],
                   "events_per_second": result["events"] / result["seconds"],
                   "upstream_connections": after["connections"] - seen["connections"]}
        total = self.handshakes.setdefault(proxy.name, [0, 0])
        for place, key in enumerate(("handshakes", "resumed")):
            total[place] += after[key] - seen[key]
        kind = f"{' tls' if tls else ''}{' https' if https else ''}{' stream' if stream else ''}"
        self._judge(f"{proxy.name} {mode}{kind}", result, after["requests"] - seen["requests"])
        return result

    def _judge(self, what: str, result: dict, forwarded: int) -> None:
        wrong = []
        if result["errors"]:
            wrong.append(f"{result['errors']} failed ({result['first_error']})")
        if result["unfinished"]:
            wrong.append(f"{result['unfinished']} not finished")
        if forwarded < result["answered"]:
            wrong.append(f"the mock saw {forwarded} of {result['answered']} requests")
        if wrong:
            self.problems.append(f"{what}: {', '.join(wrong)}")


# ------------------------------------------------------------ the steps of a round


def saturation(bench: Bench, proxy: Proxy, tls: bool = False, https: bool = False) -> dict:
    return bench.load("closed", proxy, bench.plan.seconds, tls=tls, https=https,
                      options=["-c", str(bench.plan.connections)])


def fixed_rate(bench: Bench, proxy: Proxy, tls: bool = False, https: bool = False) -> dict:
    options = ["-c", str(bench.plan.connections), "-r", str(bench.plan.rate)]
    return bench.load("rate", proxy, bench.plan.seconds, tls=tls, https=https, options=options)


def burst_over_https(bench: Bench, proxy: Proxy) -> dict:
    bench.upstream.set(bench.plan.paced_events, 0)
    return bench.load("closed", proxy, bench.plan.seconds, stream=True, https=True,
                      options=["-c", str(bench.plan.streams)])


def paced(bench: Bench, proxy: Proxy) -> dict:
    bench.upstream.set(bench.plan.paced_events, bench.plan.paced_gap_us)
    return bench.load("closed", proxy, bench.plan.seconds, stream=True, options=["-c", str(bench.plan.streams)])


def burst(bench: Bench, proxy: Proxy) -> dict:
    bench.upstream.set(bench.plan.paced_events, 0)
    return bench.load("closed", proxy, bench.plan.seconds, stream=True, options=["-c", str(bench.plan.streams)])


def over_tls(step, bench: Bench, proxy: Proxy) -> dict:
    """The proxies close idle connections after a while: they are opened anew before the step, not within it."""
    bench.load("closed", proxy, bench.plan.warm_seconds / 2, tls=True, options=["-c", str(bench.plan.connections)])
    return step(bench, proxy, tls=True)


ROUND_STEPS = {
    "saturation": saturation,
    "rate": fixed_rate,
    "paced": paced,
    "burst": burst,
    "tls_saturation": lambda bench, proxy: over_tls(saturation, bench, proxy),
    "tls_rate": lambda bench, proxy: over_tls(fixed_rate, bench, proxy),
    "tls_in_saturation": lambda bench, proxy: saturation(bench, proxy, https=True),
    "tls_in_rate": lambda bench, proxy: fixed_rate(bench, proxy, https=True),
    "tls_in_burst": burst_over_https,
}


def warm(bench: Bench, proxy: Proxy) -> None:
    for tls in (False, True):
        if tls and not (proxy.tls_port and bench.plan.with_tls):
            continue
        bench.load("closed", proxy, bench.plan.warm_seconds, tls=tls, options=["-c", str(bench.plan.connections)])


# ------------------------------------------------------------ memory


def _state(proxy: Proxy) -> dict:
    pids = proxy.pids
    return {"rss_kib": machine.rss_kib(pids), "descriptors": machine.descriptors(pids)}


def hold(bench: Bench, proxy: Proxy, count: int, stream: bool, https: bool = False) -> dict:
    """Memory and descriptors while `count` connections stay open, and after they have closed."""
    bench.upstream.set(100, 60_000_000 if stream else 0)
    before = _state(proxy)
    command = bench.command("hold", proxy, tls=False, stream=stream, https=https,
                            options=["-c", str(count), "-d", "30"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
        words = load.stdout.readline().split()
        held, lost = (int(words[1]), int(words[2])) if words[:1] == [b"ready"] else (0, count)
        time.sleep(0.7)
        during = _state(proxy)
        load.stdin.close()
        load.wait(45)
    after = _settled(proxy, before["descriptors"])
    if held < count:
        bench.problems.append(f"{proxy.name}: {held} of {count} connections stayed open, {lost} were closed")
    proxy.clean()
    return {"count": held, "stream": stream, "https": https, "before": before, "during": during, "after": after}


def _settled(proxy: Proxy, descriptors: int) -> dict:
    """The state when the descriptors are back, or after three seconds; then the least memory of the next three, since
    an allocator may give pages back a little later."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and machine.descriptors(proxy.pids) > descriptors:
        time.sleep(0.05)
    states = []
    for _ in range(10):
        time.sleep(0.3)
        states.append(_state(proxy))
    return {**states[-1], "rss_kib": min(state["rss_kib"] for state in states)}


def memory(bench: Bench, proxy: Proxy, stream: bool, https: bool = False) -> dict:
    """In a process of its own. Each hold runs twice: what the second one leaves behind shows a leak."""
    proxy.start()
    try:
        time.sleep(0.5)
        rest = _state(proxy)
        counts = [bench.plan.held_streams] if stream or https else list(bench.plan.idle)
        holds = [hold(bench, proxy, count, stream, https) for count in [*counts, counts[-1]]]
    finally:
        proxy.stop()
    for each in holds:
        each["kib_each"] = (each["during"]["rss_kib"] - rest["rss_kib"]) / max(each["count"], 1)
    return {"rest": rest, "holds": holds}


def starts(bench: Bench, proxy: Proxy) -> list[float]:
    times = []
    for _ in range(bench.plan.starts):
        try:
            times.append(proxy.start())
        finally:
            proxy.stop()
    return times
