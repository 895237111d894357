"""Reload: nothing is dropped, an invalid file changes nothing and is explained (done-when 6, O-1 to O-5)."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import socket
import threading

import pytest

import gateway
from gateway import KEY, chat_body
from raw_client import Broken, EventStream, RawConnection, poll, request

INVALID = """version: 1
providers:
  echo: { type: echo }
deployments:
  one: { provider: echo, model: m, wieght: 1 }
models:
  echo-test: { use: onne }
keys:
  - { name: dev, secret: "%s" }
""" % KEY


def models(running) -> set[str]:
    return {m["id"] for m in running.call("GET", "/v1/models").json()["data"]}


def with_model(mock, name: str) -> dict:
    config = gateway.standard(mock.base)
    config["models"][name] = {"use": "echo/other"}
    return config


class Load:
    """Clients that ask without a pause until they are told to stop, and count what went wrong."""

    def __init__(self, running, clients: int) -> None:
        self.running = running
        self.stop = threading.Event()
        self.answered = 0
        self.failures: list[str] = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(30)

    def _client(self, number: int) -> None:
        model = "gpt-test" if number % 2 else "echo-test"
        connection = RawConnection(self.running.port)
        count = 0
        while not self.stop.is_set():
            count += 1
            try:
                connection.send(request("POST", "/v1/chat/completions", KEY,
                                        chat_body(model, stream=count % 3 == 0)))
                answer = connection.read()
                good = answer.status == 200 and (count % 3 or answer.body.endswith(b"data: [DONE]\n\n"))
                problem = "" if good else f"{answer.status} {answer.body[:200]!r}"
                if answer.headers.get("connection") == "close":
                    problem = "the connection was closed by a reload"
            except (OSError, Broken, AssertionError) as failure:
                problem = repr(failure)
            with self.lock:
                self.answered += 1
                if problem:
                    self.failures.append(problem)
            if problem:
                connection = RawConnection(self.running.port)
            if count % 50 == 0 and not problem:  # new connections as well
                connection.close()
                connection = RawConnection(self.running.port)


@pytest.mark.timeout(600)
def test_300_reloads_under_load(launch, mock):
    running = launch()
    before = running.descriptors()
    with Load(running, 4) as load:
        poll(lambda: load.answered > 20, 30, "the load runs")
        for number in range(300):
            name = f"round-{number}"
            running.write_config(with_model(mock, name))
            if number % 2:
                running.signal(signal.SIGHUP)
            poll(lambda name=name: name in models(running), 20, f"reload {number} is served", every=0.005)
    assert load.failures == [], f"{len(load.failures)} of {load.answered}: {load.failures[:3]}"
    assert load.answered > 300
    assert running.metric("penstock_config_last_reload_successful") == 1
    assert running.metric("penstock_config_generation") >= 300
    poll(lambda: running.descriptors() <= before + 12, 20, "descriptors return to the base line")


def test_an_invalid_file_changes_nothing_and_is_explained(launch, mock):
    running = launch()
    generation = running.metric("penstock_config_generation")
    with Load(running, 2) as load:
        running.write_text(INVALID)
        running.signal(signal.SIGHUP)
        poll(lambda: running.metric("penstock_config_last_reload_successful") == 0, 20, "the problem is noticed")
        for _ in range(20):
            assert running.chat().status == 200
    assert load.failures == []
    assert running.metric("penstock_config_generation") == generation
    status, text = running.admin("/health/ready")
    assert status == 200 and "stale" in text
    output = running.output()
    # Both problems at once, each with place, line, caret and a suggestion (config.md 7).
    assert re.search(r"error\[E\d{4}\]: .*`wieght`", output)
    assert re.search(r"gateway\.yaml:5:36", output)
    assert re.search(r"5 \|   one: \{ provider: echo, model: m, wieght: 1 \}\n\s+\|\s+\^{6}.*`weight`", output)
    assert re.search(r"error\[E3001\]: .*`onne`", output) and "gateway.yaml:7:" in output
    assert KEY not in output
    running.write_config(with_model(mock, "after"))
    running.signal(signal.SIGHUP)
    poll(lambda: "after" in models(running), 20, "the mended file is served")
    poll(lambda: running.metric("penstock_config_last_reload_successful") == 1, 20, "the mended file counts")
    assert "stale" not in running.admin("/health/ready")[1]


@pytest.mark.parametrize("text", ["", "version: 1\nkeys: [", "\x00", "version: 99\n", "[]", "version: 1\nversion: 1\n",
                                  "a: &a [*a]\n", "version: 1\nunknown_key: 1\n"])
def test_no_file_can_stop_the_daemon(launch, mock, text):
    running = launch()
    running.write_text(text)
    running.signal(signal.SIGHUP)
    poll(lambda: running.metric("penstock_config_last_reload_successful") == 0, 20, "the problem is noticed")
    assert running.chat().status == 200


def test_head_limits_count_from_the_next_request_of_an_open_connection(launch, mock):
    running = launch()
    connection = running.connect()
    ask = request("POST", "/v1/chat/completions", KEY, chat_body(), fields=["X-Filler: " + "f" * 8000])
    for _ in range(2):
        connection.send(ask)
        assert connection.read().status == 200
    config = with_model(mock, "tighter")
    config["server"] = {**config.get("server", {}), "limits": {"max_header": "4KiB"}}
    running.write_config(config)
    running.signal(signal.SIGHUP)
    poll(lambda: "tighter" in models(running), 20, "the new limit is served")
    connection.send(request("GET", "/v1/models", KEY))  # read by the old limit, and the last one that is
    assert connection.read().status == 200
    connection.send(ask)
    assert connection.read().status == 431


def test_file_watch(launch, mock):
    # O-3: a rename over the file, a write in place, and a new file in routes/ are each noticed without a signal.
    running = launch()
    running.write_config(with_model(mock, "renamed"))
    poll(lambda: "renamed" in models(running), 20, "a rename is noticed")
    running.config_file.write_text(running.config_file.read_text().replace("renamed", "in-place"))
    poll(lambda: "in-place" in models(running), 20, "a write in place is noticed")
    assert running.call("POST", "/special/chat", chat_body()).status == 404
    running.write_route("special", {"route": "special", "versions": {
        "v1": {"path": "/special/chat", "schema": "openai.chat"}}})
    poll(lambda: running.call("POST", "/special/chat", chat_body()).status == 200, 20, "a new route is noticed")
    (running.directory / "routes" / "special.yaml").unlink()
    poll(lambda: running.call("POST", "/special/chat", chat_body()).status == 404, 20, "its removal is noticed")


def test_a_symlink_swap_is_noticed(launch, mock):
    # How Kubernetes updates a ConfigMap: `..data` points to another folder.
    def through_a_link(made) -> None:
        folder = made.directory / "..one"
        folder.mkdir()
        made.config_file.rename(folder / "gateway.yaml")
        (made.directory / "..data").symlink_to("..one")
        made.config_file.symlink_to("..data/gateway.yaml")

    running = launch(prepare=through_a_link)
    fresh = running.directory / "..two"
    fresh.mkdir()
    text = (running.directory / "..one" / "gateway.yaml").read_text()
    (fresh / "gateway.yaml").write_text(text.replace('"echo-test"', '"swapped"'))
    link = running.directory / "..new"
    link.symlink_to("..two")
    link.rename(running.directory / "..data")
    poll(lambda: "swapped" in models(running), 20, "the swap is noticed")


def test_secret_files_belong_to_the_watched_set(launch, mock):
    # O-2.
    secret = {"first": "sk-test-file-secret-0001", "second": "sk-test-file-secret-0002"}
    config = gateway.standard(mock.base)

    def prepare(made) -> None:
        path = made.directory / "key.txt"
        path.write_text(secret["first"] + "\n")
        config["keys"].append({"name": "filed", "secret": "${file:%s}" % path})
        made.write_config(config)

    running = launch(config, prepare=prepare)
    assert running.chat(key=secret["first"]).status == 200
    (running.directory / "key.txt").write_text(secret["second"] + "\n")
    poll(lambda: running.chat(key=secret["second"]).status == 200, 20, "the new secret is served")
    assert running.chat(key=secret["first"]).status == 401


def test_the_reload_command(launch, mock):
    running = launch()
    running.write_config(with_model(mock, "commanded"))
    done = running.command("reload")
    assert done.returncode == 0, done.stderr
    assert "commanded" in models(running), "it returns when the new generation is served"
    running.write_text(INVALID)
    failed = running.command("reload")
    assert failed.returncode == 1
    assert re.search(r"error\[E\d{4}\].*wieght", failed.stdout + failed.stderr)
    assert "commanded" in models(running)
    socket_files = [f for f in (running.directory / "data").iterdir() if f.is_socket()]
    assert socket_files and all(f.stat().st_mode & 0o077 == 0 for f in socket_files), "owner-only"
    assert (running.directory / "data").stat().st_mode & 0o777 == 0o700


def test_a_revision_is_a_sha256_of_what_was_read(launch, mock):
    running = launch()
    path, content = str(running.config_file), running.config_file.read_bytes()
    expected = hashlib.sha256(path.encode() + b"\0" + hashlib.sha256(content).digest()).hexdigest()
    assert json.loads(running.admin("/health/ready")[1])["revision"] == expected
    assert running.metric("penstock_config_revision_info", revision=expected) == 1


def listening_on(mock, *addresses: str) -> dict:
    config = gateway.standard(mock.base)
    config["server"] = {"listen": [{"address": address} for address in addresses]}
    return config


def test_an_address_that_takes_in_the_open_one_is_refused_with_the_mend(launch, mock):
    # The port is held by the daemon's own old address until everything new is bound.
    running = launch()
    here, everywhere = f"127.0.0.1:{running.port}", f"0.0.0.0:{running.port}"
    running.write_config(listening_on(mock, everywhere))
    failed = running.command("reload")
    text = failed.stdout + failed.stderr
    assert failed.returncode == 1 and f"cannot listen on {everywhere}: this daemon holds the port on {here}" in text
    assert "help: restart the daemon; or reload twice, first with another port" in text
    assert running.chat().status == 200
    # What the message says works.
    for address in (f"127.0.0.1:{gateway.free_port()}", everywhere):
        running.write_config(listening_on(mock, address))
        done = running.command("reload")
        assert done.returncode == 0, done.stdout + done.stderr
    assert running.chat().status == 200


def test_two_addresses_of_which_one_takes_in_the_other(launch, mock):
    running = launch()
    here, everywhere = f"127.0.0.1:{running.port}", f"0.0.0.0:{running.port}"
    running.write_config(listening_on(mock, here, everywhere))
    failed = running.command("reload")
    assert failed.returncode == 1
    assert f"cannot listen on {everywhere}: {here} is named as well" in failed.stdout + failed.stderr


def test_an_address_that_is_taken_by_another(launch, mock):
    running = launch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        running.write_config(listening_on(mock, f"127.0.0.1:{running.port}", address))
        failed = running.command("reload")
        assert failed.returncode == 1
        assert f"cannot listen on {address}: the address is taken by another" in failed.stdout + failed.stderr
    assert running.chat().status == 200
    assert running.command("reload").returncode == 0, "the address is free again"


def test_check(launch, mock):
    running = launch()
    good = running.command("check")
    assert good.returncode == 0, good.stdout + good.stderr
    running.write_text(INVALID)
    bad = running.command("check")
    text = bad.stdout + bad.stderr
    assert bad.returncode == 1 and "`wieght`" in text and "`onne`" in text, "all problems at once"


@pytest.mark.parametrize("kind", ["kept", "model removed", "provider moved", "key removed"])
def test_streams_finish_on_their_own_generation(launch, mock, kind):
    running = launch()
    mock.plan(step=True)
    connection = running.connect()
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
    call = mock.wait_call()
    call.allow(2)
    stream = EventStream(connection)
    assert stream.next() and stream.next()
    config = with_model(mock, "marker")
    config["keys"].append({"name": "other", "secret": "sk-test-other-0123456789"})
    if kind == "model removed":
        del config["models"]["gpt-test"]
    elif kind == "provider moved":
        config["providers"]["oai"]["base_url"] = f"http://127.0.0.1:{gateway.free_port()}/v1"
    elif kind == "key removed":
        config["keys"] = config["keys"][1:]
    running.write_config(config)
    running.signal(signal.SIGHUP)
    fresh = {"key": "sk-test-other-0123456789"}
    poll(lambda: running.call("GET", "/v1/models/marker", **fresh).status == 200, 20, "the new generation is served")
    status = running.chat(**fresh).status
    assert status == {"kept": 200, "model removed": 404, "provider moved": 502, "key removed": 200}[kind]
    if kind == "key removed":
        assert running.chat().status == 401
    call.allow_rest()
    assert stream.drain() == "clean" and stream.events[-1] == "[DONE]"
    record = running.record(stream.head.headers["x-request-id"])
    assert record["outcome"] == "completed" and gateway.usage_source(record) == "provider"


def test_a_restart_only_setting_is_reported_by_name(launch, mock):
    running = launch()
    config = with_model(mock, "marker")
    config["server"] = {"loops": 1}
    running.write_config(config)
    running.signal(signal.SIGHUP)
    poll(lambda: "marker" in models(running), 20, "what is hot is served")
    poll(lambda: "loops" in running.output(), 5, "the rest is named")
