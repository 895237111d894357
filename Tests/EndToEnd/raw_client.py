"""A client over a bare socket: sends any bytes, reads answers strictly, and tells a clean end from a broken one."""

from __future__ import annotations

import json
import re
import socket
import struct
import time

TIMEOUT = 15.0


class Broken(Exception):
    """The answer ended before its framing said so."""


class Response:
    def __init__(self, status: int, fields: list[tuple[str, str]], version: str) -> None:
        self.status = status
        self.version = version
        self.fields = fields
        self.headers = {n.lower(): v for n, v in fields}
        self.body = b""

    def json(self) -> dict:
        return json.loads(self.body)

    def error(self) -> dict:
        return self.json()["error"]


class RawConnection:
    def __init__(self, port: int, timeout: float = TIMEOUT, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.buffer = bytearray()
        self._chunk_left = 0
        self._length_left: int | None = None
        self._framing = "none"

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data: bytes) -> "RawConnection":
        self.socket.sendall(data)
        return self

    def send_tolerant(self, data: bytes) -> None:
        """Sends what the peer still takes: an early refusal may close while we write."""
        try:
            self.socket.sendall(data)
        except (ConnectionError, socket.timeout):
            pass

    def _fill(self) -> bool:
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def _until(self, mark: bytes) -> bytes:
        while (at := self.buffer.find(mark)) < 0:
            if not self._fill():
                raise Broken(f"closed inside a head or chunk line: {bytes(self.buffer[:80])!r}")
        line = bytes(self.buffer[:at])
        del self.buffer[:at + len(mark)]
        return line

    def read_head(self, is_head_request: bool = False) -> Response:
        lines = self._until(b"\r\n\r\n").split(b"\r\n")
        match = re.fullmatch(rb"(HTTP/1\.[01]) ([1-5]\d\d)( [^\r\n]*)?", lines[0])
        assert match, f"status line {lines[0]!r}"
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            assert colon and re.fullmatch(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name), f"field line {line!r}"
            assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value), f"control byte in {line!r}"
            fields.append((name.decode(), value.strip(b" \t").decode("latin-1")))
        answer = Response(int(match.group(2)), fields, match.group(1).decode())
        names = [n.lower() for n, _ in fields]
        assert names.count("content-length") + names.count("transfer-encoding") <= 1, f"ambiguous framing: {fields}"
        if 100 <= answer.status < 200 or answer.status in (204, 304) or is_head_request:
            self._framing = "none"
        elif "transfer-encoding" in names:
            assert answer.headers["transfer-encoding"] == "chunked"
            self._framing, self._chunk_left = "chunked", 0
        elif "content-length" in names:
            self._framing, self._length_left = "length", int(answer.headers["content-length"])
        else:
            self._framing = "close"
        return answer

    def read_piece(self) -> bytes:
        """The next bytes of a body, b"" at its clean end; raises Broken at any other end."""
        if self._framing == "none":
            return b""
        if self._framing == "chunked":
            if self._chunk_left == 0:
                size = int(self._until(b"\r\n").split(b";")[0], 16)
                if size == 0:
                    while self._until(b"\r\n"):
                        pass
                    self._framing = "none"
                    return b""
                self._chunk_left = size
            piece = self._take(self._chunk_left)
            self._chunk_left -= len(piece)
            if self._chunk_left == 0 and self._until(b"\r\n"):
                raise Broken("no CRLF behind a chunk")
            return piece
        if self._framing == "length":
            if not self._length_left:
                return b""
            piece = self._take(self._length_left)
            self._length_left -= len(piece)
            return piece
        if not self.buffer and not self._fill():
            return b""
        return self._take(len(self.buffer))

    def _take(self, most: int) -> bytes:
        if not self.buffer and not self._fill():
            raise Broken("closed inside a body")
        piece = bytes(self.buffer[:most])
        del self.buffer[:most]
        return piece

    def read_body(self) -> bytes:
        parts = []
        while piece := self.read_piece():
            parts.append(piece)
        return b"".join(parts)

    def read(self, is_head_request: bool = False) -> Response:
        """A whole final answer; interim ones are skipped."""
        answer = self.read_head(is_head_request)
        while 100 <= answer.status < 200:
            answer = self.read_head(is_head_request)
        answer.body = self.read_body()
        return answer

    def at_end(self) -> bool:
        """Whether the peer closes without a further byte, within the socket's timeout."""
        return not self.buffer and not self._fill()


class EventStream:
    """Reads server-sent events one by one as they arrive."""

    def __init__(self, connection: RawConnection) -> None:
        self.connection = connection
        self.head = connection.read_head()
        self.raw = bytearray()
        self.events: list[str] = []
        self.ended = False
        self._place = 0

    def next(self) -> str | None:
        """Data of the next event, None at the clean end of the body; raises Broken at any other."""
        while True:
            match = re.compile(rb"\r\n\r\n|\n\n|\r\r").search(self.raw, self._place)
            if match:
                block = bytes(self.raw[self._place:match.start()])
                self._place = match.end()
                lines = re.split(rb"\r\n|\n|\r", block.removeprefix(b"\xef\xbb\xbf"))
                data = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
                if data:
                    self.events.append(b"\n".join(data).decode())
                    return self.events[-1]
                continue
            piece = self.connection.read_piece()
            if not piece:
                self.ended = True
                return None
            self.raw += piece

    def rest(self) -> list[str]:
        got = []
        while (event := self.next()) is not None:
            got.append(event)
        return got

    def drain(self) -> str:
        """Reads to the end: "clean" or "broken"."""
        try:
            self.rest()
            return "clean"
        except (Broken, ConnectionError):
            return "broken"


def request(method: str, target: str, key: str | None, body: bytes | dict | None = None, host: str = "127.0.0.1",
            fields: list[str] | None = None) -> bytes:
    """The bytes of one well-formed HTTP/1.1 request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    payload = b""
    if body is not None:
        payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    lines += fields or []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def call(port: int, method: str, target: str, key: str | None, body: bytes | dict | None = None,
         fields: list[str] | None = None, timeout: float = TIMEOUT) -> Response:
    with RawConnection(port, timeout) as connection:
        connection.send(request(method, target, key, body, fields=fields))
        return connection.read(method == "HEAD")


def poll(check, timeout: float, what: str, every: float = 0.02):
    """Asks until the answer is truthy; the bound is a guard against hanging, not a measurement."""
    limit = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > limit:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(every)
