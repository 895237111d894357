"""Streams: passed on as they arrive, never a clean end that is a lie, bounded memory (done-when 3)."""

from __future__ import annotations

import json
import socket
import time

import pytest

import gateway
import raw_client
from gateway import KEY, chat_body, gemini_body, message_body
from mock_dialects import pieces_of
from mock_plan import Plan
from raw_client import EventStream, RawConnection, poll, request

MEBIBYTE = 1 << 20
GROWTH_MAX = 24 * MEBIBYTE
TIMEOUTS = {"connect": "2s", "head": "5s", "first_content": "2s", "inter_content": "1s", "total": "5m"}

# Per dialect: target, body, and how many events come up to the first one with content.
KINDS = {
    "chat": ("/v1/chat/completions", chat_body(stream=True), 2),
    "completions": ("/v1/completions", {"model": "gpt-test", "prompt": "x", "stream": True}, 1),
    "responses": ("/v1/responses", {"model": "gpt-test", "input": "x", "stream": True}, 5),
    "messages": ("/v1/messages", message_body(stream=True), 4),
    "gemini": ("/v1beta/models/gemini-test:streamGenerateContent?alt=sse", gemini_body(), 1),
}
DIALECTS = pytest.mark.parametrize("kind", KINDS)


def open_stream(port: int, kind: str, mock=None, allow: int | None = None, **more) -> EventStream:
    target, body, _ = KINDS[kind]
    connection = RawConnection(port).send(request("POST", target, KEY, {**body, **more}))
    if allow is not None:
        mock.wait_call().allow(allow)
    return EventStream(connection)


def is_error(event: str) -> bool:
    if event == "[DONE]":
        return False
    value = json.loads(event)
    return value.get("type") in ("error", "response.failed") or "error" in value and value["error"] is not None


def assert_visible_failure(stream: EventStream) -> None:
    """The connection breaks off, or an error event is the last word, or, when nothing had reached the client yet, the
    answer is an error from the start; never a marker of success."""
    if stream.head.status >= 500:
        return
    end = stream.drain()
    assert "[DONE]" not in stream.events
    assert not any('"message_stop"' in e or '"response.completed"' in e for e in stream.events)
    if end == "clean":
        assert stream.events and is_error(stream.events[-1]), f"a clean end behind {stream.events[-1:]}"


@DIALECTS
def test_each_event_is_passed_on_when_it_arrives(gw, mock, kind):
    mock.plan(step=True)
    prelude = KINDS[kind][2]
    stream = open_stream(gw.port, kind, mock, prelude)
    call = mock.wait_call()
    for _ in range(prelude):
        assert stream.next() is not None
    for number in range(len(pieces_of(Plan().text)) - 1):
        # The mock has sent nothing beyond what was read, so what comes now was passed on at once.
        assert call.events_sent <= prelude + number
        call.allow()
        assert stream.next() is not None
    call.allow_rest()
    assert stream.drain() == "clean"


STYLES = [{}, {"line_end": "crlf"}, {"line_end": "cr"}, {"bom": True}, {"comments": True}, {"multi_line": True},
          {"no_space": True}, {"chop": 1}, {"chunk_bytes": 1}, {"chunk_bytes": 7, "line_end": "crlf"}]


@DIALECTS
@pytest.mark.parametrize("style", STYLES, ids=str)
def test_the_same_bytes_come_through(gw, mock, kind, style):
    # S-1, matrix 8 and 9. The client asks for usage itself, so nothing is to be removed.
    more = {"stream_options": {"include_usage": True}} if kind in ("chat", "completions") else {}
    mock.plan(times=None, **style)
    target, body, _ = KINDS[kind]
    through = open_stream(gw.port, kind, **more)
    assert through.drain() == "clean" and through.head.status == 200
    assert through.head.headers["content-type"].startswith("text/event-stream")
    upstream_body = json.loads(mock.calls[0].body)
    straight = EventStream(RawConnection(mock.port).send(
        request("POST", target.replace("gemini-test", "up-gemini"), KEY, upstream_body)))
    assert straight.drain() == "clean"
    assert bytes(through.raw) == bytes(straight.raw)


@DIALECTS
@pytest.mark.parametrize("fault", ["reset_after", "fin_after", "fin_inside_chunk_after"])
def test_a_broken_stream_never_ends_cleanly(gw, mock, kind, fault):
    # Matrix 2 and 3, S-4.
    prelude = KINDS[kind][2]
    mock.plan(step=True, **{fault: prelude + 2})
    stream = open_stream(gw.port, kind, mock, prelude)
    for _ in range(prelude):
        assert stream.next() is not None
    mock.wait_call().allow_rest()
    assert_visible_failure(stream)
    assert len(mock.calls) == 1, "no retry once content was sent"
    record = gw.record(stream.head.headers["x-request-id"])
    assert record["outcome"] == "truncated" and gateway.usage_source(record) == "estimated"
    assert gateway.units(record)["output"] > 0  # M-15


