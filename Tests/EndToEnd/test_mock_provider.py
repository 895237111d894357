"""Self-test of mock provider and raw client, without a gateway: what fails elsewhere is then the gateway's."""

from __future__ import annotations

import gzip
import json
import ssl
import time

import pytest

import raw_client
import tls
from mock_bytes import BAD_BODIES, BAD_FRAMINGS
from mock_provider import MockProvider
from raw_client import Broken, EventStream, RawConnection, request

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TARGETS = {"chat": ("/v1/chat/completions", CHAT),
           "responses": ("/v1/responses", {"model": "m", "input": "hi"}),
           "messages": ("/v1/messages", {**CHAT, "max_tokens": 9}),
           "gemini": ("/v1beta/models/m:streamGenerateContent?alt=sse", {"contents": []})}


def stream(mock: MockProvider, kind: str = "chat", **values) -> EventStream:
    target, body = TARGETS[kind]
    connection = RawConnection(mock.port)
    connection.send(request("POST", target, "k", {**body, "stream": True, **values}))
    return EventStream(connection)


def chat(mock: MockProvider) -> raw_client.Response:
    return raw_client.call(mock.port, "POST", "/v1/chat/completions", "k", CHAT)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("style", [{}, {"line_end": "crlf"}, {"line_end": "cr"}, {"bom": True}, {"comments": True},
                                   {"multi_line": True}, {"no_space": True}, {"chop": 1}, {"chunk_bytes": 1},
                                   {"framing": "close"}])
def test_every_style_carries_the_same_events(mock, kind, style):
    plain = stream(mock, kind).rest()
    mock.plan(**style)
    styled = stream(mock, kind).rest()
    assert [json.loads(e) if e[0] == "{" else e for e in styled] == \
        [json.loads(e) if e[0] == "{" else e for e in plain]
    assert "世界" in "".join(plain)


@pytest.mark.parametrize("fault", [{"reset_after": 2}, {"fin_after": 2}, {"fin_inside_chunk_after": 2}])
def test_a_cut_stream_is_broken(mock, fault):
    mock.plan(**fault)
    got = stream(mock)
    assert got.drain() == "broken"
    # A reset may discard what the peer has not read yet.
    assert len(got.events) <= 2 if "reset_after" in fault else len(got.events) == 2
    assert mock.wait_call().wait_done().outcome == "fault"


@pytest.mark.parametrize("fault", [{"reset_before_head": True}, {"close_before_head": True}])
def test_no_head(mock, fault):
    mock.plan(**fault)
    with pytest.raises((Broken, ConnectionError)):
        chat(mock)


def test_step_waits_for_every_permit(mock):
    mock.plan(step=True)
    got = stream(mock)
    call = mock.wait_call()
    for number in range(3):
        assert call.events_sent <= number
        call.allow()
        assert got.next() is not None
    call.allow_rest()
    assert got.drain() == "clean"
    assert got.events[-1] == "[DONE]"


def test_letting_many_streams_go_keeps_the_mock_free(mock):
    mock.plan(step=True)
    got = stream(mock)
    call = mock.wait_call()
    for _ in range(3000):  # as if 3,000 streams were open
        call.allow_rest()
    assert chat(mock).status == 200
    assert got.drain() == "clean"


@pytest.mark.parametrize("fault", [{"hang": True}, {"stall_after": 1}, {"step": True}])
def test_leaving_is_recorded(mock, fault):
    mock.plan(**fault)
    target, body = TARGETS["chat"]
    connection = RawConnection(mock.port).send(request("POST", target, "k", {**body, "stream": True}))
    call = mock.wait_call()
    assert not call.peer_closed.is_set()
    left = time.monotonic()
    connection.close()
    assert call.wait_peer_closed(5) - left < 2
    assert call.wait_done().outcome == "peer_left"


@pytest.mark.parametrize("kind", BAD_FRAMINGS)
def test_bad_heads_are_bad_as_named(mock, kind):
    mock.plan(framing=kind)
    with RawConnection(mock.port) as connection:
        connection.send(request("POST", *TARGETS["chat"][:1], "k", CHAT))
        raw = b""
        while data := connection.socket.recv(65536):
            raw += data
    assert raw.startswith(b"HTTP/") or kind == "http_09"
    assert b"\r\n\r\n" in raw or kind in ("lf_lines", "http_09")


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_bad_bodies_break(mock, kind):
    mock.plan(framing=kind)
    with pytest.raises((Broken, ValueError, ConnectionError)):
        chat(mock)


