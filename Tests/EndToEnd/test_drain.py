"""SIGTERM: streams finish, new work is refused, the process ends by itself with 0 (matrix 34)."""

from __future__ import annotations

import signal

import pytest

import gateway
from gateway import KEY, chat_body, message_body
from raw_client import Broken, EventStream, RawConnection, poll, request


def opened(running, mock, count: int) -> list:
    """So many streams with content under way, half in each of two dialects, with their calls at the provider."""
    streams = []
    mock.plan(step=True, times=count)
    for number in range(count):
        target, body, first = (("/v1/chat/completions", chat_body(stream=True), 2),
                               ("/v1/messages", message_body(stream=True), 4))[number % 2]
        connection = running.connect()
        connection.send(request("POST", target, KEY, body))
        call = mock.wait_calls(number + 1)[-1]
        call.allow(first)
        stream = EventStream(connection)
        assert stream.next() is not None
        streams.append((stream, call))
    return streams


def is_refusing(running) -> bool:
    try:
        with RawConnection(running.port, 5) as connection:
            answer = connection.send(request("POST", "/v1/chat/completions", KEY, chat_body("echo-test"))).read()
            return answer.status == 503 and bool(answer.headers["retry-after"])
    except (OSError, Broken):
        return True


def test_sigterm_with_50_streams(launch, mock):
    running = launch()
    idle = running.connect()
    idle.send(request("GET", "/v1/models", KEY)).read()
    streams = opened(running, mock, 50)
    running.signal(signal.SIGTERM)
    poll(lambda: is_refusing(running), 10, "new requests are refused")
    assert running.process.poll() is None, "it waits for its streams"
    assert running.health("ready") in (503, 0)
    for stream, call in streams:
        call.allow_rest()
        assert stream.drain() == "clean"
    ends = {s.events[-1] == "[DONE]" or "message_stop" in s.events[-1] for s, _ in streams}
    assert ends == {True}
    assert idle.at_end(), "idle connections are closed"
    running.wait_exit()
    records = running.records()
    assert sum(r["outcome"] == "completed" and r.get("stream", False) for r in records) == 50
    assert len({r["request_id"] for r in records}) == len(records), "every line was written before the end"


def test_sigterm_with_answers_on_their_way(launch, mock):
    running = launch()
    mock.plan(head_delay=1.0, times=20)
    waiting = []
    for _ in range(20):
        connection = running.connect()
        waiting.append(connection.send(request("POST", "/v1/chat/completions", KEY, chat_body())))
    mock.wait_calls(20)
    running.signal(signal.SIGTERM)
    assert [c.read().status for c in waiting] == [200] * 20
    running.wait_exit()


def test_the_grace_ends(launch, mock):
    config = gateway.standard(mock.base)
    config["server"] = {"drain": {"grace": "1s", "stream_grace": "1s"}}
    running = launch(config)
    (stream, call), = opened(running, mock, 1)
    running.signal(signal.SIGTERM)
    end = stream.drain()
    assert end == "broken" or "error" in stream.events[-1], "a stream that is cut does not end cleanly"
    assert "[DONE]" not in stream.events
    running.wait_exit()
    call.wait_peer_closed(5)
    assert [r["outcome"] for r in running.records()] == ["truncated"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_daemon_ends_at_once(launch, number):
    running = launch()
    running.signal(number)
    running.wait_exit(10)


def test_a_second_sigterm_is_harmless(launch, mock):
    running = launch()
    streams = opened(running, mock, 2)
    running.signal(signal.SIGTERM)
    poll(lambda: is_refusing(running), 10, "new requests are refused")
    running.signal(signal.SIGHUP)
    for stream, call in streams:
        call.allow_rest()
        assert stream.drain() == "clean"
    running.wait_exit()


def test_a_busy_port_is_said_and_is_no_crash(launch):
    running = launch()
    second = gateway.Gateway(gateway.standard("http://127.0.0.1:1"))
    second.port = running.port
    second.write_config(second.config)
    done = second.command("serve", timeout=20)
    assert done.returncode != 0 and str(running.port) in done.stdout + done.stderr
    assert not gateway.CRASH_MARKS.search(done.stdout + done.stderr)
    second.remove()


def test_a_bad_file_at_the_start_is_explained(launch):
    broken = gateway.Gateway(gateway.standard("http://127.0.0.1:1"))
    broken.write_text("version: 1\nlissten: 127.0.0.1:1\n")
    done = broken.command("serve", timeout=20)
    broken.remove()
    assert done.returncode == 1 and "`lissten`" in done.stdout + done.stderr and "`listen`" in done.stdout + done.stderr


def test_start_says_what_listens_where(launch):
    running = launch()
    output = running.output()
    assert f"127.0.0.1:{running.port}" in output and f"127.0.0.1:{running.admin_port}" in output
    assert gateway.KEY not in output
