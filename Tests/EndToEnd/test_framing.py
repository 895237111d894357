"""HTTP/1.1 towards clients: what is ambiguous is refused and never forwarded (DESIGN 8, matrix 37 to 43)."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

import raw_client
from gateway import KEY, chat_body, standard
from raw_client import Broken, RawConnection, request

BODY = json.dumps(chat_body()).encode()
HOST = b"Host: 127.0.0.1\r\n"
AUTH = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
TYPE = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
SMUGGLED = b"POST /v1/embeddings HTTP/1.1\r\n" + HOST + AUTH + b"Content-Length: 0\r\n\r\n"
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"


def post(fields: bytes, body: bytes = BODY, line: bytes = LINE, host: bytes = HOST) -> bytes:
    return line + host + AUTH + TYPE + fields + b"\r\n" + body


SMUGGLING = {
    "length and chunked": post(LENGTH + CHUNKED, IN_CHUNKS),
    "chunked and length": post(CHUNKED + b"Content-Length: 0\r\n", IN_CHUNKS),
    "two lengths": post(LENGTH + b"Content-Length: 0\r\n"),
    "the same length twice": post(LENGTH + LENGTH),
    "a list of lengths": post(b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY))),
    "negative length": post(b"Content-Length: -1\r\n"),
    "length with a sign": post(b"Content-Length: +%d\r\n" % len(BODY)),
    "hex length": post(b"Content-Length: 0x10\r\n"),
    "length with a space inside": post(b"Content-Length: 1 0\r\n"),
    "empty length": post(b"Content-Length: \r\n"),
    "huge length": post(b"Content-Length: 99999999999999999999999\r\n"),
    "length with digits of another script": post("Content-Length: ٣\r\n".encode()),
    "chunked twice in two fields": post(CHUNKED + CHUNKED, IN_CHUNKS),
    "chunked twice in one field": post(b"Transfer-Encoding: chunked, chunked\r\n", IN_CHUNKS),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", IN_CHUNKS),
    "chunked, identity": post(b"Transfer-Encoding: chunked, identity\r\n", IN_CHUNKS),
    "identity": post(b"Transfer-Encoding: identity\r\n"),
    "unknown coding": post(b"Transfer-Encoding: xchunked\r\n", IN_CHUNKS),
    "vertical tab before chunked": post(b"Transfer-Encoding: \x0bchunked\r\n", IN_CHUNKS),
    "quoted chunked": post(b'Transfer-Encoding: "chunked"\r\n', IN_CHUNKS),
    "empty coding": post(b"Transfer-Encoding: \r\n" + LENGTH),
    "space before the colon": post(b"Transfer-Encoding : chunked\r\n", IN_CHUNKS),
    "tab before the colon": post(b"Content-Length\t: 5\r\n"),
    "folded field": post(b"X-Fold: a\r\n b\r\n" + LENGTH),
    "folded framing": post(b"Transfer-Encoding:\r\n chunked\r\n", IN_CHUNKS),
    "space before the first field": LINE + b" " + HOST + AUTH + LENGTH + b"\r\n" + BODY,
    "bare LF as a line end": post(LENGTH).replace(b"\r\n", b"\n", 3),
    "bare LF everywhere": post(LENGTH).replace(b"\r\n", b"\n"),
    "bare CR in a value": post(b"X-A: a\rb\r\n" + LENGTH),
    "bare CR hides a field": post(b"X-A: a\rTransfer-Encoding: chunked\r\n" + LENGTH),
    "NUL in a value": post(b"X-A: a\x00b\r\n" + LENGTH),
    "DEL in a value": post(b"X-A: a\x7fb\r\n" + LENGTH),
    "NUL in a name": post(b"X-\x00A: a\r\n" + LENGTH),
    "space in a name": post(b"X A: a\r\n" + LENGTH),
    "high byte in a name": post(b"X-\xc3\xa9: a\r\n" + LENGTH),
    "empty name": post(b": a\r\n" + LENGTH),
    "no colon": post(b"Content-Length\r\n"),
    "no host": post(LENGTH, host=b""),
    "two hosts": post(LENGTH, host=HOST + HOST),
    "two different hosts": post(LENGTH, host=HOST + b"Host: other.example\r\n"),
    "host with a space": post(LENGTH, host=b"Host: a b\r\n"),
    "host with a path": post(LENGTH, host=b"Host: a/b\r\n"),
    "host with a user": post(LENGTH, host=b"Host: a@b\r\n"),
    "host with a port too high": post(LENGTH, host=b"Host: a:65536\r\n"),
    "host with a port of letters": post(LENGTH, host=b"Host: a:x\r\n"),
    "host list": post(LENGTH, host=b"Host: a, b\r\n"),
    "empty host": post(LENGTH, host=b"Host: \r\n"),
    "absolute form that disagrees": post(LENGTH, line=b"POST http://other.example/v1/chat/completions HTTP/1.1\r\n"),
    "two spaces in the request line": post(LENGTH, line=b"POST  /v1/chat/completions HTTP/1.1\r\n"),
    "tab in the request line": post(LENGTH, line=b"POST\t/v1/chat/completions HTTP/1.1\r\n"),
    "space behind the version": post(LENGTH, line=b"POST /v1/chat/completions HTTP/1.1 \r\n"),
    "no version": post(LENGTH, line=b"POST /v1/chat/completions\r\n"),
    "lower-case version": post(LENGTH, line=b"POST /v1/chat/completions http/1.1\r\n"),
    "version with a long number": post(LENGTH, line=b"POST /v1/chat/completions HTTP/1.10\r\n"),
    "control byte in the target": post(LENGTH, line=b"POST /v1/chat\x01/completions HTTP/1.1\r\n"),
    "NUL in the target": post(LENGTH, line=b"POST /v1/chat/completions\x00 HTTP/1.1\r\n"),
    "fragment in the target": post(LENGTH, line=b"POST /v1/chat/completions#a HTTP/1.1\r\n"),
    "bad method": post(LENGTH, line=b"PO(ST /v1/chat/completions HTTP/1.1\r\n"),
    "chunked on HTTP/1.0": post(CHUNKED, IN_CHUNKS, line=b"POST /v1/chat/completions HTTP/1.0\r\n"),
    "chunk size of letters": post(CHUNKED, b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with a sign": post(CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n"),
    "chunk size with 0x": post(CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk size that overflows": post(CHUNKED, b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "chunk size with a leading space": post(CHUNKED, b" 5\r\nhello\r\n0\r\n\r\n"),
    "empty chunk size": post(CHUNKED, b"\r\nhello\r\n0\r\n\r\n"),
    "chunk line with bare LF": post(CHUNKED, IN_CHUNKS.replace(b"\r\n", b"\n", 1)),
    "chunk data too long": post(CHUNKED, b"5\r\nhelloX\r\n0\r\n\r\n"),
    "chunk data followed by LF": post(CHUNKED, b"5\r\nhello\n0\r\n\r\n"),
    "chunk extension with a control byte": post(CHUNKED, b"5;a=\x01\r\nhello\r\n0\r\n\r\n"),
    "chunk extension with a bare LF": post(CHUNKED, b"5;\n\r\nhello\r\n0\r\n\r\n"),
    "chunk line too long": post(CHUNKED, b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n"),
    "trailer without a colon": post(CHUNKED, IN_CHUNKS[:-2] + b"nonsense\r\n\r\n"),
    "trailer with a folded line": post(CHUNKED, IN_CHUNKS[:-2] + b"A: b\r\n c\r\n\r\n"),
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_smuggling_family(gw, mock, name):
    with RawConnection(gw.port) as connection:
        connection.send_tolerant(SMUGGLING[name] + SMUGGLED)
        answer = connection.read()
        # A chunk line or trailer beyond its bound is 431; a version that is well-formed but not spoken is 505.
        allowed = {400, 431} if "too long" in name else {400, 505} if "version" in name or "HTTP/2" in name else {400}
        assert answer.status in allowed, answer.body
        assert answer.json()["error"]["message"]
        assert connection.at_end(), "the connection is closed, and what follows is not answered"
    assert mock.calls == [] and mock.heads == 0


@pytest.mark.parametrize("name", ["length and chunked", "folded field", "chunk size of letters"])
def test_one_byte_at_a_time_is_no_way_around(gw, mock, name):
    with RawConnection(gw.port) as connection:
        for byte in SMUGGLING[name]:
            connection.send_tolerant(bytes([byte]))
        assert connection.read().status == 400
    assert mock.calls == []


@pytest.mark.parametrize("length", [100 << 20, 1 << 40])
def test_413_from_the_head_alone(gw, mock, length):
    with RawConnection(gw.port) as connection:
        connection.send(post(b"Content-Length: %d\r\n" % length, b""))
        answer = connection.read()
        assert answer.status == 413 and answer.error()["code"] == "request_too_large"
        assert connection.at_end()
    assert mock.heads == 0


def test_413_for_chunks_that_never_end(gw, mock):
    with RawConnection(gw.port) as connection:
        connection.send(post(CHUNKED, b""))
        piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        for _ in range(40):
            connection.send_tolerant(piece)
        try:
            assert connection.read().status == 413
        except (Broken, ConnectionError):
            pass  # it was refused and closed while we still wrote
    assert mock.heads == 0


def test_411(gw, mock):
    with RawConnection(gw.port) as connection:
        connection.send(post(b"", b""))
        assert connection.read().status == 411
    assert mock.heads == 0


@pytest.mark.parametrize("fields", [b"".join(b"X-%d: v\r\n" % i for i in range(10_000)),
                                    b"X-Big: " + b"a" * (1 << 20) + b"\r\n"], ids=["many", "big"])
def test_431(gw, mock, fields):
    # Matrix 40.
    with RawConnection(gw.port) as connection:
        connection.send_tolerant(post(LENGTH + fields))
        assert connection.read().status in (431, 400)
    assert mock.heads == 0


def test_431_for_a_target_too_long(gw, mock):
    with RawConnection(gw.port) as connection:
        connection.send_tolerant(post(LENGTH, line=b"POST /v1/" + b"a" * 100_000 + b" HTTP/1.1\r\n"))
        assert connection.read().status in (431, 400, 414)


def test_415(gw, mock):
    kinds = [[b"Content-Type: text/xml\r\n"], [TYPE, b"Content-Encoding: br\r\n"],
             [TYPE, b"Content-Encoding: gzip, gzip\r\n"]]
    for fields in kinds:
        answer = raw(gw, LINE + HOST + AUTH + b"".join(fields) + LENGTH + b"\r\n" + BODY)
        assert answer.status == 415, fields
    assert mock.heads == 0


def raw(gw, data: bytes, is_head_request: bool = False) -> raw_client.Response:
    with RawConnection(gw.port) as connection:
        return connection.send(data).read(is_head_request)


@pytest.mark.parametrize("coding,pack", [("gzip", lambda b: gzip.compress(b, mtime=0)), ("deflate", zlib.compress)])
def test_encoded_requests_are_inflated(gw, mock, coding, pack):
    packed = pack(BODY)
    answer = gw.call("POST", "/v1/chat/completions", packed, fields=[f"Content-Encoding: {coding}"])
    assert answer.status == 200
    call = mock.wait_call()
    assert call.json["messages"] and "content-encoding" not in call.headers


def test_a_gzip_bomb_is_refused(gw, mock):
    # Matrix 38.
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(512)) + packer.flush()
    before = gw.rss_bytes()
    gw.reset_peak()
    answer = gw.call("POST", "/v1/chat/completions", bomb, fields=["Content-Encoding: gzip"])
    assert answer.status in (413, 415, 400)
    assert gw.peak_rss_bytes() - before < 64 << 20 and mock.heads == 0
    broken = gzip.compress(BODY)[:-4] + b"\x00\x00\x00\x00"
    assert gw.call("POST", "/v1/chat/completions", broken, fields=["Content-Encoding: gzip"]).status in (400, 415)


def test_pipelining_answers_in_order(gw, mock):
    with RawConnection(gw.port) as connection:
        wanted = [f"text number {i}" for i in range(20)]
        connection.send(b"".join(
            request("POST", "/v1/chat/completions", KEY, chat_body("echo-test", text)) for text in wanted))
        got = [connection.read().json()["choices"][0]["message"]["content"] for _ in wanted]
        assert got == wanted


def test_pipelining_behind_a_stream(gw, mock):
    with RawConnection(gw.port) as connection:
        connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True))
                        + request("GET", "/v1/models", KEY))
        assert connection.read().body.endswith(b"data: [DONE]\n\n")
        assert connection.read().json()["object"] == "list"


def test_keep_alive_and_close(gw, mock):
    with RawConnection(gw.port) as connection:
        for _ in range(5):
            assert connection.send(request("POST", "/v1/chat/completions", KEY, BODY)).read().status == 200
        # A refusal whose framing is not in doubt keeps the connection.
        assert connection.send(request("GET", "/v1/no/such", KEY)).read().status == 404
        answer = connection.send(request("GET", "/v1/models", KEY, fields=["Connection: close"])).read()
        assert answer.status == 200 and answer.headers.get("connection", "").lower() == "close"
        assert connection.at_end()
    assert len({c.connection for c in mock.calls}) == 1, "one client in sequence uses one upstream connection"


def test_http_1_0(gw, mock):
    line = b"POST /v1/chat/completions HTTP/1.0\r\n"
    for host in (HOST, b""):
        with RawConnection(gw.port) as connection:
            answer = connection.send(post(LENGTH, line=line, host=host)).read()
            assert answer.status == 200 and "transfer-encoding" not in answer.headers
            assert connection.at_end()
    streaming = json.dumps(chat_body(stream=True)).encode()
    with RawConnection(gw.port) as connection:
        answer = connection.send(post(b"Content-Length: %d\r\n" % len(streaming), streaming, line)).read()
        assert "transfer-encoding" not in answer.headers and answer.body.endswith(b"data: [DONE]\n\n")
    with RawConnection(gw.port) as connection:
        assert connection.send(post(b"", b"", line)).read().status in (400, 411)


def test_expect_100_continue(gw, mock):
    head = post(LENGTH + b"Expect: 100-continue\r\n", b"")
    with RawConnection(gw.port) as connection:
        connection.send(head)
        assert connection.read_head().status == 100
        assert connection.send(BODY).read().status == 200
    with RawConnection(gw.port) as connection:  # what the head alone decides comes in place of 100
        connection.send(head.replace(KEY.encode(), b"sk-test-wrong-0123456789"))
        assert connection.read_head().status == 401
    with RawConnection(gw.port) as connection:
        assert connection.send(post(LENGTH + b"Expect: 200-ok\r\n", b"")).read().status == 417


def test_chunked_requests(gw, mock):
    extended = b"5;a=b;c=\"d\"\r\n" + BODY[:5] + b"\r\n%x\r\n%s\r\n0\r\nX-Trailer: dropped\r\n\r\n" % (
        len(BODY) - 5, BODY[5:])
    for body in (IN_CHUNKS, extended, b"".join(b"1\r\n%c\r\n" % b for b in BODY) + b"0\r\n\r\n"):
        for coding in (b"chunked", b"CHUNKED"):
            assert raw(gw, post(b"Transfer-Encoding: %s\r\n" % coding, body)).status == 200
    for call in mock.calls:
        assert call.json["messages"][0]["content"] == "hello" and "x-trailer" not in call.headers


def test_head_and_methods(gw, mock):
    with RawConnection(gw.port) as connection:
        for method in ("HEAD", "GET"):
            answer = connection.send(request(method, "/v1/chat/completions", KEY)).read(method == "HEAD")
            assert answer.status == 405 and "POST" in answer.headers["allow"]
        answer = connection.send(request("HEAD", "/v1/models", KEY)).read(True)
        assert answer.status in (200, 405)
        assert connection.send(request("GET", "/v1/models", KEY)).read().status == 200, "no body followed HEAD"
    assert gw.call("DELETE", "/v1/models/gpt-test").status in (404, 405)
    assert mock.heads == 0


def test_absolute_form_and_odd_but_lawful_heads(gw, mock):
    lawful = [
        post(LENGTH, line=b"POST http://127.0.0.1/v1/chat/completions HTTP/1.1\r\n"),
        post(LENGTH + b"X-Empty:\r\nX-Tab:\ta\t\r\nX-High: \xc3\xa9\xff\r\n"),
        post(LENGTH, host=b"hOsT:127.0.0.1:80\r\n"),
        post(LENGTH, host=b"Host: [::1]:8080\r\n"),
    ]
    for data in lawful:
        assert raw(gw, data).status == 200, data[:120]


MODELS = {
    "missing": b'{"messages":[]}', "null": b'{"model":null}', "number": b'{"model":5}', "empty": b'{"model":""}',
    "list": b'{"model":["gpt-test"]}', "lone surrogate": b'{"model":"\\ud800"}', "bad UTF-8": b'{"model":"\xff"}',
    "twice": b'{"model":"gpt-test","model":"echo-test"}', "twice, escaped": b'{"model":"a","mod\\u0065l":"gpt-test"}',
    "stream twice": b'{"model":"gpt-test","stream":false,"stream":true}',
    "no object": b'["model"]', "no JSON": b"hello", "empty body": b"", "white space": b"   ",
    "unterminated": b'{"model":"gpt-test"', "trailing": b'{"model":"gpt-test"}}', "two": b'{"model":"gpt-test"}{}',
    "deep": b'{"model":"gpt-test","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "mismatched": b'{"model":"gpt-test","messages":[}]}', "raw newline": b'{"model":"gpt-test","a":"\n"}',
    "BOM": b'\xef\xbb\xbf{"model":"gpt-test"}', "comment": b'{"model":"gpt-test"/**/}', "single quotes": b"{'model':1}",
}


@pytest.mark.parametrize("name", MODELS)
def test_bodies_without_one_meaning_are_400(gw, mock, name):
    # Matrix 39.
    answer = gw.call("POST", "/v1/chat/completions", MODELS[name])
    assert answer.status == 400 and answer.error()["type"] == "invalid_request_error"
    assert mock.heads == 0


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "background"])
def test_stored_objects_and_detached_work(gw, mock, field):
    value = True if field == "background" else "obj_1"
    answer = gw.call("POST", "/v1/responses", {"model": "gpt-test", "input": "x", field: value})
    assert answer.status == 400 and answer.error()["param"] == field and mock.heads == 0


@pytest.mark.parametrize("target", ["/v1/files", "/v1/batches", "/v1/uploads", "/v1/fine_tuning/jobs",
                                    "/v1/vector_stores", "/v1/conversations", "/v1/responses/resp_1",
                                    "/openai/v1/chat/completions", "/v1/messages/batches"])
def test_endpoints_that_belong_to_nobody(gw, mock, target):
    answer = gw.call("GET", target)
    assert answer.status == 404, answer.body
    assert mock.heads == 0


def test_slow_heads_and_bodies_end_in_408(launch, mock):
    # Matrix 41.
    config = standard(mock.base)
    config["server"] = {"limits": {"head_timeout": "1s", "body_timeout": "1s"}}
    running = launch(config)
    slow = [running.connect() for _ in range(30)]
    for number, connection in enumerate(slow):
        connection.send(post(LENGTH)[:20 + number] if number % 2 else post(LENGTH, BODY[:5]))
    for _ in range(10):
        assert running.chat().status == 200
    for connection in slow:
        assert connection.read().status == 408
        assert connection.at_end()


def test_clients_that_connect_and_vanish_leave_nothing(gw, mock):
    # Matrix 50.
    assert gw.chat().status == 200
    before = gw.descriptors()
    for number in range(500):
        connection = gw.connect()
        if number % 3:
            connection.send_tolerant(post(LENGTH)[:number])
        if number % 2:
            connection.reset()
        else:
            connection.close()
    raw_client.poll(lambda: gw.descriptors() <= before + 2, 20, "descriptors are given back")
