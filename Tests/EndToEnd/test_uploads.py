"""Forms stream through: the model is found on the way, both sides hold each other back, and a fault ends the call."""

from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest

import gateway
from gateway import KEY, usage_source
from raw_client import poll, request

MEBIBYTE = 1 << 20
GROWTH_MAX = 24 * MEBIBYTE
MARK = "upload-boundary"
TARGET = "/v1/audio/transcriptions"
TIMEOUTS = {"connect": "1s", "head": "1s", "first_content": "1s", "inter_content": "1s", "total": "30s"}
AUDIO = bytes(range(256)) * 512  # 128 KiB, every byte value


def configure(config: dict) -> None:
    config["server"] = {"limits": {"max_body": "8MiB"}}


def part(name: str, value: bytes | str, filename: str | None = None) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    file = f'; filename="{filename}"' if filename else ""
    return f'--{MARK}\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n"


def file_part(content: bytes = AUDIO) -> bytes:
    return part("file", content, "a.wav")


END = f"--{MARK}--\r\n".encode()
MODEL = part("model", "gpt-test")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


class Upload:
    """One upload, sent piece by piece with a length or in chunks."""

    def __init__(self, running, length: int | None, target: str = TARGET, fields: list[str] | None = None,
                 timeout: float = 30) -> None:
        self.connection = running.connect(timeout=timeout)
        self.chunked = length is None
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        lines = [f"POST {target} HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}", framing,
                 f"Content-Type: multipart/form-data; boundary={MARK}", *(fields or [])]
        self.connection.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def send(self, data: bytes) -> "Upload":
        self.connection.send_tolerant(chunk(data) if self.chunked else data)
        return self

    def finish(self) -> "Upload":
        if self.chunked:
            self.connection.send_tolerant(b"0\r\n\r\n")
        return self

    def read(self):
        return self.connection.read()


def as_sent_on(body: bytes, model: str = "up-gpt") -> bytes:
    return body.replace(MODEL, part("model", model))


FRAMINGS = pytest.mark.parametrize("has_length", [True, False], ids=["length", "chunked"])


@FRAMINGS
def test_the_provider_sees_the_file_while_it_is_sent(gw, mock, has_length):
    body = MODEL + file_part() + part("response_format", "json") + END
    upload = Upload(gw, len(body) if has_length else None)
    upload.send(body[:len(MODEL) + 5000])
    call = mock.wait_begun()
    for end in (40_000, 100_000):
        poll(lambda: as_sent_on(body[:5000])[100:] in bytes(call.so_far), 20, "the first part is with the provider")
        before = call.bytes_arrived
        upload.send(body[len(MODEL) + 5000 if end == 40_000 else 40_000:end])
        poll(lambda: call.bytes_arrived > before, 20, "so is the next")
    assert mock.calls == [], "the request is not whole yet"
    answer = upload.send(body[100_000:]).finish().read()
    assert answer.status == 200 and answer.json()["text"]
    assert call.body == as_sent_on(body) and call.model == "up-gpt"
    expected = {"content-length": str(len(as_sent_on(body)))} if has_length else {"transfer-encoding": "chunked"}
    framing = {n: v for n, v in call.headers.items() if n in ("content-length", "transfer-encoding")}
    assert framing == expected
    record = gw.record(answer.headers["x-request-id"])
    assert record["status"] == 200 and usage_source(record) == "provider"
    # Both connections serve on.
    upload.connection.send(request("POST", "/v1/chat/completions", KEY, gateway.chat_body()))
    assert upload.read().status == 200
    assert mock.wait_calls(2)[1].connection == call.connection


@pytest.mark.parametrize("target", ["/v1/audio/translations", "/v1/images/edits", "/v1/images/variations"])
def test_every_form_streams_through(gw, mock, target):
    body = MODEL + part("image", AUDIO, "a.png") + END
    upload = Upload(gw, len(body), target).send(body[:-10])
    mock.wait_begun()
    assert upload.send(body[-10:]).read().status == 200
    assert mock.calls[0].body == as_sent_on(body)


