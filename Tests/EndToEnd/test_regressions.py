"""Faults that were found once by reading the pipeline against its promises; each test names what must hold instead."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time

import pytest

import gateway
from gateway import KEY, chat_body, message_body, units, usage_source
from raw_client import Broken, EventStream, RawConnection, poll, request

MEBIBYTE = 1 << 20
SSE_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PROXY_KEY = "sk-test-regression-0123456789abcdef"
PAIR_KEY = "sk-test-regression-pair-0123456789"


def chunk(text: str) -> str:
    return f"{len(text.encode()):x}\r\n{text}\r\n"


def event(delta: dict, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}) + "\n\n"


def limited(mock, limits: dict, **timeouts: str) -> dict:
    config = gateway.standard(mock.base, **timeouts)
    config["server"] = {"limits": limits}
    return config


class Script:
    """A provider that answers its one connection with given bytes, one piece after another with a pause between."""

    def __init__(self, pieces: list[bytes], pause: float) -> None:
        self.pieces = pieces
        self.pause = pause
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _run(self) -> None:
        peer, _ = self.listener.accept()
        with peer:
            seen = b""
            while b"\r\n\r\n" not in seen:
                seen += peer.recv(1 << 16)
            try:
                for piece in self.pieces:
                    peer.sendall(piece)
                    time.sleep(self.pause)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.close()


# ---------------------------------------------------------------- a broken answer never looks whole


def test_a_close_delimited_answer_that_breaks_off_does_not_end_cleanly(gw, mock):
    # Promise 3: the end of the connection is the only end of this body, so half of a JSON text is no answer.
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
    mock.plan(raw=head + '{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"' + "x" * 400_000)
    with gw.connect() as connection:
        connection.send(request("POST", "/v1/chat/completions", KEY, chat_body()))
        answer = connection.read_head()
        if answer.status == 200:
            with pytest.raises(Broken):
                connection.read_body()
        else:
            assert answer.status == 502


def test_content_that_never_reached_the_client_costs_nothing(gw, mock):
    # M-5: content and the break of the framing come in one burst; the client gets 502 and pays nothing.
    content = chunk(event({"role": "assistant", "content": "some words that nobody will ever read"}))
    mock.plan(raw=SSE_HEAD + content + "zz\r\nnot a chunk")
    answer = gw.chat(stream=True)
    assert answer.status == 502, answer.body
    record = gw.record(answer.headers["x-request-id"])
    assert record["outcome"] == "failed"
    assert usage_source(record) == "none" and sum(units(record).values()) == 0, record["usage"]


# ---------------------------------------------------------------- clients that are gone


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_connection_that_broke_answers_no_further_request(launch, mock, stream):
    # The write of the first answer finds the connection reset: the request pipelined behind it has no client any more.
    # Nothing of it is billed, and its place is free again at once instead of after `total`.
    config = gateway.standard(mock.base)
    config["server"] = {"loops": 1}
    config["keys"].append({"name": "two", "secret": PAIR_KEY, "limits": {"concurrency": 2}})
    running = launch(config)
    assert running.chat(key=PAIR_KEY).status == 200
    mock.reset()
    mock.plan(times=None, stream_bytes=4 * MEBIBYTE if stream else 0)
    second = request("POST", "/v1/chat/completions", PAIR_KEY, chat_body(stream=stream))
    for _ in range(4):
        connection = running.connect()
        connection.send(request("GET", "/v1/models", KEY) + second)
        connection.reset()
        time.sleep(0.1)
    mock.reset()
    poll(lambda: running.metric("penstock_inflight_requests") == 0, 5, "no exchange outlives its client")
    assert running.chat(key=PAIR_KEY).status == 200
    orphans = [r for r in running.records()[1:] if r.get("model") == "gpt-test"][:-1]
    assert {r["outcome"] for r in orphans} <= {"client_left", "truncated"}, orphans


def test_a_client_that_pipelines_and_leaves_is_noticed(gw, mock):
    # Nothing is read beyond the request that is being answered; the end of the connection is seen all the same.
    mock.plan(stall_after=3)
    connection = gw.connect()
    body = chat_body(stream=True)
    connection.send(request("POST", "/v1/chat/completions", KEY, body) + request("GET", "/v1/models", KEY))
    call = mock.wait_call()
    stream = EventStream(connection)
    assert stream.next() and stream.next()
    left = time.monotonic()
    connection.close()
    assert call.wait_peer_closed(5) - left < 2


# ---------------------------------------------------------------- slow readers behind the end of the exchange


def slow_read(connection: RawConnection, first_pause: float) -> int:
    """Waits before it reads the whole answer; returns the body's length."""
    time.sleep(first_pause)
    return len(connection.read().body)


