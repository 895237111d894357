"""The built-in echo provider as a backend like any other, with its fault switches."""

from __future__ import annotations

import json
import time

import pytest

import gateway
from gateway import chat_body, message_body
from raw_client import Broken, EventStream, request


def faulty(mock, **faults) -> dict:
    config = gateway.standard(mock.base)
    config["providers"]["faulty"] = {"type": "echo", "faults": faults}
    config["models"]["faulty"] = {"use": "faulty/m"}
    config["models"]["chain"] = {"use": ["faulty/m", "echo/m"], "policy": "fallback"}
    return config


def test_no_account_is_needed(launch):
    # The first request works without any provider in the file.
    running = launch({"version": 1, "models": {"hi": {"use": "echo/hi"}},
                      "keys": [{"name": "dev", "secret": gateway.KEY}]})
    assert running.chat("hi", text="hello there").json()["choices"][0]["message"]["content"] == "hello there"


def test_answers_say_when_the_request_came(launch, mock):
    running = launch()
    before = int(time.time())
    times = [running.chat("echo-test").json()["created"]]
    times.append(running.call("POST", "/v1/responses", {"model": "echo-test", "input": "hi"}).json()["created_at"])
    stream = running.chat_stream("echo-test")
    times += [json.loads(event)["created"] for event in stream.rest() if event != "[DONE]"]
    assert all(before <= one <= int(time.time()) for one in times)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_status(launch, mock, status):
    running = launch(faulty(mock, status=status, retry_after=7))
    answer = running.chat("faulty")
    assert answer.status == status and answer.error()["message"]
    if status != 500:
        assert answer.headers["retry-after"] == "7"
    assert running.chat("chain").status == 200


def test_reset(launch, mock):
    running = launch(faulty(mock, reset_after=3))
    stream = running.chat_stream("faulty", text="one two three four five six")
    try:
        # Events without a pause between them break off before the first one reached the client: then it is an error.
        stream.rest()
        ended = stream.head.status == 502 or "error" in stream.events[-1]
    except Broken:
        ended = True
    assert ended and "[DONE]" not in stream.events


def test_reset_before_the_head(launch, mock):
    running = launch(faulty(mock, reset_after=0))
    assert running.chat("faulty", stream=True).status == 502
    assert running.chat("chain").status == 200


def test_no_usage(launch, mock):
    running = launch(faulty(mock, no_usage=True))
    answer = running.chat("faulty")
    record = running.record(answer.headers["x-request-id"])
    assert gateway.usage_source(record) == "estimated" and gateway.units(record)["output"] > 0


def test_delays_hold_up_nobody_else(launch, mock):
    running = launch(faulty(mock, delay="5s"))
    waiting = running.connect()
    waiting.send(request("POST", "/v1/messages", gateway.KEY, message_body("faulty", stream=True)))
    for _ in range(20):
        assert running.call("POST", "/v1/chat/completions", chat_body("echo-test")).status == 200
    assert EventStream(waiting).drain() == "clean"
