"""The record of one request that the mock provider accepted."""

from __future__ import annotations

import asyncio
import threading
import time

from mock_plan import Plan


class Call:
    """One request that the mock accepted, whole."""

    def __init__(self, number: int, connection: int, on_connection: int, method: str, target: str,
                 fields: list[tuple[str, str]], loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        self.connection = connection
        self.on_connection = on_connection
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.fields = fields
        self.headers = {n.lower(): v for n, v in fields}
        self.body = b""
        self.so_far = bytearray()  # the first bytes that came behind the head, framing included
        self.bytes_arrived = 0
        self.json: object = None
        self.model: str | None = None
        self.family = "openai"
        self.plan = Plan()
        self.arrived_at = time.monotonic()
        self.events_sent = 0
        self.bytes_sent = 0
        self.outcome = "running"  # running | complete | peer_left | fault
        self.peer_closed_at: float | None = None
        self.peer_closed = threading.Event()
        self.done = threading.Event()
        self._loop = loop
        self._gate = asyncio.Semaphore(0)
        self._is_open = False

    def note_arrival(self, data: bytes) -> None:
        self.bytes_arrived += len(data)
        self.so_far += data[:max(0, (1 << 20) - len(self.so_far))]

    def allow(self, events: int = 1) -> None:
        """Lets the mock send so many further events of a plan with `step`."""
        def release() -> None:
            for _ in range(events):
                self._gate.release()

        self._loop.call_soon_threadsafe(release)

    async def permit(self) -> None:
        if not self._is_open:
            await self._gate.acquire()

    def allow_rest(self) -> None:
        """Lets it send all that is left. One step of the mock's loop, so that thousands of calls may be let go."""
        def open_gate() -> None:
            self._is_open = True
            self._gate.release()  # the one event that may be waiting

        self._loop.call_soon_threadsafe(open_gate)

    def wait_peer_closed(self, timeout: float) -> float:
        assert self.peer_closed.wait(timeout), f"the upstream connection of call {self.number} stayed open"
        assert self.peer_closed_at is not None
        return self.peer_closed_at

    def wait_done(self, timeout: float = 20) -> "Call":
        assert self.done.wait(timeout), f"call {self.number} did not end"
        return self

    def as_json(self) -> dict:
        return {"number": self.number, "connection": self.connection, "on_connection": self.on_connection,
                "method": self.method, "target": self.target, "fields": self.fields,
                "body": self.body.decode("latin-1"), "events_sent": self.events_sent, "outcome": self.outcome,
                "bytes_sent": self.bytes_sent, "peer_closed": self.peer_closed.is_set()}