@DIALECTS
def test_a_stall_ends_visibly_and_closes_the_call(gw, mock, kind):
    # Matrix 5.
    mock.plan(stall_after=KINDS[kind][2])
    stream = open_stream(gw.port, kind)
    assert_visible_failure(stream)
    mock.wait_call().wait_peer_closed(5)


@pytest.mark.parametrize("kind", ["chat", "responses", "messages", "gemini"])
def test_an_end_without_a_finish_is_an_error(gw, mock, kind):
    # S-4, S-5: well framed, but the dialect's own end is missing.
    mock.plan(omit_finish=True, omit_done=True)
    assert_visible_failure(open_stream(gw.port, kind))


def test_a_missing_done_is_supplied(gw, mock):
    mock.plan(omit_done=True)
    stream = open_stream(gw.port, "chat")
    assert stream.drain() == "clean" and stream.events[-1] == "[DONE]" and stream.events.count("[DONE]") == 1


def test_close_delimited_streams(gw, mock):
    mock.plan(framing="close")
    stream = open_stream(gw.port, "chat")
    assert stream.drain() == "clean" and stream.events[-1] == "[DONE]"
    mock.plan(framing="close", omit_done=True)
    assert_visible_failure(open_stream(gw.port, "chat"))


@DIALECTS
def test_an_error_event_arrives_and_is_the_last_word(gw, mock, kind):
    # S-8, matrix 11.
    mock.plan(error_event_at=KINDS[kind][2] + 1)
    stream = open_stream(gw.port, kind)
    assert_visible_failure(stream)
    assert any(is_error(e) for e in stream.events)


@DIALECTS
def test_an_error_event_alone_costs_nothing(gw, mock, kind):
    # M-17. With nothing sent to the client yet it may also become an error status.
    mock.plan(error_event_only=True)
    connection = RawConnection(gw.port).send(request("POST", KINDS[kind][0], KEY, KINDS[kind][1]))
    head = connection.read_head()
    try:
        body = connection.read_body()
    except raw_client.Broken:
        body = b""
    assert b"[DONE]" not in body
    record = gw.record(head.headers["x-request-id"])
    assert record["outcome"] in ("failed", "truncated")
    assert sum(gateway.units(record).values()) == 0 and gateway.usage_source(record) == "none"


def test_malformed_json_in_an_event(gw, mock):
    # Matrix 7: an error, or byte-exact; never silently dropped.
    mock.plan(malformed_at=3)
    stream = open_stream(gw.port, "chat")
    end = stream.drain()
    if end == "clean" and stream.events[-1] == "[DONE]":
        assert any("\\q{" in e for e in stream.events)
    gw.assert_alive()


def test_big_events_and_answers(gw, mock):
    # Matrix 10.
    mock.plan(big_event_bytes=2 * MEBIBYTE)
    stream = open_stream(gw.port, "chat")
    assert stream.drain() == "clean" and max(map(len, stream.events)) > 2 * MEBIBYTE
    mock.plan(extra_bytes=8 * MEBIBYTE)
    answer = gw.chat()
    assert answer.status == 200 and answer.json()["choices"][0]["message"]["content"].count("z") >= 8 * MEBIBYTE


def test_the_usage_event_is_added_and_removed(gw, mock):
    # S-9.
    stream = open_stream(gw.port, "chat")
    assert stream.drain() == "clean"
    assert mock.calls[0].json["stream_options"] == {"include_usage": True}
    assert all(json.loads(e)["choices"] for e in stream.events[:-1])
    assert gateway.usage_source(gw.record(stream.head.headers["x-request-id"])) == "provider"
    asked = open_stream(gw.port, "chat", stream_options={"include_usage": True})
    assert asked.drain() == "clean"
    assert [json.loads(e)["usage"] for e in asked.events[:-1] if not json.loads(e)["choices"]][0]["total_tokens"] == 28
    refused = open_stream(gw.port, "chat", stream_options={"include_usage": False, "include_obfuscation": False})
    assert refused.drain() == "clean" and all(json.loads(e)["choices"] for e in refused.events[:-1])
    assert mock.calls[2].json["stream_options"] == {"include_usage": True, "include_obfuscation": False}


def test_bodies_are_passed_on_byte_for_byte(gw, mock):
    body = (b'{ "messages" :[{"role":"user","content":"\\u00e9\xc3\xa9 \\/ \\ud83c\\udf0d","x":1,"x":2}],\r\n\t'
            b'"model"  : "gpt-test","temperature":1.0E+00, "seed":12345678901234567890,'
            b'"metadata":{"model":"gpt-test"}}')
    assert gw.call("POST", "/v1/chat/completions", body).status == 200
    assert mock.calls[0].body == body.replace(b'"model"  : "gpt-test"', b'"model"  : "up-gpt"')


