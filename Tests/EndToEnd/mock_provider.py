"""A mock model provider that speaks OpenAI, Anthropic and Gemini over raw sockets and injects faults at byte level.

In a test it runs in a thread (`MockProvider()` as a context manager); plans are given and calls are read in process.
`POST /__mock__/plans` and `GET /__mock__/calls` do the same over HTTP, and `python mock_provider.py PORT` stands alone.
The record of calls is the truth against which the gateway's own records are compared.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections import deque

import mock_bytes
import mock_dialects
from mock_bytes import BAD_BODIES, BAD_FRAMINGS, BadRequest
from mock_call import Call
from mock_dialects import Answer
from mock_plan import Plan

HANG_SECONDS_MAX = 60.0
WRITE_BYTES_MAX = 1 << 16
POISON = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"poison": true}'


class _PeerLeft(Exception):
    pass


class _Connection:
    def __init__(self, mock: "MockProvider", number: int, reader: asyncio.StreamReader,
                 writer: asyncio.StreamWriter) -> None:
        self.mock = mock
        self.number = number
        self.reader = reader
        self.writer = writer
        self.buffer = bytearray()
        self.arrived = asyncio.Event()
        self.closed = asyncio.Event()
        self.call: Call | None = None
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        pump = asyncio.create_task(self._pump())
        count = 0
        try:
            while not self.mock.stopping:
                call = await self._read_request(count)
                if call is None:
                    break
                count += 1
                keep = False
                try:
                    keep = await self._answer(call)
                    call.outcome = "complete" if call.outcome == "running" else call.outcome
                except (_PeerLeft, ConnectionError, OSError):
                    call.outcome = "peer_left"
                    self._note_closed()
                call.done.set()
                self.call = None if keep else call
                if not keep:
                    break
        except BadRequest as fault:
            self.mock.violations.append(str(fault))
        except (ConnectionError, OSError):
            pass
        finally:
            self._close()
            if self.call is not None and not self.closed.is_set():
                try:
                    await asyncio.wait_for(self.closed.wait(), 5)
                except asyncio.TimeoutError:
                    pass
            pump.cancel()
            self.mock.connections.discard(self)

    def _close(self) -> None:
        try:
            self.writer.close()
        except (ConnectionError, OSError, RuntimeError):
            pass

    async def _pump(self) -> None:
        """Reads always, so that the moment at which the peer closes is known even while an answer is being sent."""
        while True:
            while self.mock.reading_stopped and not self.mock.stopping:
                await asyncio.sleep(0.01)
            try:
                data = await self.reader.read(1 << 16)
            except (ConnectionError, OSError, ssl.SSLError):
                data = b""
            if not data:
                self._note_closed()
                return
            if self.mock.reading_paused:
                await asyncio.sleep(0.005)
            self.buffer += data
            if self.call is not None:
                self.call.note_arrival(data)
            self.arrived.set()

    def _note_closed(self) -> None:
        self.closed.set()
        self.arrived.set()
        if self.call is not None and self.call.peer_closed_at is None:
            self.call.peer_closed_at = time.monotonic()
            self.call.peer_closed.set()

    # ------------------------------------------------------------ reading

    async def _more(self) -> bool:
        """Waits for further bytes; False once the peer has closed and nothing is left."""
        if self.closed.is_set():
            return False
        self.arrived.clear()
        await self.arrived.wait()
        return True

    async def _until(self, mark: bytes, limit: int) -> bytes:
        while (at := self.buffer.find(mark)) < 0:
            if len(self.buffer) > limit:
                raise BadRequest("head or chunk line too long")
            before = len(self.buffer)
            if not await self._more() and len(self.buffer) == before:
                raise ConnectionResetError
        line = bytes(self.buffer[:at])
        del self.buffer[:at + len(mark)]
        return line

    async def _exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            before = len(self.buffer)
            if not await self._more() and len(self.buffer) == before:
                raise ConnectionResetError
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def _read_request(self, count: int) -> Call | None:
        try:
            raw = await self._until(b"\r\n\r\n", mock_bytes.HEAD_BYTES_MAX)
        except ConnectionResetError:
            return None
        method, target, fields = mock_bytes.parse_head(raw)
        call = Call(self.mock.next_number(), self.number, count, method, target, fields, asyncio.get_running_loop())
        call.note_arrival(bytes(self.buffer))
        self.call = call
        self.mock.note_head(call)
        try:
            if call.headers.get("expect", "").lower() == "100-continue":
                self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            early = self.mock.early_plan()
            if early is not None:
                while len(self.buffer) < early.answer_after:
                    if not await self._more():
                        raise ConnectionResetError
                return call
            call.body = await self._read_body(call)
        except ConnectionResetError:
            call.outcome = "peer_left"
            self._note_closed()
            self.mock.note_broken(call)
            return None
        if self.buffer and not self.mock.allow_pipelining:
            raise BadRequest(f"bytes behind a request: {bytes(self.buffer[:60])!r}")
        call.family = mock_dialects.family_of(self._path(call)[0], call.headers)
        if "json" in call.headers.get("content-type", "") and call.body:
            try:
                call.json = json.loads(call.body)
            except ValueError:
                self.mock.violations.append(f"body is no JSON: {call.body[:80]!r}")
        path, deployment = self._path(call)
        call.model = deployment or mock_dialects.model_of(path, call.body, call.json)
        return call

    async def _read_body(self, call: Call) -> bytes:
        if "transfer-encoding" not in call.headers:
            length = call.headers.get("content-length", "0")
            if not length.isdigit():
                raise BadRequest(f"length {length!r}")
            return await self._exactly(int(length))
        if call.headers["transfer-encoding"].lower() != "chunked":
            raise BadRequest("transfer coding")
        body = bytearray()
        while True:
            size = await self._until(b"\r\n", 1024)
            if not size or any(c not in b"0123456789abcdefABCDEF" for c in size):
                raise BadRequest(f"chunk line {size!r}: extensions are to be dropped")
            data = await self._exactly(int(size, 16))
            if await self._exactly(2) != b"\r\n":
                raise BadRequest("chunk without CRLF (trailers are to be dropped)")
            if not data:
                return bytes(body)
            body += data

    @staticmethod
    def _path(call: Call) -> tuple[str, str | None]:
        """The path in OpenAI's own form, and Azure's deployment if that is how it was called."""
        parts = call.path.split("/")
        if call.path.startswith("/openai/v1/"):
            return call.path.removeprefix("/openai"), None
        if call.path.startswith("/openai/deployments/") and len(parts) > 4:
            return "/v1/" + "/".join(parts[4:]), parts[3]
        return call.path, None

    # ------------------------------------------------------------ answering

    async def _answer(self, call: Call) -> bool:
        if call.path.startswith("/__mock__/"):
            return await self._control(call)
        plan = call.plan = self.mock.choose_plan(call)
        self.mock.note_call(call)
        if plan.hang:
            await self._wait_closed(HANG_SECONDS_MAX)
            raise _PeerLeft
        if plan.reset_before_head:
            return self._reset(call)
        if plan.close_before_head:
            return self._fault(call)
        await self._pause(plan.head_delay)
        for status in plan.informational:
            await self._send(call, mock_bytes.status_line(status) + b"\r\nx-early: hint\r\n\r\n")
        if plan.raw is not None:
            await self._send(call, plan.raw.encode("latin-1"))
            if plan.raw_then == "wait":
                await self._wait_closed(HANG_SECONDS_MAX)
            return plan.raw_then == "keep"
        answer = mock_dialects.answer(call.method, *self._route(call), plan)
        fields = self._fields(call, answer)
        if plan.answer_after is not None:
            if plan.connection == "silent_close":
                # A close with bytes that nobody has read is a reset right behind the answer.
                self.writer.transport.pause_reading()
                await asyncio.sleep(0.3)
                await self._whole(call, answer, fields)
                return False
            await self._whole(call, answer, fields)
            await self._wait_closed(5)
            return False
        if answer.events is not None:
            return await self._stream(call, answer, fields)
        return await self._whole(call, answer, fields)

    def _route(self, call: Call) -> tuple:
        path, deployment = self._path(call)
        value = call.json
        if deployment and isinstance(value, dict):
            value = dict(value, model=deployment)
        return path, call.query, call.family, call.model, value

    def _fields(self, call: Call, answer: Answer) -> list[tuple[str, str]]:
        plan = call.plan
        fields = [("date", "Fri, 21 Nov 2025 12:00:00 GMT"), ("server", "mock")]
        content_type = plan.content_type or answer.content_type
        if content_type:
            fields.append(("content-type", content_type))
        if plan.retry_after is not None:
            fields.append(("retry-after", plan.retry_after))
        fields += [(n, v) for n, v in plan.headers]
        fields += [(f"x-bulk-{i}", "v") for i in range(plan.header_count)]
        if plan.connection == "announce_close":
            fields.append(("connection", "close"))
        return fields

    async def _whole(self, call: Call, answer: Answer, fields: list[tuple[str, str]]) -> bool:
        plan = call.plan
        body, encoding = mock_bytes.encode(answer.body or b"", plan)
        fields += encoding
        if plan.framing in BAD_FRAMINGS:
            await self._send(call, mock_bytes.bad_answer(plan.framing, fields, body))
            await self._wait_closed(0.2)
            return self._fault(call)
        if plan.framing in BAD_BODIES:
            await self._send(call, mock_bytes.bad_body(plan.framing, fields, body))
            if plan.framing != "short":
                await self._wait_closed(0.2)
            return self._fault(call)
        status = answer.status
        if call.method == "HEAD" or status in (204, 304):
            await self._send(call, mock_bytes.head(status, fields))
        elif plan.framing == "chunked":
            await self._send(call, mock_bytes.head(status, fields + [("transfer-encoding", "chunked")]))
            await self._send(call, mock_bytes.chunks(body, plan.chunk_bytes) + b"0\r\n\r\n")
        elif plan.framing == "close":
            await self._send(call, mock_bytes.head(status, fields) + body)
            return False
        else:
            await self._send(call, mock_bytes.head(status, fields + [("content-length", str(len(body)))]) + body)
            if plan.framing == "surplus":
                await self._send(call, POISON)
        return self._keeps(plan)

    @staticmethod
    def _keeps(plan: Plan) -> bool:
        return plan.connection == "keep"

    async def _stream(self, call: Call, answer: Answer, fields: list[tuple[str, str]]) -> bool:
        plan = call.plan
        if plan.framing in BAD_FRAMINGS:
            await self._send(call, mock_bytes.bad_answer(plan.framing, fields, b"data: [DONE]\n\n"))
            await self._wait_closed(0.2)
            return self._fault(call)
        chunked = plan.framing != "close"
        fields.append(("cache-control", "no-cache"))
        if chunked:
            fields.append(("transfer-encoding", "chunked"))
        await self._send(call, mock_bytes.head(answer.status, fields))
        await self._pause(plan.first_delay)
        events = iter([self._error_event(call)]) if plan.error_event_only else iter(answer.events or ())
        for event in events:
            if (stop := await self._break_here(call)) is not None:
                return stop
            if plan.error_event_at == call.events_sent:
                await self._event(call, self._error_event(call), chunked)
                break
            if plan.malformed_at == call.events_sent:
                event.data = event.data[:len(event.data) // 2] + "\\q{"
            if plan.step:
                await self._race(call.permit(), HANG_SECONDS_MAX)
            elif call.events_sent:
                await self._pause(plan.event_delay)
            await self._event(call, event, chunked)
        if (stop := await self._break_here(call)) is not None:
            return stop
        if chunked:
            await self._send(call, b"0\r\n\r\n")
        return chunked and self._keeps(plan)

    async def _break_here(self, call: Call) -> bool | None:
        plan, sent = call.plan, call.events_sent
        if plan.reset_after == sent:
            return self._reset(call)
        if plan.fin_after == sent:
            return self._fault(call)
        if plan.fin_inside_chunk_after == sent:
            await self._send(call, b'40\r\ndata: {"choices":[{"index":0,"del')
            return self._fault(call)
        if plan.stall_after == sent:
            await self._wait_closed(HANG_SECONDS_MAX)
            raise _PeerLeft
        return None

    def _error_event(self, call: Call) -> mock_dialects.Event:
        value = mock_dialects.error_object(call.family, 529 if call.family == "anthropic" else 500,
                                           call.plan.error_message)
        if call.path.endswith("/responses"):
            value = {"type": "error", "code": "server_error", "message": call.plan.error_message, "param": None,
                     "sequence_number": call.events_sent}
        named = call.family == "anthropic" or call.path.endswith("/responses")
        return mock_dialects.Event(mock_dialects.dump(value), "error" if named else None)

    async def _event(self, call: Call, event: mock_dialects.Event, chunked: bool) -> None:
        data = mock_bytes.render_event(event, call.plan, call.events_sent == 0)
        await self._send(call, mock_bytes.chunks(data, call.plan.chunk_bytes) if chunked else data)
        call.events_sent += 1

    async def _send(self, call: Call, data: bytes) -> None:
        if self.closed.is_set():
            raise _PeerLeft
        step = call.plan.chop or min(len(data), WRITE_BYTES_MAX) or 1
        for start in range(0, len(data), step):
            piece = data if step >= len(data) else data[start:start + step]
            self.writer.write(piece)
            await asyncio.sleep(0)
            if self.closed.is_set():
                raise _PeerLeft
            if self.writer.transport.get_write_buffer_size():
                await self._race(self.writer.drain(), HANG_SECONDS_MAX)
            call.bytes_sent += len(piece)

    async def _race(self, work, timeout: float) -> None:
        """Waits for the work, or raises when the peer leaves first or the time is over."""
        task = asyncio.ensure_future(work)
        if task.done() or (await asyncio.wait({task}, timeout=0))[0]:
            task.result()
            return
        leaving = asyncio.ensure_future(self.closed.wait())
        try:
            done, _ = await asyncio.wait({task, leaving}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if task not in done:
                raise _PeerLeft
            task.result()
        finally:
            for waiting in (task, leaving):
                waiting.cancel()

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._wait_closed(seconds)
            if self.closed.is_set():
                raise _PeerLeft

    async def _wait_closed(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.closed.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    def _reset(self, call: Call) -> bool:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        return self._fault(call)

    @staticmethod
    def _fault(call: Call) -> bool:
        call.outcome = "fault"
        return False

    async def _control(self, call: Call) -> bool:
        result: object = {"ok": True}
        try:
            given = json.loads(call.body) if call.body else {}
            if call.method == "POST" and call.path == "/__mock__/plans":
                plan = Plan.of(given.get("plan", {}))
                self.mock.plan(plan, times=given.get("times", 1), model=given.get("model"))
            elif call.method == "POST" and call.path == "/__mock__/reset":
                self.mock.reset()
            elif call.path == "/__mock__/calls":
                result = [c.as_json() for c in self.mock.calls]
            status = 200
        except (ValueError, TypeError) as problem:
            status, result = 400, {"error": str(problem)}
        body = json.dumps(result).encode()
        fields = [("content-type", "application/json"), ("content-length", str(len(body)))]
        await self._send(call, mock_bytes.head(status, fields) + body)
        return True


class MockProvider:
    """The server in its own thread. `base` is its origin; OpenAI SDKs take `base + "/v1"`."""

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.calls: list[Call] = []
        self.heads = 0
        self.begun: list[Call] = []  # every call whose head came
        self.broken: list[Call] = []  # calls whose request body never came whole
        self.violations: list[str] = []  # breaches of HTTP by the peer
        self.connections: set[_Connection] = set()
        self.accepted = 0
        self.stopping = False
        self.reading_paused = False  # reads slowly
        self.reading_stopped = False
        self.allow_pipelining = False
        self._queue: deque[tuple[Plan, str | None]] = deque()
        self._standing: dict[str | None, Plan] = {}
        self._changed = threading.Condition()
        self._number = 0
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._port = port
        self._thread = threading.Thread(target=self._run, name="mock-provider", daemon=True)

    # ------------------------------------------------------------ life

    def __enter__(self) -> "MockProvider":
        self._thread.start()
        assert self._ready.wait(10), "the mock provider did not start"
        return self

    def __exit__(self, *_) -> None:
        self.stopping = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda *_: None)
        server = self._loop.run_until_complete(asyncio.start_server(
            self._accept, "127.0.0.1", self._port, ssl=self._tls, limit=1 << 20, backlog=4096))
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        connection = _Connection(self, self.accepted, reader, writer)
        self.connections.add(connection)
        await connection.run()

    @property
    def port(self) -> int:
        return self._port

    @property
    def base(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    # ------------------------------------------------------------ plans and records

    def plan(self, plan: Plan | None = None, times: int | None = 1, model: str | None = None, **values) -> None:
        """The next `times` calls (of that upstream model) get this plan; `times=None`: all further ones."""
        made = plan or Plan.of(values)
        with self._changed:
            if times is None:
                self._standing[model] = made
            else:
                self._queue.extend([(made, model)] * times)

    def reset(self) -> None:
        with self._changed:
            self._queue.clear()
            self._standing.clear()
            self.calls = []
            self.heads = 0
            self.begun = []
            self.broken = []
            self.violations = []

    def early_plan(self) -> Plan | None:
        """The next plan, if it answers before it has read the request; it is chosen without a look at the model."""
        with self._changed:
            plan = self._queue[0][0] if self._queue else None
            return plan if plan is not None and plan.answer_after is not None else None

    def choose_plan(self, call: Call) -> Plan:
        with self._changed:
            for position, (plan, model) in enumerate(self._queue):
                if model is None or model == call.model:
                    del self._queue[position]
                    return plan
            return self._standing.get(call.model) or self._standing.get(None) or Plan()

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def note_head(self, call: Call) -> None:
        with self._changed:
            self.heads += 0 if call.path.startswith("/__mock__/") else 1
            self.begun.append(call)
            self._changed.notify_all()

    def note_call(self, call: Call) -> None:
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()

    def note_broken(self, call: Call) -> None:
        with self._changed:
            self.broken.append(call)
            self._changed.notify_all()

    def wait_calls(self, count: int, timeout: float = 20) -> list[Call]:
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self.calls) >= count, timeout)
            assert reached, f"{len(self.calls)} of {count} calls reached the mock provider"
            return list(self.calls)

    def wait_begun(self, count: int = 1, timeout: float = 20) -> Call:
        """The call with that number of heads, whose body may still be coming."""
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self.begun) >= count, timeout)
            assert reached, f"{len(self.begun)} of {count} heads reached the mock provider"
            return self.begun[count - 1]

    def wait_call(self, timeout: float = 20) -> Call:
        return self.wait_calls(1, timeout)[-1]

    def close_idle(self) -> None:
        """Closes every connection that has no running call: what a provider's idle timeout does."""
        def close() -> None:
            for connection in list(self.connections):
                if connection.call is None:
                    connection._close()

        self._loop.call_soon_threadsafe(close)


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with MockProvider(port=port) as mock:
        print(mock.base, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
