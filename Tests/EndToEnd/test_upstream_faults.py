"""What providers do wrong becomes 502 or 504 in the caller's dialect, and a doubtful connection is thrown away."""

from __future__ import annotations

import json
import socket
import time

import pytest

import gateway
import raw_client
import tls
from gateway import KEY, chat_body, gemini_body, message_body
from mock_bytes import BAD_BODIES, BAD_FRAMINGS
from mock_provider import MockProvider
from raw_client import Broken, RawConnection, request

TIMEOUTS = {"connect": "1s", "head": "1s", "first_content": "1s", "inter_content": "1s", "total": "3s"}
POSTS = {"openai": ("/v1/chat/completions", chat_body()), "anthropic": ("/v1/messages", message_body()),
         "gemini": ("/v1beta/models/gemini-test:generateContent", gemini_body())}
INTERNAL = "mock-internal-host"


def ask(running, family: str = "openai") -> raw_client.Response:
    return running.call("POST", POSTS[family][0], POSTS[family][1])


def assert_error(answer: raw_client.Response, family: str, statuses: set[int]) -> None:
    """An error object of the family, with a request id, and without anything of the provider's inside."""
    assert answer.status in statuses, (answer.status, answer.body)
    assert answer.headers["content-type"].startswith("application/json") and answer.headers["x-request-id"]
    value = answer.json()
    assert value["error"]["message"]
    if family == "anthropic":
        assert value["type"] == "error" and value["error"]["type"]
    elif family == "gemini":
        assert value["error"]["code"] == answer.status and value["error"]["status"].isupper()
    else:
        assert value["error"]["type"]
    assert INTERNAL.encode() not in answer.body and b"<html" not in answer.body


def outcome(running) -> str:
    """"502", "200" …, or "broken" when the answer broke off after its head."""
    with RawConnection(running.port) as connection:
        connection.send(request("POST", *POSTS["openai"][:1], KEY, POSTS["openai"][1]))
        try:
            return str(connection.read().status)
        except Broken:
            return "broken"


@pytest.mark.parametrize("family", POSTS)
@pytest.mark.parametrize("fault", [{"reset_before_head": True}, {"close_before_head": True}], ids=str)
def test_no_answer_at_all_is_502(gw, mock, family, fault):
    # Matrix 1.
    mock.plan(times=None, **fault)
    assert_error(ask(gw, family), family, {502})


@pytest.mark.parametrize("family", POSTS)
def test_a_hang_is_504_and_closes_the_call(gw, mock, family):
    # Matrix 6, T-7.
    mock.plan(hang=True)
    assert_error(ask(gw, family), family, {504})
    mock.wait_call().wait_peer_closed(5)
    assert len(mock.calls) == 1


@pytest.mark.parametrize("family", POSTS)
def test_a_slow_first_token_is_504(gw, mock, family):
    # Matrix 4: the head of the stream arrived, but nothing reached the client yet.
    target, body = POSTS[family]
    target = target.replace(":generateContent", ":streamGenerateContent?alt=sse")
    mock.plan(first_delay=30)
    body = body if family == "gemini" else {**body, "stream": True}
    assert_error(gw.call("POST", target, body), family, {504})
    mock.wait_call().wait_peer_closed(5)


@pytest.mark.parametrize("plan", [{"comments": True}, {}], ids=["comments", "role only"])
def test_keep_alives_are_no_first_content(gw, mock, plan):
    # S-3: the role-only delta and comments do not satisfy `first_content`.
    mock.plan(stall_after=1, **plan)
    assert gw.chat(stream=True).status == 504


@pytest.mark.parametrize("kind", BAD_FRAMINGS)
def test_ambiguous_heads_are_502(gw, mock, kind):
    # Matrix 18.
    mock.plan(framing=kind)
    assert_error(ask(gw), "openai", {502})
    assert ask(gw).status == 200
    first, second = mock.wait_calls(2)
    assert first.connection != second.connection, "the connection is not used again"


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_bodies_that_break(gw, mock, kind):
    mock.plan(framing=kind)
    assert outcome(gw) in ("502", "broken")
    assert ask(gw).status == 200
    assert len({c.connection for c in mock.wait_calls(2)}) == 2


def test_surplus_bytes_never_reach_the_next_caller(gw, mock):
    # Matrix 18: what stands behind an answer is nobody's answer.
    for _ in range(20):
        mock.plan(framing="surplus")
        first = ask(gw)
        assert first.status in (200, 502) and b"poison" not in first.body
        second = ask(gw)
        assert second.status == 200 and b"poison" not in second.body
    by_connection: dict[int, list] = {}
    for call in mock.calls:
        by_connection.setdefault(call.connection, []).append(call.plan.framing)
    assert all("surplus" not in plans[:-1] for plans in by_connection.values())


def test_an_unasked_answer_on_an_idle_connection(gw, mock):
    mock.plan(raw="HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
              + "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"poison\": true}", raw_then="keep")
    ask(gw)
    for _ in range(5):
        answer = ask(gw)
        assert answer.status == 200 and b"poison" not in answer.body