@pytest.mark.parametrize("way", ["close", "reset", "half_close"])
@pytest.mark.parametrize("kind", ["chat", "messages", "gemini"])
def test_a_client_that_leaves_closes_the_call(gw, mock, kind, way):
    # Matrix 48, invariant 18.
    mock.plan(step=True)
    stream = open_stream(gw.port, kind, mock, KINDS[kind][2])
    stream.next()
    call = mock.wait_call()
    left = time.monotonic()
    if way == "half_close":
        stream.connection.socket.shutdown(socket.SHUT_WR)
    elif way == "reset":
        stream.connection.reset()
    else:
        stream.connection.close()
    assert call.wait_peer_closed(10) - left < 2
    stream.connection.close()
    assert gw.record(stream.head.headers["x-request-id"])["outcome"] == "client_left"


@pytest.mark.parametrize("fault", [{"hang": True}, {"step": True}, {"stall_after": 1}])
def test_a_client_that_leaves_before_the_first_byte(gw, mock, fault):
    # Matrix 49, M-5.
    mock.plan(**fault)
    before = len(gw.records())
    connection = RawConnection(gw.port).send(request("POST", KINDS["chat"][0], KEY, KINDS["chat"][1]))
    call = mock.wait_call()
    left = time.monotonic()
    connection.close()
    assert call.wait_peer_closed(10) - left < 2
    record = gw.wait_records(before + 1)[-1]
    assert record["outcome"] == "client_left" and sum(gateway.units(record).values()) == 0


def test_a_client_that_leaves_while_it_does_not_read(gw, mock):
    # The client's FIN is noticed although its window is full and nothing can be written to it.
    mock.plan(stream_bytes=64 * MEBIBYTE)
    connection = RawConnection(gw.port, receive_buffer=8192)
    connection.send(request("POST", *KINDS["chat"][:1], KEY, KINDS["chat"][1]))
    call = mock.wait_call()
    wait_until_still(call)
    left = time.monotonic()
    connection.close()
    assert call.wait_peer_closed(10) - left < 2


def wait_until_still(call) -> None:
    """Until the mock has sent nothing for half a second: the pressure has reached it, or it is done."""
    seen = {"bytes": -1, "since": time.monotonic()}

    def still() -> bool:
        if call.bytes_sent != seen["bytes"]:
            seen.update(bytes=call.bytes_sent, since=time.monotonic())
        return call.bytes_sent > 0 and time.monotonic() - seen["since"] > 0.5

    poll(still, 60, "the pressure reaches the provider", every=0.05)


SLOW = {
    "stream": {"stream_bytes": 64 * MEBIBYTE},
    "stream, then closed": {"stream_bytes": 64 * MEBIBYTE, "connection": "silent_close"},
    "short stream, closed at once": {"stream_bytes": 3 * MEBIBYTE, "connection": "silent_close"},
    "stream until close": {"stream_bytes": 64 * MEBIBYTE, "framing": "close"},
    "one big event": {"big_event_bytes": 3 * MEBIBYTE, "connection": "silent_close"},
}


@pytest.mark.parametrize("case", SLOW)
def test_a_slow_reader_costs_little_memory(launch, mock, case):
    # Matrix 42.
    running = launch()
    assert running.chat().status == 200
    assert running.chat_stream().drain() == "clean"
    before = running.rss_bytes()
    running.reset_peak()
    mock.reset()
    mock.plan(**SLOW[case])
    connection = running.connect(receive_buffer=8192, timeout=60)
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
    call = mock.wait_call()
    wait_until_still(call)
    assert running.peak_rss_bytes() - before < GROWTH_MAX
    stream = EventStream(connection)
    total, tail = 0, b""
    while piece := connection.read_piece():
        total += len(piece)
        tail = (tail + piece)[-64:]
    expected = SLOW[case].get("stream_bytes", 0) + SLOW[case].get("big_event_bytes", 0)
    assert stream.head.status == 200 and total > expected and tail.endswith(b"data: [DONE]\n\n")
    assert running.peak_rss_bytes() - before < GROWTH_MAX


def test_a_slow_reader_of_a_whole_answer(launch, mock):
    running = launch()
    assert running.chat().status == 200
    before = running.rss_bytes()
    running.reset_peak()
    mock.reset()
    mock.plan(extra_bytes=64 * MEBIBYTE, connection="silent_close")
    connection = running.connect(receive_buffer=8192, timeout=60)
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body()))
    wait_until_still(mock.wait_call())
    assert running.peak_rss_bytes() - before < GROWTH_MAX
    answer = connection.read()
    assert answer.status == 200 and len(answer.body) > 64 * MEBIBYTE
    assert running.peak_rss_bytes() - before < GROWTH_MAX


def test_others_are_served_beside_slow_readers(gw, mock):
    mock.plan(stream_bytes=16 * MEBIBYTE, times=8)
    slow = []
    for _ in range(8):
        connection = RawConnection(gw.port, receive_buffer=8192)
        slow.append(connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True))))
    mock.wait_calls(8)
    for _ in range(20):
        assert gw.chat("echo-test").status == 200
    for connection in slow:
        connection.close()