def test_the_idle_timeout_counts_from_the_last_byte_that_was_taken(launch, mock):
    # The exchange is over, its answer is still on its way to a slow reader: that is not an idle connection.
    running = launch(limited(mock, {"idle_timeout": "1s"}))
    text = "x" * (12 * MEBIBYTE)
    connection = running.connect(receive_buffer=8192, timeout=30)
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body("echo-test", text=text)))
    assert slow_read(connection, 3) > len(text)


def test_a_drain_lets_answers_out_that_are_complete(launch, mock):
    # Promise 5 and matrix 34: what an exchange has answered reaches its reader, within the grace.
    running = launch()
    text = "x" * (12 * MEBIBYTE)
    connection = running.connect(receive_buffer=8192, timeout=30)
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body("echo-test", text=text)))
    running.wait_records(1)
    running.signal(signal.SIGTERM)
    assert slow_read(connection, 1) > len(text)
    running.wait_exit()


def test_a_client_that_never_reads_its_last_answer_is_ended(launch, mock):
    # Every buffer has a bound and a timeout: also what is written in front of a close.
    config = limited(mock, {"idle_timeout": "6s", "body_timeout": "8s", "head_timeout": "8s"})
    config["providers"]["lag"] = {"type": "echo", "faults": {"delay": "200ms"}}
    config["models"]["lag"] = {"use": "lag/lag-1"}
    running = launch(config)
    assert running.chat("lag").status == 200
    before = running.descriptors()
    body = chat_body("lag", text="x" * (8 * MEBIBYTE))
    deaf = []
    for _ in range(4):
        deaf.append(running.connect(receive_buffer=8192))
        deaf[-1].send(request("POST", "/v1/chat/completions", KEY, body, fields=["Connection: close"]))
    running.wait_records(5)
    poll(lambda: running.descriptors() <= before + 1, 60, "connections that take nothing are closed", every=0.2)


def test_a_stream_that_was_replaced_is_no_stream_any_more(launch, mock):
    # A drain grants `stream_grace` to streams only: one that failed before its content and was tried elsewhere
    # has ended.
    config = gateway.standard(mock.base)
    config["server"] = {"drain": {"grace": "1s", "stream_grace": "25s"}, "loops": 1}
    config["deployments"] = {name: {"provider": "oai", "model": f"up-{name}"} for name in "ab"}
    config["models"]["chain"] = {"use": ["a", "b"], "policy": "fallback"}
    running = launch(config)
    mock.plan(model="up-a", times=None, fin_inside_chunk_after=1)
    assert running.chat_stream("chain").drain() == "clean"
    assert [c.model for c in mock.calls] == ["up-a", "up-b"]
    mock.reset()
    mock.plan(hang=True)
    connection = running.connect()
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body()))
    mock.wait_call()
    running.signal(signal.SIGTERM)
    running.wait_exit(15)


# ---------------------------------------------------------------- deadlines of the request


def test_the_deadline_of_a_body_is_its_own(launch, mock):
    # The first request's body came in two parts and was answered at once; the second one's time starts with its head.
    running = launch(limited(mock, {"idle_timeout": "2s", "body_timeout": "20s", "head_timeout": "20s"}))
    wrong = b'{"model":"nobody-knows-it","messages":[]}'
    right = json.dumps(chat_body()).encode()
    with running.connect() as connection:
        first = request("POST", "/v1/chat/completions", KEY, wrong)
        connection.send(first[:-20])
        time.sleep(0.3)
        connection.send(first[-20:])
        assert connection.read().status == 404
        time.sleep(1.2)
        second = request("POST", "/v1/chat/completions", KEY, right)
        connection.send(second[:-20])
        time.sleep(1.6)
        connection.send(second[-20:])
        assert connection.read().status == 200


