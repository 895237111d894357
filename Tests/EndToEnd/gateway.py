"""Starts the built daemon with a configuration of its own, watches it, and stops it as an operator would.

What the daemon calls things (fields of the access log, keys of the configuration) stands here once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import raw_client
from raw_client import poll

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("PENSTOCK_BINARY", ROOT / ".build/debug/penstock"))
KEY = "sk-test-client-0123456789abcdef"
UPSTREAM_KEYS = {"oai": "sk-test-upstream-openai-7c1d", "claude": "sk-test-upstream-anthropic-7c1d",
                 "gem": "sk-test-upstream-gemini-7c1d"}
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 30.0
CRASH_MARKS = re.compile(r"Fatal error|Precondition failed|Assertion failed|Segmentation fault|SIGSEGV|SIGILL|SIGTRAP"
                         r"|\*\*\* Signal|AddressSanitizer|ThreadSanitizer|Program crashed|Swift runtime failure")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mock_providers(base: str, **timeouts: str) -> dict:
    """One provider of each type at one mock; `timeouts` as in the configuration (`first_content="1s"`)."""
    extra = {"timeouts": timeouts} if timeouts else {}
    return {
        "oai": {"type": "openai", "base_url": f"{base}/v1", "api_key": UPSTREAM_KEYS["oai"], **extra},
        "claude": {"type": "anthropic", "base_url": base, "api_key": UPSTREAM_KEYS["claude"], **extra},
        "gem": {"type": "gemini", "base_url": base, "api_key": UPSTREAM_KEYS["gem"], **extra},
    }


def standard(base: str, **timeouts: str) -> dict:
    """The configuration that most tests start from: a mock in three dialects, and the built-in echo provider."""
    return {
        "version": 1,
        "providers": {**mock_providers(base, **timeouts), "echo": {"type": "echo"}},
        "models": {
            "gpt-test": {"use": "oai/up-gpt"},
            "claude-test": {"use": "claude/up-claude"},
            "gemini-test": {"use": "gem/up-gemini"},
            "echo-test": {"use": "echo/echo-1"},
        },
        "keys": [{"name": "dev", "secret": KEY}],
    }


class Gateway:
    def __init__(self, config: dict, routes: dict[str, str | dict] | None = None,
                 env: dict[str, str] | None = None, prepare=None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="penstock-e2e-"))
        self.port = free_port()
        self.admin_port = free_port()
        self.config = config
        self.access_log = self.directory / "access.log"
        self.config_file = self.directory / "gateway.yaml"
        self.env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")} | (env or {})
        self.process: subprocess.Popen | None = None
        (self.directory / "routes").mkdir()
        for name, route in (routes or {}).items():
            self.write_route(name, route)
        self.write_config(config)
        if prepare:
            prepare(self)

    # ------------------------------------------------------------ files

    def complete(self, config: dict) -> dict:
        """The configuration with this instance's addresses and files filled in."""
        made = json.loads(json.dumps(config))
        server = made.setdefault("server", {})
        server.setdefault("listen", [{"address": f"127.0.0.1:{self.port}"}])
        server.setdefault("admin", {"address": f"127.0.0.1:{self.admin_port}"})
        server.setdefault("loops", 2)
        made.setdefault("telemetry", {}).setdefault("access_log", {"format": "json", "output": str(self.access_log)})
        return made

    def write_config(self, config: dict) -> None:
        self.config = config
        self.write_text(json.dumps(self.complete(config), indent=2, ensure_ascii=False) + "\n")

    def write_text(self, text: str) -> None:
        """JSON is YAML too. Replaced by a rename, as editors and ConfigMaps do it."""
        fresh = self.directory / ".gateway.yaml.new"
        fresh.write_text(text)
        fresh.rename(self.config_file)

    def write_route(self, name: str, route: str | dict) -> None:
        text = route if isinstance(route, str) else json.dumps(route, indent=2)
        (self.directory / "routes" / f"{name}.yaml").write_text(text)

    # ------------------------------------------------------------ life

    def __enter__(self) -> "Gateway":
        self.start()
        return self

    def __exit__(self, kind, *_) -> None:
        try:
            if kind is None:
                self.stop()
        finally:
            self.kill()
            if kind is not None:
                print(f"--- output of the daemon:\n{self.output()[-8000:]}")
            self.remove()

    def start(self) -> "Gateway":
        assert BINARY.exists(), f"no daemon at {BINARY}: build it first, or set PENSTOCK_BINARY"
        out = open(self.directory / "stdout.log", "wb")
        err = open(self.directory / "stderr.log", "wb")
        command = [str(BINARY), "serve", "--config", str(self.config_file)]
        self.process = subprocess.Popen(command, cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL,
                                        stdout=out, stderr=err)
        out.close()
        err.close()
        try:
            poll(self._is_ready_or_dead, START_SECONDS_MAX, "the daemon is ready")
        except BaseException:
            print(self.output()[-8000:])
            self.kill()
            raise
        return self

    def _is_ready_or_dead(self) -> bool:
        code = self.process.poll()
        assert code is None, f"the daemon ended with {code} at its start:\n{self.output()[-8000:]}"
        return self.health("ready") == 200

    def stop(self) -> None:
        """SIGTERM; the daemon must end by itself, with exit code 0 and without a word of a crash."""
        assert self.process is not None
        assert self.process.poll() is None, f"the daemon had died: {self.process.returncode}\n{self.output()[-8000:]}"
        self.process.send_signal(signal.SIGTERM)
        self.wait_exit()

    def wait_exit(self, timeout: float = STOP_SECONDS_MAX) -> None:
        code = self.process.wait(timeout)
        output = self.output()
        assert not CRASH_MARKS.search(output), output[-8000:]
        assert code == 0, f"exit code {code}\n{output[-8000:]}"

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def remove(self) -> None:
        """Its files go with it; `PENSTOCK_E2E_KEEP=1` leaves them for a look."""
        if os.environ.get("PENSTOCK_E2E_KEEP") == "1":
            print(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def assert_alive(self) -> None:
        assert self.process.poll() is None, f"the daemon died: {self.process.returncode}\n{self.output()[-8000:]}"
        assert not CRASH_MARKS.search(self.output())
        assert self.health("live") == 200

    def command(self, *arguments: str, timeout: float = 30) -> subprocess.CompletedProcess:
        return subprocess.run([str(BINARY), *arguments, "--config", str(self.config_file)], cwd=self.directory,
                              env=self.env, capture_output=True, text=True, timeout=timeout)

    # ------------------------------------------------------------ what it says

    def output(self) -> str:
        texts = [(self.directory / name) for name in ("stdout.log", "stderr.log")]
        return "".join(t.read_text(errors="replace") for t in texts if t.exists())

    def admin(self, path: str) -> tuple[int, str]:
        try:
            with DIRECT.open(f"http://127.0.0.1:{self.admin_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def health(self, which: str) -> int:
        return self.admin(f"/health/{which}")[0]

    def metrics_text(self) -> str:
        status, text = self.admin("/metrics")
        assert status == 200
        return text

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of that name whose labels include the given ones."""
        total = 0.0
        for line in self.metrics_text().splitlines():
            match = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?", line)
            if match and match.group(1) == name:
                found = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
                if all(found.get(k) == v for k, v in labels.items()):
                    total += float(match.group(3))
        return total

    def records(self) -> list[dict]:
        if not self.access_log.exists():
            return []
        text = self.access_log.read_text(errors="strict")
        return [json.loads(line) for line in text.split("\n")[:-1] if line]

    def wait_records(self, count: int, timeout: float = 10) -> list[dict]:
        poll(lambda: len(self.records()) >= count, timeout, f"{count} lines in the access log", every=0.05)
        return self.records()

    def record(self, request_id: str, timeout: float = 10) -> dict:
        """The one record of an exchange."""
        found = poll(lambda: [r for r in self.records() if r["request_id"] == request_id], timeout,
                     f"a record of {request_id}", every=0.05)
        assert len(found) == 1, f"{len(found)} records of one exchange"
        return found[0]

    # ------------------------------------------------------------ what it uses

    def rss_bytes(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def peak_rss_bytes(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def reset_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # ------------------------------------------------------------ requests

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, **options) -> raw_client.RawConnection:
        return raw_client.RawConnection(self.port, **options)

    def call(self, method: str, target: str, body: bytes | dict | None = None, key: str | None = KEY,
             fields: list[str] | None = None, timeout: float = raw_client.TIMEOUT) -> raw_client.Response:
        return raw_client.call(self.port, method, target, key, body, fields, timeout)

    def chat(self, model: str = "gpt-test", key: str | None = KEY, text: str = "hello", fields=None,
             **values) -> raw_client.Response:
        return self.call("POST", "/v1/chat/completions", chat_body(model, text, **values), key, fields)

    def chat_stream(self, model: str = "gpt-test", **values) -> raw_client.EventStream:
        """The open stream; its `connection` is the caller's to close."""
        return self.stream("/v1/chat/completions", chat_body(model, stream=True, **values))

    def stream(self, target: str, body: dict, **options) -> raw_client.EventStream:
        connection = self.connect(**options)
        connection.send(raw_client.request("POST", target, KEY, body))
        return raw_client.EventStream(connection)


def chat_body(model: str = "gpt-test", text: str = "hello", **values) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": text}], **values}


def message_body(model: str = "claude-test", text: str = "hello", **values) -> dict:
    return {"model": model, "max_tokens": 256, "messages": [{"role": "user", "content": text}], **values}


def gemini_body(text: str = "hello", **values) -> dict:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **values}


def units(record: dict) -> dict[str, int]:
    """The disjoint usage units of a record; a unit that is left out is 0."""
    names = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "audio_input",
             "audio_output", "image_input", "tool_units")
    usage = record.get("usage") or {}
    unknown = set(usage) - set(names) - {"source"}
    assert not unknown, f"unknown units {unknown}"
    return {name: usage.get(name, 0) for name in names}


def usage_source(record: dict) -> str:
    """provider | estimated; none when nothing was used, and the record then has no `usage`."""
    return (record.get("usage") or {}).get("source", "none")