RAW = {
    "redirect": "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/\r\ncontent-length: 0\r\n\r\n",
    "redirect to itself": "HTTP/1.1 307 Moved\r\nlocation: /v1/models\r\ncontent-length: 0\r\n\r\n",
    "101": "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    "html with 200": "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>",
    "no type with 200": "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "garbage": "\x00\x01\x02 what is this\r\n\r\n",
    "status 600": "HTTP/1.1 600 What\r\ncontent-length: 0\r\n\r\n",
    "nothing but interim": "HTTP/1.1 100 Continue\r\n\r\n" * 3,
    "endless interim": "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n" * 2000,
    "endless head": "HTTP/1.1 200 OK\r\n" + "x-a: b\r\n" * 50_000,
    "tls": "\x15\x03\x01\x00\x02\x02\x46",
}


@pytest.mark.parametrize("family", POSTS)
@pytest.mark.parametrize("name", RAW)
def test_answers_that_are_none(gw, mock, name, family):
    # Matrix 19 and the "Bad input" list.
    mock.plan(raw=RAW[name], times=None)
    assert_error(ask(gw, family), family, {502, 504})
    assert {c.path for c in mock.calls} == {c.path for c in mock.calls[:1]}, "no redirect is followed"
    used = {c.connection for c in mock.calls}
    mock.reset()
    assert ask(gw, family).status == 200
    assert mock.wait_call().connection not in used


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(gw, mock, status):
    mock.plan(raw=f"HTTP/1.1 {status} X\r\n\r\n", raw_then="keep")
    with RawConnection(gw.port) as connection:
        connection.send(request("POST", *POSTS["openai"][:1], KEY, POSTS["openai"][1]))
        assert connection.read().status in (status, 502)
        assert connection.send(request("GET", "/v1/models", KEY)).read().status == 200


def test_ten_thousand_header_fields_are_502(gw, mock):
    # Matrix 21.
    mock.plan(header_count=10_000)
    assert_error(ask(gw), "openai", {502})


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_encoded_answers_are_inflated(gw, mock, coding):
    mock.plan(encoding=coding)
    answer = ask(gw)
    assert answer.status == 200 and "content-encoding" not in answer.headers
    assert answer.json()["choices"][0]["message"]["content"]
    asked = mock.wait_call().headers.get("accept-encoding", "identity")
    assert asked == "identity", "identity is asked for"


@pytest.mark.parametrize("coding", ["bomb", "broken", "unknown"])
def test_answers_that_cannot_be_inflated(gw, mock, coding):
    # Matrix 20.
    ask(gw)
    before = gw.rss_bytes()
    gw.reset_peak()
    mock.plan(encoding=coding)
    assert outcome(gw) in ("502", "broken")
    assert gw.peak_rss_bytes() - before < 64 << 20
    assert ask(gw).status == 200


@pytest.mark.parametrize("family", POSTS)
@pytest.mark.parametrize("kind", ["html", "empty", "garbage", "text", "json_other"])
@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_error_bodies_that_are_no_error_object(gw, mock, family, kind, status):
    # Matrix 14.
    mock.plan(status=status, body_kind=kind)
    assert_error(ask(gw, family), family, {status} if status < 500 else {status, 502})


@pytest.mark.parametrize("given,least,most", [("7", 7, 7), ("1.5", 2, 2), ("-1", 1, 1), ("0", 1, 1), (None, 1, 1),
                                              ("soon", 1, 1), ("Wed, 01 Jan 2020 00:00:00 GMT", 1, 1)])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_made_usable(gw, mock, status, given, least, most):
    # Matrix 12, wire-formats 1.3, B-19. One deployment: the provider's answer is passed on each time.
    mock.plan(status=status, retry_after=given)
    answer = ask(gw)
    assert answer.status == status
    assert least <= int(answer.headers["retry-after"]) <= most
    assert int(answer.headers["retry-after-ms"]) > 0


def test_interim_answers_are_dropped(gw, mock):
    mock.plan(informational=[100, 103])
    with RawConnection(gw.port) as connection:
        connection.send(request("POST", *POSTS["openai"][:1], KEY, POSTS["openai"][1]))
        assert connection.read_head().status == 200


@pytest.mark.parametrize("plan", [{"framing": "chunked"}, {"framing": "chunked", "chunk_bytes": 1},
                                  {"framing": "close"}, {"chop": 1}, {"connection": "announce_close"}], ids=str)
def test_every_lawful_framing(gw, mock, plan):
    plain = ask(gw)
    mock.plan(**plan)
    other = ask(gw)
    assert (other.status, other.body) == (200, plain.body)
    assert ask(gw).status == 200


def test_stale_pooled_connections_are_replaced_silently(gw, mock):
    # The provider closes after every answer without announcing it.
    mock.plan(connection="silent_close", times=None)
    for _ in range(100):
        assert ask(gw).status == 200
    mock.reset()
    for _ in range(20):
        assert ask(gw).status == 200
        mock.close_idle()
    assert gw.record(ask(gw).headers["x-request-id"])["outcome"] == "completed"


