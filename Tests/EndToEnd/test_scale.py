"""Many idle connections and open streams at once; memory and descriptors return to the base line (done-when 8).

`PENSTOCK_SCALE=1` asks for 10,000 and 2,000; without it 500 and 200. The bounds per connection are those of DESIGN 4,
and are asked only at full size, where they are not drowned in the noise of an allocator.
"""

from __future__ import annotations

import os
import resource
import selectors
import socket
import time

import pytest

import gateway
from gateway import KEY, chat_body
from raw_client import poll, request

FULL = os.environ.get("PENSTOCK_SCALE") == "1"
IDLE, STREAMS = (10_000, 2_000) if FULL else (500, 200)
IDLE_BYTES_MAX = 8 << 10
STREAM_BYTES_MAX = 24 << 10
RETURN_SECONDS_MAX = 60.0


def open_many(port: int, count: int) -> list[socket.socket]:
    opened = []
    for number in range(count):
        one = socket.socket()
        # Other source addresses of loopback, so that the ephemeral ports of one do not run out.
        one.bind((f"127.0.0.{2 + number % 4}", 0))
        one.settimeout(30)
        one.connect(("127.0.0.1", port))
        opened.append(one)
    return opened


def read_until(sockets: list[socket.socket], mark: bytes, timeout: float) -> int:
    """How many of them received `mark` within the time."""
    selector = selectors.DefaultSelector()
    seen = {}
    for one in sockets:
        one.setblocking(False)
        selector.register(one, selectors.EVENT_READ)
        seen[one] = b""
    done = 0
    limit = time.monotonic() + timeout
    while done < len(sockets) and time.monotonic() < limit:
        for key, _ in selector.select(1):
            try:
                data = key.fileobj.recv(1 << 16)
            except BlockingIOError:
                continue
            seen[key.fileobj] = (seen[key.fileobj] + data)[-4096:]
            if mark in seen[key.fileobj]:
                done += 1
                selector.unregister(key.fileobj)
            elif not data:
                selector.unregister(key.fileobj)
    selector.close()
    return done


@pytest.mark.timeout(900)
def test_idle_connections_and_open_streams(launch, mock):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = IDLE + 3 * STREAMS + 500  # this process holds both ends of the streams: client and mock
    assert hard >= needed, f"descriptors: {hard} allowed, {needed} needed"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    config = gateway.standard(mock.base)
    config["server"] = {"limits": {"max_connections": IDLE + STREAMS + 1000, "idle_timeout": "1h"}}
    config["providers"]["oai"]["max_connections"] = STREAMS + 100
    running = launch(config)

    # Warm up, so that the base line has everything that stays.
    for _ in range(50):
        assert running.chat().status == 200
        assert running.chat_stream().drain() == "clean"
    mock.reset()
    base_memory, base_descriptors = running.rss_bytes(), running.descriptors()

    idle = open_many(running.port, IDLE)
    for one in idle:
        one.sendall(request("GET", "/v1/models", KEY))
    assert read_until(idle, b'"list"', 120) == IDLE
    assert running.descriptors() >= base_descriptors + IDLE - 10  # a few of the warm-up may have gone
    idle_growth = running.rss_bytes() - base_memory

    mock.plan(step=True, times=None, text="word " * 20)
    clients = open_many(running.port, STREAMS)
    before_streams = running.rss_bytes()
    for number, one in enumerate(clients):
        one.sendall(request("POST", "/v1/chat/completions", KEY, chat_body(text=str(number), stream=True)))
    # Calls arrive in an order of their own: the text tells whose client each one is.
    calls = sorted(mock.wait_calls(STREAMS, 120), key=lambda call: int(call.json["messages"][0]["content"]))
    for call in calls:
        call.allow(3)
    assert read_until(clients, b'"content"', 120) == STREAMS
    stream_growth = running.rss_bytes() - before_streams
    print(f"idle: {idle_growth / IDLE:.0f} B each; open streams: {stream_growth / STREAMS:.0f} B each")
    if FULL:
        assert idle_growth / IDLE <= IDLE_BYTES_MAX
        assert stream_growth / STREAMS <= STREAM_BYTES_MAX

    # Somebody new is served all the same.
    assert running.chat("echo-test").status == 200
    assert running.metric("penstock_connections") >= IDLE + STREAMS

    # Half of the streams finish, half of the clients leave; then the idle ones go.
    for call in calls[: STREAMS // 2]:
        call.allow_rest()
    assert read_until(clients[: STREAMS // 2], b"data: [DONE]", 120) == STREAMS // 2
    for one in clients + idle:
        one.close()
    for call in calls[STREAMS // 2 :]:
        call.wait_peer_closed(60)
    for call in calls:
        call.wait_done()

    # Upstream connections may stay pooled until their own idle timeout; closing the provider's side ends them.
    def returned() -> bool:
        mock.close_idle()
        return running.descriptors() <= base_descriptors + 4

    poll(returned, RETURN_SECONDS_MAX, "descriptors return to the base line", every=0.5)
    # What an allocator keeps for its next use is bounded by a fixed part and a share of what was in use.
    kept_max = base_memory * 1.05 + (48 << 20)
    poll(lambda: running.rss_bytes() <= kept_max, RETURN_SECONDS_MAX, "memory returns to the base line", every=0.5)
    assert running.chat().status == 200
    # Doing it again costs nothing new: no leak.
    after_first = running.rss_bytes()
    mock.reset()
    again = open_many(running.port, STREAMS)
    for one in again:
        one.sendall(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
    assert read_until(again, b"data: [DONE]", 120) == STREAMS
    for one in again:
        one.close()
    poll(returned, RETURN_SECONDS_MAX, "descriptors return again", every=0.5)
    poll(lambda: running.rss_bytes() - after_first < 24 << 20, RETURN_SECONDS_MAX, "memory returns again", every=0.5)
    after_second = running.rss_bytes()
    print(f"at rest {base_memory >> 10} KiB; after everybody left {after_first >> 10} KiB, the second time "
          f"{after_second >> 10} KiB")