def test_content_without_text_is_progress(launch, mock):
    # S-3: audio that keeps coming satisfies `inter_content`, although no text comes with it.
    pieces = [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"]
    delta = "event: speech.audio.delta\ndata: " + json.dumps({"type": "speech.audio.delta", "audio": "QUJD"}) + "\n\n"
    done = "event: speech.audio.done\ndata: " + json.dumps({
        "type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}}) + "\n\n"
    pieces += [chunk(delta).encode() for _ in range(8)] + [chunk(done).encode() + b"0\r\n\r\n"]
    provider = Script(pieces, 0.4)
    config = gateway.standard(mock.base)
    config["providers"]["speech"] = {"type": "openai", "base_url": f"{provider.base}/v1", "api_key": "sk-test-s",
                                     "timeouts": {"first_content": "2s", "inter_content": "1500ms", "total": "60s"}}
    config["models"]["tts"] = {"use": "speech/tts"}
    running = launch(config)
    stream = running.stream("/v1/audio/speech", {"model": "tts", "input": "hello", "voice": "alloy",
                                                 "stream_format": "sse"})
    assert stream.head.status == 200
    assert stream.drain() == "clean" and "speech.audio.done" in stream.events[-1]
    provider.close()


def test_slow_clients_are_not_the_deployments_fault(launch, mock):
    # Time that passes while the client does not read says nothing about the provider: nobody is ejected for it.
    config = gateway.standard(mock.base, total="2s", inter_content="30s")
    config["server"] = {"loops": 1}
    running = launch(config)
    mock.plan(stream_bytes=32 * MEBIBYTE, times=None)
    slow = [running.connect(receive_buffer=8192) for _ in range(6)]
    for connection in slow:
        connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
    running.wait_records(6)
    state = running.metric("penstock_deployment_state", deployment="oai/up-gpt")
    for connection in slow:
        connection.close()
    assert state == 0


def test_our_own_bound_on_connections_is_not_the_deployments_fault(launch, mock):
    # `max_connections` all busy is the gateway's choice: the request goes elsewhere, and the deployment stays healthy.
    config = gateway.standard(mock.base, connect="300ms")
    config["server"] = {"loops": 1}
    config["providers"]["only"] = {"type": "openai", "base_url": f"{mock.base.replace('127.0.0.1', 'localhost')}/v1",
                                   "api_key": "sk-test-only", "max_connections": 1, "timeouts": {"connect": "300ms"}}
    config["deployments"] = {"a": {"provider": "only", "model": "up-a"}, "b": {"provider": "echo", "model": "up-b"}}
    config["models"]["chain"] = {"use": ["a", "b"], "policy": "fallback"}
    running = launch(config)
    mock.plan(stall_after=3)
    stream = running.chat_stream("chain")
    assert stream.next() and stream.head.headers["x-penstock-deployment"] == "a"
    for _ in range(6):
        running.chat("chain")
    state = running.metric("penstock_deployment_state", deployment="a")
    stream.connection.close()
    assert state == 0


# ---------------------------------------------------------------- who is calling, and what is asked


@pytest.mark.parametrize("lines,status", [
    (["X-Forwarded-For: 203.0.113.9"], 403),
    (["X-Forwarded-For: 10.1.2.3"], 200),
    (["X-Forwarded-For: 10.1.2.3, 203.0.113.9"], 403),
    (["X-Forwarded-For: 10.1.2.3", "X-Forwarded-For: 203.0.113.9"], 403),
], ids=["outside", "inside", "one list", "two fields"])
def test_the_proxys_own_word_decides_the_address(launch, mock, lines, status):
    # Several fields are one list (RFC 9110 5.3), and what stands first in it was written by the client.
    config = gateway.standard(mock.base)
    config["server"] = {"trusted_proxies": ["127.0.0.0/8"]}
    config["keys"].append({"name": "inside", "secret": PROXY_KEY, "allow_ips": ["10.0.0.0/8"]})
    running = launch(config)
    assert running.call("GET", "/v1/models", key=PROXY_KEY, fields=lines).status == status


def multipart(boundary: str, model: str, content: bytes) -> bytes:
    model_part = f'--{boundary}\r\ncontent-disposition: form-data; name="model"\r\n\r\n{model}\r\n'
    file_head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return model_part.encode() + file_head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def test_a_request_has_one_media_type(gw, mock):
    # Two boundaries are two readings of one body: the gateway would check one model and the provider run another.
    body = multipart("first", "gpt-test", multipart("second", "another-model", b"RIFF"))
    head = ["POST /v1/audio/transcriptions HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}",
            "Content-Type: multipart/form-data; boundary=first", "Content-Type: multipart/form-data; boundary=second",
            f"Content-Length: {len(body)}"]
    with gw.connect() as connection:
        connection.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        assert connection.read().status in (400, 415)
    assert mock.calls == []


# ---------------------------------------------------------------- attempts


@pytest.mark.parametrize("policy,calls_max", [({}, 1), ({"retry": {"attempts": 1, "on": ["5xx"]}}, 2)],
                         ids=["no retry", "one"])
def test_a_tier_is_not_gone_through_beyond_its_retries(launch, mock, policy, calls_max):
    # Invariant 12: `retry.attempts` are the attempts after the first one within a tier; without it there are none.
    config = gateway.standard(mock.base)
    config["deployments"] = {name: {"provider": "oai", "model": f"up-{name}"} for name in "abc"}
    config["models"]["pool"] = {"pool": ["a", "b", "c"], **({"policy": policy} if policy else {})}
    running = launch(config)
    mock.plan(status=500, times=None)
    assert running.chat("pool").status == 500
    assert len(mock.calls) == calls_max, [c.model for c in mock.calls]


# ---------------------------------------------------------------- money


def test_counting_tokens_uses_none(gw, mock):
    # `count_tokens` runs no model: its answer reports a number, nobody's usage.
    answer = gw.call("POST", "/v1/messages/count_tokens", {k: v for k, v in message_body(text="x" * 4000).items()
                                                           if k != "max_tokens"})
    assert answer.status == 200 and answer.json()["input_tokens"] >= 0
    record = gw.record(answer.headers["x-request-id"])
    assert sum(units(record).values()) == 0, record["usage"]


def test_the_bytes_of_an_image_in_the_request_are_no_tokens(gw, mock):
    # M-1: a stream that is left early is billed for its input by an estimate; a picture's base64 is not text.
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * MEBIBYTE}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, image]}]
    mock.plan(stall_after=4)
    connection = gw.connect()
    body = {"model": "gpt-test", "stream": True, "messages": messages}
    connection.send(request("POST", "/v1/chat/completions", KEY, body))
    stream = EventStream(connection)
    assert stream.next() and stream.next()
    connection.close()
    record = gw.record(stream.head.headers["x-request-id"])
    assert record["outcome"] == "client_left" and 0 < units(record)["input"] < 20_000, record["usage"]