@FRAMINGS
@pytest.mark.parametrize("tail", [b"", part("prompt", "p" * 5000)], ids=["last", "last but one"])
def test_the_model_may_stand_behind_the_file(gw, mock, tail, has_length):
    body = file_part(AUDIO * 24) + MODEL + tail + END
    upload = Upload(gw, len(body) if has_length else None)
    for start in range(0, len(body), 1 << 18):
        upload.send(body[start:start + (1 << 18)])
    assert upload.finish().read().status == 200
    assert mock.wait_call().body == as_sent_on(body)


@pytest.mark.parametrize("length", [1, 3, 60, 200])
def test_a_small_form_in_small_pieces(gw, mock, length):
    body = MODEL + part("file", b"RIFF" * 30, "a.wav") + part("stream", "false") + END
    for has_length in (True, False):
        upload = Upload(gw, len(body) if has_length else None)
        for start in range(0, len(body), length):
            upload.send(body[start:start + length])
        assert upload.finish().read().status == 200
    assert [c.body for c in mock.calls] == [as_sent_on(body)] * 2


def big_upload(running, length: int, size: int, sent: list[int]) -> threading.Thread:
    """Sends a form with a file of `size` bytes in a thread; `sent` grows with what the socket took."""
    upload = Upload(running, length, timeout=120)
    block = bytes(MEBIBYTE)

    def run() -> None:
        upload.send(MODEL + file_part(b"")[:-2])
        for _ in range(size // len(block)):
            upload.send(block)
            sent[0] += len(block)
        upload.send(b"\r\n" + END)

    thread = threading.Thread(target=run, daemon=True)
    thread.upload = upload
    thread.start()
    return thread


def test_a_slow_provider_costs_little_memory(launch, mock):
    config = gateway.standard(mock.base, inter_content="60s")
    config["server"] = {"limits": {"max_body": "100MiB"}}
    running = launch(config)
    size = 64 * MEBIBYTE
    length = len(MODEL) + len(file_part(b"")) + size + len(END)
    # Warm up: what one small upload needs stays.
    small = MODEL + file_part() + END
    assert Upload(running, len(small)).send(small).read().status == 200
    mock.reset()
    before = running.rss_bytes()
    running.reset_peak()
    mock.reading_stopped = True
    sent = [0]
    try:
        thread = big_upload(running, length, size, sent)
        seen = {"bytes": -1, "since": time.monotonic()}

        def still() -> bool:
            if sent[0] != seen["bytes"]:
                seen.update(bytes=sent[0], since=time.monotonic())
            return time.monotonic() - seen["since"] > 1

        poll(still, 60, "the pressure reaches the client", every=0.05)
        assert sent[0] < size // 2, "the client is held back"
        assert running.peak_rss_bytes() - before < GROWTH_MAX
        mock.reading_paused = True
    finally:
        mock.reading_stopped = False
    try:
        answer = thread.upload.read()
    finally:
        mock.reading_paused = False
    assert answer.status == 200 and len(mock.wait_call().body) == length - len("gpt-test") + len("up-gpt")
    print(f"growth: {(running.peak_rss_bytes() - before) / MEBIBYTE:.1f} MiB")
    assert running.peak_rss_bytes() - before < GROWTH_MAX


LATE_FAULTS = {
    "a second model": (part("model", "other-model") + END, 400, None),
    "a stored object": (part("file_id", "file-1") + END, 400, "file_id"),
    "a broken part": (f"--{MARK}\r\nno colon here\r\n\r\nx\r\n".encode() + END, 400, None),
    "bytes behind the end": (END + b"more", 400, None),
    "no end": (part("prompt", "x"), 400, None),
}


@FRAMINGS
@pytest.mark.parametrize("fault", LATE_FAULTS)
def test_what_is_found_late_ends_the_call(gw, mock, fault, has_length):
    rest, status, parameter = LATE_FAULTS[fault]
    body = MODEL + file_part() + rest
    upload = Upload(gw, len(body) if has_length else None).send(body[:-len(rest)])
    call = mock.wait_begun()
    answer = upload.send(rest).finish().read()
    assert answer.status == status, answer.body
    if parameter:
        assert answer.error()["param"] == parameter
    call.wait_peer_closed(10)
    assert mock.calls == [], "no request that looks whole"
    record = gw.record(answer.headers["x-request-id"])
    assert record["status"] == status and usage_source(record) == "none"
    assert gw.chat().status == 200


def test_chunks_beyond_max_body_end_the_call(gw, mock):
    upload = Upload(gw, None).send(MODEL + file_part()[:-2])
    call = mock.wait_begun()
    for _ in range(9):
        upload.send(bytes(MEBIBYTE))
    assert upload.read().status == 413
    call.wait_peer_closed(10)
    assert mock.calls == []


def test_a_broken_chunk_ends_the_call(gw, mock):
    upload = Upload(gw, None).send(MODEL + file_part()[:-2])
    call = mock.wait_begun()
    upload.connection.send(b"zz\r\n")
    assert upload.read().status == 400
    call.wait_peer_closed(10)
    assert mock.calls == []


@pytest.mark.parametrize("way", ["close", "reset", "half-close"])
def test_a_client_that_leaves_ends_the_call(gw, mock, way):
    body = MODEL + file_part() + END
    upload = Upload(gw, len(body)).send(body[:50_000])
    call = mock.wait_begun()

    def gone() -> int:
        return sum(r["status"] == 499 for r in gw.records())

    before = gone()
    if way == "half-close":
        upload.connection.socket.shutdown(socket.SHUT_WR)
    else:
        getattr(upload.connection, way)()
    call.wait_peer_closed(10)
    poll(lambda: gone() == before + 1, 10, "a record of the client that left", every=0.05)
    assert mock.calls == []


def test_a_client_that_is_reset_while_it_is_held_back(launch, mock):
    # A regular end would stand behind bytes that nobody reads; a reset does not.
    config = gateway.standard(mock.base)
    config["server"] = {"limits": {"max_body": "100MiB"}}
    running = launch(config)
    mock.reading_stopped = True
    try:
        upload = Upload(running, 64 * MEBIBYTE).send(MODEL + file_part()[:-2])
        upload.connection.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(64):
                upload.connection.socket.sendall(bytes(MEBIBYTE))
        upload.connection.reset()
        poll(lambda: [r["status"] for r in running.records()] == [499], 20, "a record of it")
        assert running.metric("penstock_connections", side="upstream") == 0
    finally:
        mock.reading_stopped = False
    assert mock.calls == []


def test_a_client_that_stalls_gets_408(launch, mock):
    config = gateway.standard(mock.base)
    config["server"] = {"limits": {"body_timeout": "1s"}}
    running = launch(config)
    body = MODEL + file_part() + END
    upload = Upload(running, len(body)).send(body[:50_000])
    call = mock.wait_begun()
    assert upload.read().status == 408
    call.wait_peer_closed(10)
    assert mock.calls == []


def test_a_provider_that_stops_reading_is_504(launch, mock):
    # The client is not blamed for the time in which it is not read: its own timeout is the shorter one.
    config = gateway.standard(mock.base, **{**TIMEOUTS, "inter_content": "3s"})
    config["server"] = {"limits": {"max_body": "100MiB", "body_timeout": "1s"}}
    running = launch(config)
    size = 64 * MEBIBYTE
    mock.reading_stopped = True
    try:
        thread = big_upload(running, len(MODEL) + len(file_part(b"")) + size + len(END), size, [0])
        answer = thread.upload.read()
        assert answer.status == 504
        assert [a["error"] for a in running.record(answer.headers["x-request-id"])["attempts"]] == ["timeout"]
    finally:
        mock.reading_stopped = False
    assert mock.calls == []


def test_timeouts_of_the_answer_count_from_the_end_of_the_request(gw, mock):
    # `head` is one second here; the upload takes longer than that.
    body = MODEL + file_part() + END
    upload = Upload(gw, len(body)).send(body[:50_000])
    mock.wait_begun()
    time.sleep(1.5)
    assert upload.send(body[50_000:]).read().status == 200
    mock.plan(hang=True)
    upload = Upload(gw, len(body)).send(body[:50_000])
    mock.wait_begun(2)
    assert upload.send(body[50_000:]).read().status == 504


@pytest.mark.parametrize("status", [400, 413, 200])
def test_an_early_answer_is_passed_on(gw, mock, status):
    mock.plan(status=status, answer_after=1000)
    body = MODEL + file_part() + END
    upload = Upload(gw, len(body)).send(body[:50_000])
    answer = upload.read()
    assert answer.status == status, answer.body
    assert answer.headers.get("connection") == "close"
    mock.wait_begun().wait_peer_closed(10)
    upload.send(body[50_000:])
    assert upload.connection.at_end(), "what still comes is read and thrown away, then the connection closes"
    assert gw.record(answer.headers["x-request-id"])["status"] == status


def test_an_early_answer_with_a_reset_behind_it_is_passed_on(gw, mock):
    # What servers do with an upload that they find too large.
    mock.plan(status=413, answer_after=1000, connection="silent_close")
    size = 7 * MEBIBYTE
    thread = big_upload(gw, len(MODEL) + len(file_part(b"")) + size + len(END), size, [0])
    assert thread.upload.read().status == 413
    assert len(mock.begun) == 1


def pool_of_two(mock) -> dict:
    config = gateway.standard(mock.base, **TIMEOUTS)
    config["deployments"] = {name: {"provider": "oai", "model": f"up-{name}"} for name in "ab"}
    config["models"]["gpt-test"] = {"use": ["a", "b"], "policy": "fallback"}
    config["server"] = {"limits": {"max_body": "8MiB"}}
    return config


def test_another_attempt_begins_from_the_first_byte(launch, mock):
    running = launch(pool_of_two(mock))
    mock.plan(status=503, answer_after=1000)
    body = MODEL + file_part() + END
    upload = Upload(running, len(body)).send(body[:50_000])
    second = mock.wait_begun(2)
    answer = upload.send(body[50_000:]).read()
    assert answer.status == 200
    assert second.body == as_sent_on(body, "up-b")
    record = running.record(answer.headers["x-request-id"])
    assert [a["status"] for a in record["attempts"]] == [503, 200]


def test_no_other_attempt_once_bytes_are_gone(launch, mock):
    running = launch(pool_of_two(mock))
    mock.plan(status=503, answer_after=2 * MEBIBYTE)
    body = MODEL + file_part(AUDIO * 32) + END
    upload = Upload(running, len(body)).send(body[:3 * MEBIBYTE])
    assert upload.read().status == 503
    assert len(mock.begun) == 1


def test_stream_may_be_asked_for_behind_the_file(gw, mock):
    event = b'event: image_edit.completed\ndata: {"type":"image_edit.completed","b64_json":"aGVsbG8="}\n\n'
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    mock.plan(raw=(head + chunk(event) + b"0\r\n\r\n").decode(), raw_then="keep")
    body = MODEL + part("image", AUDIO, "a.png") + part("stream", "true") + END
    upload = Upload(gw, len(body), "/v1/images/edits").send(body[:50_000])
    mock.wait_begun()
    answer = upload.send(body[50_000:]).read()
    assert answer.status == 200 and answer.headers["content-type"] == "text/event-stream", answer.body
    assert gw.record(answer.headers["x-request-id"])["stream"] is True


def test_an_unknown_model_is_refused_before_the_file(gw, mock):
    upload = Upload(gw, 5 * MEBIBYTE).send(part("model", "nobody") + file_part()[:1000])
    answer = upload.read()
    assert answer.status == 404 and answer.error()["code"] == "model_not_found"
    assert mock.begun == []


def test_the_built_in_provider_gets_it_whole(gw):
    body = part("model", "echo-test") + file_part() + END
    upload = Upload(gw, len(body)).send(body[:50_000])
    assert upload.send(body[50_000:]).read().status == 200


def test_an_encoded_form_is_kept_whole(gw, mock):
    body = MODEL + file_part() + END
    packed = gzip.compress(body)
    upload = Upload(gw, len(packed), fields=["Content-Encoding: gzip"]).send(packed[:-5])
    time.sleep(0.2)
    assert mock.begun == []
    assert upload.send(packed[-5:]).read().status == 200
    assert mock.wait_call().body == as_sent_on(body)
    upload = Upload(gw, len(packed) - 5, fields=["Content-Encoding: gzip"]).send(packed[:-5])
    assert upload.read().status == 400
