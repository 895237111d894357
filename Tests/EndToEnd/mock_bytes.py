"""Byte-level parts of the mock provider: reading requests strictly, writing answers and events, also wrongly."""

from __future__ import annotations

import functools
import gzip
import re
import zlib

from mock_dialects import Event
from mock_plan import Plan

REASONS = {200: "OK", 204: "No Content", 302: "Found", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error",
           502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 529: "Overloaded"}

# Answer heads that are ambiguous or malformed. Each must be 502 for the client, and the connection thrown away.
BAD_FRAMINGS = [
    "two_lengths", "same_length_twice", "length_list", "length_and_chunked", "negative_length", "plus_length",
    "hex_length", "huge_length", "gzip_chunked", "chunked_twice", "bad_status_line", "status_two_digits", "http_09",
    "http_20", "lf_lines", "obs_fold", "space_before_colon", "nul_in_value", "no_colon",
]
# Bodies that break after a well-formed head.
BAD_BODIES = ["short", "bad_chunk_size", "chunk_without_crlf", "huge_chunk_size", "chunk_lf"]

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
HEAD_BYTES_MAX = 256 << 10


class BadRequest(Exception):
    """The peer broke HTTP: the gateway must never send such a thing."""


def parse_head(raw: bytes) -> tuple[str, str, list[tuple[str, str]]]:
    """Method, target and fields of a request head, judged as strictly as DESIGN 8 judges what it gets."""
    lines = raw.split(b"\r\n")
    if any(b"\r" in line or b"\n" in line for line in lines):
        raise BadRequest("bare CR or LF in a head")
    parts = lines[0].split(b" ")
    if len(parts) != 3 or parts[2] != b"HTTP/1.1" or not TOKEN.match(parts[0]) or not parts[1]:
        raise BadRequest(f"request line {lines[0]!r}")
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            raise BadRequest(f"field line {line[:80]!r}")
        if any(b < 32 and b != 9 or b == 127 for b in value):
            raise BadRequest(f"control byte in field {name!r}")
        fields.append((name.decode(), value.strip(b" \t").decode("latin-1")))
    names = [n.lower() for n, _ in fields]
    if names.count("host") != 1:
        raise BadRequest("not exactly one Host")
    if names.count("content-length") + names.count("transfer-encoding") > 1:
        raise BadRequest("more than one framing field")
    return parts[0].decode(), parts[1].decode("latin-1"), fields


def render_event(event: Event, plan: Plan, first: bool) -> bytes:
    """One event in the plan's style of line ends, comments and data lines."""
    end = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}[plan.line_end]
    space = "" if plan.no_space else " "
    lines = []
    if plan.comments:
        lines += [": a comment", ":", f"retry:{space}1500", f"id:{space}7", "unknown: field"]
    if event.name:
        lines.append(f"event:{space}{event.name}")
    data = [event.data]
    if plan.multi_line and event.data.startswith("{"):
        data = ["{", event.data[1:-1], "}"]
    lines += [f"data:{space}{d}" for d in data]
    out = (end.join(lines) + end + end).encode()
    if plan.comments:
        out += (": keep-alive" + end + end).encode()
    return (b"\xef\xbb\xbf" if plan.bom and first else b"") + out


def status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {REASONS.get(status, 'Mock')}".encode()


@functools.cache
def gzip_bomb() -> bytes:
    """A JSON object of some 32 MiB of white space in some 32 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b'{"a":"')] + [packer.compress(b" " * (1 << 20)) for _ in range(32)]
    return b"".join(parts) + packer.flush()


def encode(body: bytes, plan: Plan) -> tuple[bytes, list[tuple[str, str]]]:
    if plan.encoding == "gzip":
        return gzip.compress(body, mtime=0), [("content-encoding", "gzip")]
    if plan.encoding == "deflate":
        return zlib.compress(body), [("content-encoding", "deflate")]
    if plan.encoding == "bomb":
        return gzip_bomb(), [("content-encoding", "gzip")]
    if plan.encoding == "unknown":
        return body, [("content-encoding", "br")]
    if plan.encoding == "broken":
        return gzip.compress(body, mtime=0)[:-9] + b"\x00" * 9, [("content-encoding", "gzip")]
    return body, []


def head(status: int, fields: list[tuple[str, str]]) -> bytes:
    lines = [status_line(status)] + [f"{n}: {v}".encode("latin-1") for n, v in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunks(data: bytes, size: int) -> bytes:
    if not size:
        return chunk(data) if data else b""
    return b"".join(chunk(data[i:i + size]) for i in range(0, len(data), size))


def bad_answer(kind: str, fields: list[tuple[str, str]], body: bytes) -> bytes:
    """A whole answer whose head is wrong as `kind` says; otherwise it would be well-formed."""
    length = [("content-length", str(len(body)))]
    chunked = chunk(body) + b"0\r\n\r\n"
    lengths = {
        "two_lengths": [("content-length", str(len(body))), ("content-length", str(len(body) + 1))],
        "same_length_twice": length * 2,
        "length_list": [("content-length", f"{len(body)}, {len(body)}")],
        "negative_length": [("content-length", "-1")],
        "plus_length": [("content-length", f"+{len(body)}")],
        "hex_length": [("content-length", hex(len(body)))],
        "huge_length": [("content-length", "99999999999999999999999999")],
    }
    if kind in lengths:
        return head(200, fields + lengths[kind]) + body
    if kind == "length_and_chunked":
        return head(200, fields + length + [("transfer-encoding", "chunked")]) + chunked
    if kind == "gzip_chunked":
        return head(200, fields + [("transfer-encoding", "gzip, chunked")]) + chunked
    if kind == "chunked_twice":
        return head(200, fields + [("transfer-encoding", "chunked")] * 2) + chunked
    good = head(200, fields + length) + body
    start = status_line(200)
    if kind == "bad_status_line":
        return good.replace(start, b"HTTP/1.1 OK 200", 1)
    if kind == "status_two_digits":
        return good.replace(start, b"HTTP/1.1 20 OK", 1)
    if kind == "http_09":
        return body
    if kind == "http_20":
        return good.replace(b"HTTP/1.1", b"HTTP/2.0", 1)
    if kind == "lf_lines":
        return head(200, fields + length).replace(b"\r\n", b"\n") + body
    extra = {"obs_fold": b"x-folded: one\r\n two\r\n", "space_before_colon": b"x-space : one\r\n",
             "nul_in_value": b"x-nul: a\x00b\r\n", "no_colon": b"x-no-colon\r\n"}[kind]
    return good.replace(start + b"\r\n", start + b"\r\n" + extra, 1)


def bad_body(kind: str, fields: list[tuple[str, str]], body: bytes) -> bytes:
    """An answer with a good head and a body that breaks; the connection is closed behind it."""
    if kind == "short":
        return head(200, fields + [("content-length", str(len(body) + 10))]) + body
    begin = head(200, fields + [("transfer-encoding", "chunked")]) + chunk(body[:5])
    rest = body[5:]
    if kind == "bad_chunk_size":
        return begin + b"zz\r\n" + rest + b"\r\n0\r\n\r\n"
    if kind == "chunk_without_crlf":
        return begin + b"%x\r\n%sXX0\r\n\r\n" % (len(rest), rest)
    if kind == "huge_chunk_size":
        return begin + b"ffffffffffffffffff\r\n" + rest
    if kind == "chunk_lf":
        return begin + b"%x\n%s\n0\n\n" % (len(rest), rest)
    raise ValueError(kind)