def test_the_bytes_of_an_image_in_the_answer_are_no_tokens(gw, mock):
    # A provider that reports no usage for images: what is not text is not estimated as text.
    body = json.dumps({"created": 1, "data": [{"b64_json": "QUJD" * 50_000}]})
    mock.plan(raw=f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}")
    answer = gw.call("POST", "/v1/images/generations", {"model": "gpt-test", "prompt": "a cat"})
    assert answer.status == 200, answer.body
    record = gw.record(answer.headers["x-request-id"])
    assert units(record)["output"] < 1000, record["usage"]


# ---------------------------------------------------------------- reload


def test_a_refused_change_leaves_no_listener_behind(launch, mock):
    # Design 7: any error keeps the running generation; an address of the refused one takes no connections.
    running = launch()
    fresh = gateway.free_port()
    config = gateway.standard(mock.base)
    config["server"] = {"listen": [{"address": f"127.0.0.1:{running.port}"}, {"address": f"127.0.0.1:{fresh}"}]}
    config["telemetry"] = {"access_log": {"format": "json", "output": "/nonexistent-folder/access.log"}}
    running.write_config(config)
    result = running.command("reload")
    assert result.returncode != 0, "the log cannot be opened"
    assert running.chat("echo-test").status == 200
    with pytest.raises(ConnectionRefusedError):
        RawConnection(fresh)