def test_encodings_and_sizes(mock):
    mock.plan(encoding="gzip")
    answer = chat(mock)
    assert answer.headers["content-encoding"] == "gzip" and json.loads(gzip.decompress(answer.body))["id"]
    mock.plan(encoding="bomb")
    bomb = chat(mock).body
    assert len(bomb) < 1 << 20 and len(gzip.decompress(bomb)) > 32 << 20
    mock.plan(header_count=10_000)
    assert len(chat(mock).fields) > 10_000
    mock.plan(stream_bytes=8 << 20, big_event_bytes=2 << 20)
    got = stream(mock)
    assert got.drain() == "clean" and max(map(len, got.events)) > 2 << 20 and len(got.raw) > 10 << 20


def test_statuses_and_interim_answers(mock):
    mock.plan(informational=[100, 103])
    assert chat(mock).status == 200
    mock.plan(status=429, retry_after="7")
    assert chat(mock).headers["retry-after"] == "7"
    for kind in ("html", "empty", "garbage", "text", "json_other"):
        mock.plan(status=500, body_kind=kind)
        assert chat(mock).status == 500
    assert raw_client.call(mock.port, "POST", "/v1/nothing", "k", CHAT).status == 404


@pytest.mark.parametrize("variant", ["missing", "negative", "string", "huge", "twice", "zero", "null"])
def test_usage_variants(mock, variant):
    mock.plan(usage=variant)
    seen = [json.loads(e).get("usage") for e in stream(mock, stream_options={"include_usage": True}).rest()[:-1]]
    given = [u for u in seen if u]
    assert len(given) == {"missing": 0, "twice": 2}.get(variant, 1)


def test_connections_are_told_apart(mock):
    with RawConnection(mock.port) as connection:
        for _ in range(2):
            connection.send(request("POST", "/v1/chat/completions", "k", CHAT)).read()
    chat(mock)
    calls = mock.wait_calls(3)
    assert calls[0].connection == calls[1].connection != calls[2].connection
    assert [c.on_connection for c in calls] == [0, 1, 0]
    mock.plan(connection="silent_close")
    with RawConnection(mock.port) as connection:
        assert connection.send(request("POST", "/v1/chat/completions", "k", CHAT)).read().status == 200
        assert connection.at_end()


def test_it_judges_its_peer():
    with MockProvider() as strict:
        with RawConnection(strict.port) as connection:
            connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            assert connection.at_end()
        assert strict.violations and not strict.calls


def test_requests_in_chunks_and_with_expect(mock):
    body = json.dumps(CHAT).encode()
    with RawConnection(mock.port) as connection:
        connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                        b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert connection.read_head().status == 100
        connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert connection.read().status == 200
    assert mock.wait_call().body == body


def test_control_over_http(mock):
    given = {"plan": {"status": 503, "body_kind": "html"}, "times": 1}
    assert raw_client.call(mock.port, "POST", "/__mock__/plans", None, given).status == 200
    assert chat(mock).status == 503
    calls = raw_client.call(mock.port, "GET", "/__mock__/calls", None).json()
    assert [c["target"] for c in calls] == ["/v1/chat/completions"]
    assert raw_client.call(mock.port, "POST", "/__mock__/plans", None, {"plan": {"no_such": 1}}).status == 400


def test_tls(tmp_path):
    authority = tls.Authority(tmp_path)
    with MockProvider(tls=authority.server("localhost")) as mock:
        trusting = ssl.create_default_context(cafile=str(authority.ca_file))
        with RawConnection(mock.port) as connection:
            connection.socket = trusting.wrap_socket(connection.socket, server_hostname="localhost")
            assert connection.send(request("POST", "/v1/chat/completions", "k", CHAT)).read().status == 200
        with RawConnection(mock.port) as connection, pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(connection.socket, server_hostname="localhost")