def test_a_refused_connection_is_502_and_a_mute_one_504(launch, mock):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        config = gateway.standard(mock.base)
        timeouts = {"connect": "1s", "head": "1s", "total": "2s"}
        port = mute.getsockname()[1]
        config["providers"] |= {
            "refused": {"type": "openai", "base_url": f"http://127.0.0.1:{gateway.free_port()}/v1", "api_key": "none"},
            "mute": {"type": "openai", "base_url": f"http://127.0.0.1:{port}/v1", "api_key": "none",
                     "timeouts": timeouts},
            "mute-tls": {"type": "openai", "base_url": f"https://127.0.0.1:{port}/v1", "api_key": "none",
                         "timeouts": timeouts},
            "nameless": {"type": "openai", "base_url": "http://no-such-host.invalid/v1", "api_key": "none",
                         "timeouts": timeouts},
        }
        for name in ("refused", "mute", "mute-tls", "nameless"):
            config["models"][name] = {"use": f"{name}/m"}
        running = launch(config)
        assert_error(running.chat("refused"), "openai", {502})
        assert_error(running.chat("mute"), "openai", {504})
        # Matrix 15 and 16: a handshake or a name that hangs costs others nothing.
        waiting = [running.connect() for _ in range(10)]
        for number, connection in enumerate(waiting):
            model = "mute-tls" if number % 2 else "nameless"
            connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(model)))
        assert running.chat().status == 200
        for connection in waiting:
            assert connection.read().status in (502, 504)


def test_a_dead_upstream_never_blocks_the_others(gw, mock):
    mock.plan(hang=True, times=20, model="up-claude")
    waiting = []
    for _ in range(20):
        connection = RawConnection(gw.port)
        waiting.append(connection.send(request("POST", "/v1/messages", KEY, message_body())))
    for _ in range(50):
        assert gw.chat().status == 200
    for connection in waiting:
        assert connection.read().status == 504


def test_certificates(launch, mock, tmp_path):
    # Matrix 17: verified against the provider's own authority; never plain text.
    authority, other = tls.Authority(tmp_path), (tmp_path / "other")
    other.mkdir()
    stranger = tls.Authority(other)
    with MockProvider(tls=authority.server("localhost")) as good, \
            MockProvider(tls=authority.server("other.example")) as misnamed, \
            MockProvider(tls=authority.server("localhost", expired=True)) as expired:
        config = gateway.standard(mock.base)

        def provider(at: MockProvider, **more) -> dict:
            return {"type": "openai", "base_url": f"https://localhost:{at.port}/v1", "api_key": "sk-test-tls", **more}

        ca = str(authority.ca_file)
        config["providers"] |= {
            "good": provider(good, ca_file=ca), "untrusted": provider(good),
            "stranger": provider(good, ca_file=str(stranger.ca_file)), "misnamed": provider(misnamed, ca_file=ca),
            "expired": provider(expired, ca_file=ca),
            "plain": {"type": "openai", "base_url": f"https://127.0.0.1:{mock.port}/v1", "api_key": "sk-test-tls"},
        }
        for name in ("good", "untrusted", "stranger", "misnamed", "expired", "plain"):
            config["models"][name] = {"use": f"{name}/m"}
        running = launch(config)
        for _ in range(5):
            assert running.chat("good").status == 200
        assert len({c.connection for c in good.calls}) < 5, "TLS connections are used again"
        stream = running.chat_stream("good")
        assert stream.drain() == "clean"
        for name in ("untrusted", "stranger", "misnamed", "expired", "plain"):
            assert_error(running.chat(name), "openai", {502})
        assert misnamed.calls == [] and expired.calls == [] and mock.calls == []
        assert all(c.headers["authorization"] == "Bearer sk-test-tls" for c in good.calls)
        good.plan(fin_inside_chunk_after=4)
        cut = running.chat_stream("good")
        assert cut.drain() == "broken" or "error" in cut.events[-1]
        assert "[DONE]" not in cut.events
    assert running.chat().status == 200


def test_a_storm_of_errors_recovers_alone(gw, mock):
    # Matrix 13: one deployment, so each answer is passed on, and the first good one as well.
    mock.plan(status=500, times=30)
    started = time.monotonic()
    assert {ask(gw).status for _ in range(30)} <= {500, 502}
    assert ask(gw).status == 200
    assert time.monotonic() - started < 60
    assert len(mock.calls) <= 30 + 3 + 1


def test_errors_name_no_address_and_no_key(gw, mock):
    # DESIGN 13.15.
    secret = gateway.UPSTREAM_KEYS["oai"]
    mock.plan(status=400, error_message=f"bad call with {secret} at https://{INTERNAL}.example/v1 today")
    answer = ask(gw)
    assert answer.status == 400 and secret.encode() not in answer.body and INTERNAL.encode() not in answer.body
    assert json.loads(answer.body)["error"]["message"]
