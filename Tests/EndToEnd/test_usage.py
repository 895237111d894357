"""One record per exchange, disjoint units, the right source, and nothing for a client that got nothing (section M)."""

from __future__ import annotations

import pytest

import gateway
from gateway import KEY, chat_body, gemini_body, message_body, units
from raw_client import EventStream, RawConnection, request

FACTS = {"input": 120, "cache_read": 50, "output": 70, "reasoning": 40}
ANTHROPIC_FACTS = {**FACTS, "cache_write_5m": 30, "cache_write_1h": 20}
POSTS = {
    "chat": ("/v1/chat/completions", chat_body(), "/v1/chat/completions", chat_body(stream=True)),
    "completions": ("/v1/completions", {"model": "gpt-test", "prompt": "x"}, "/v1/completions",
                    {"model": "gpt-test", "prompt": "x", "stream": True}),
    "responses": ("/v1/responses", {"model": "gpt-test", "input": "x"}, "/v1/responses",
                  {"model": "gpt-test", "input": "x", "stream": True}),
    "messages": ("/v1/messages", message_body(), "/v1/messages", message_body(stream=True)),
    "gemini": ("/v1beta/models/gemini-test:generateContent", gemini_body(),
               "/v1beta/models/gemini-test:streamGenerateContent?alt=sse", gemini_body()),
}
NONE = {name: 0 for name in units({})}


def plan_for(kind: str) -> dict:
    return ANTHROPIC_FACTS if kind == "messages" else FACTS


def expected(kind: str) -> dict[str, int]:
    if kind == "messages":
        # Exclusive input; reasoning is not reported apart from output.
        return NONE | {"input": 120, "cache_read": 50, "cache_write_5m": 30, "cache_write_1h": 20, "output": 110}
    return NONE | FACTS


def run(running, kind: str, streams: bool):
    target, body = POSTS[kind][2:] if streams else POSTS[kind][:2]
    answer = running.call("POST", target, body)
    return answer, running.record(answer.headers["x-request-id"])


@pytest.mark.parametrize("kind", POSTS)
@pytest.mark.parametrize("streams", [False, True])
def test_units_are_disjoint(gw, mock, kind, streams):
    # M-6, M-7, M-9, M-14.
    mock.plan(facts=plan_for(kind))
    answer, record = run(gw, kind, streams)
    assert answer.status == 200
    assert units(record) == expected(kind) and gateway.usage_source(record) == "provider"
    assert (record["key"], record["status"], record["outcome"]) == ("dev", 200, "completed")
    assert record["stream"] is streams and record["model"].endswith("-test")
    assert len(record["attempts"]) == 1 and record["attempts"][0]["status"] == 200


@pytest.mark.parametrize("kind", POSTS)
@pytest.mark.parametrize("style", [{"chop": 1}, {"chunk_bytes": 1}, {"line_end": "crlf", "no_space": True},
                                   {"line_end": "cr"}, {"multi_line": True}, {"comments": True, "bom": True}], ids=str)
def test_usage_is_read_however_it_is_cut(gw, mock, kind, style):
    # M-11.
    mock.plan(facts=plan_for(kind), **style)
    _, record = run(gw, kind, True)
    assert units(record) == expected(kind)


@pytest.mark.parametrize("kind", POSTS)
@pytest.mark.parametrize("variant", ["missing", "negative", "string", "huge", "null"])
@pytest.mark.parametrize("streams", [False, True])
def test_odd_usage(gw, mock, kind, variant, streams):
    # Matrix 22.
    mock.plan(usage=variant, facts=plan_for(kind))
    answer, record = run(gw, kind, streams)
    assert answer.status == 200 and record["outcome"] == "completed"
    assert all(isinstance(v, int) and v >= 0 for v in units(record).values())
    if variant in ("missing", "null", "negative", "string"):
        assert gateway.usage_source(record) == "estimated"
        assert units(record)["output"] > 0 and units(record)["input"] > 0
    gw.assert_alive()


@pytest.mark.parametrize("kind", ["chat", "messages"])
def test_usage_that_comes_twice_is_counted_once(gw, mock, kind):
    # M-10, M-12.
    mock.plan(usage="twice", facts=plan_for(kind))
    _, record = run(gw, kind, True)
    assert units(record) == expected(kind)


@pytest.mark.parametrize("kind", POSTS)
def test_an_explicit_zero_is_a_value(gw, mock, kind):
    # M-2.
    mock.plan(usage="zero")
    _, record = run(gw, kind, False)
    assert sum(units(record).values()) == 0 and gateway.usage_source(record) in ("provider", "none")


@pytest.mark.parametrize("kind", POSTS)
@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 400}, {"status": 429}, {"reset_before_head": True},
                                   {"framing": "two_lengths"}], ids=str)
def test_a_failure_costs_nothing(gw, mock, kind, fault):
    # M-5: the text of an error is not output.
    mock.plan(times=None, **fault)
    answer, record = run(gw, kind, False)
    assert answer.status >= 400 and record["outcome"] == "failed"
    assert units(record) == NONE and gateway.usage_source(record) == "none"


def leave(running, mock, kind: str, permits: int, reads: int) -> dict:
    target, body = POSTS[kind][2:]
    mock.plan(step=True, facts=plan_for(kind), text="one two three four five six seven eight nine ten " * 20)
    known = len(running.records())
    connection = RawConnection(running.port).send(request("POST", target, KEY, body))
    call = mock.wait_call()
    call.allow(permits)
    if reads:
        stream = EventStream(connection)
        for _ in range(reads):
            assert stream.next() is not None
    connection.close()
    call.wait_peer_closed(10)
    return running.wait_records(known + 1)[-1]


PRELUDE = {"chat": 1, "completions": 0, "responses": 4, "messages": 3, "gemini": 0}


@pytest.mark.parametrize("kind", POSTS)
def test_a_client_that_left_pays_for_what_it_got(gw, mock, kind):
    # M-1, M-4, M-15: neither nothing nor the whole, and never the placeholder of the first event.
    count = PRELUDE[kind] + 60
    record = leave(gw, mock, kind, count, count)
    assert record["outcome"] == "client_left" and record["status"] in (200, 499)
    used = units(record)
    assert used["input"] > 0 and 20 <= used["output"] + used["reasoning"] <= 200
    assert gateway.usage_source(record) == "estimated" or kind == "gemini"


@pytest.mark.parametrize("kind", POSTS)
def test_a_client_that_left_before_any_content_pays_nothing(gw, mock, kind):
    # M-5.
    record = leave(gw, mock, kind, PRELUDE[kind], 0)
    assert record["outcome"] == "client_left" and units(record) == NONE


def test_reported_input_is_kept_when_the_client_leaves(gw, mock):
    # Anthropic reports input in its first event, so it need not be estimated.
    record = leave(gw, mock, "messages", 20, 20)
    used = units(record)
    assert (used["input"], used["cache_read"], used["cache_write_5m"], used["cache_write_1h"]) == (120, 50, 30, 20)
    assert used["output"] > 1


def test_exactly_one_record_per_exchange(launch, mock):
    running = launch()
    ids = []
    for number in range(60):
        if number % 3 == 0:
            mock.plan(status=500)
        kind = list(POSTS)[number % len(POSTS)]
        target, body = POSTS[kind][2:] if number % 2 else POSTS[kind][:2]
        ids.append(running.call("POST", target, body).headers["x-request-id"])
    ids.append(running.chat("no-such-model").headers["x-request-id"])
    ids.append(running.chat(key="sk-test-wrong-00000000").headers["x-request-id"])
    records = running.wait_records(len(ids))
    found = [r["request_id"] for r in records]
    assert sorted(found) == sorted(ids) and len(set(found)) == len(ids)
    assert [r["outcome"] for r in records if r["request_id"] in ids[-2:]] == ["refused", "refused"]
    # Records, metrics and the provider's own record agree.
    admitted = [r for r in records if r.get("attempts")]
    assert len(admitted) == len(mock.calls) == 60
    assert running.metric("penstock_requests_total") >= len(ids)
    for unit, label in (("input", "input"), ("cache_read", "cache_read"), ("output", "output"),
                        ("reasoning", "reasoning")):
        assert running.metric("penstock_tokens_total", type=label) == sum(units(r)[unit] for r in records)


def test_labels_are_bounded(launch, mock):
    # O-4: names from requests are never labels as they come.
    config = gateway.standard(mock.base)
    config["models"]["oai/*"] = {"passthrough": "oai"}
    running = launch(config)
    for number in range(200):
        assert running.chat(f"oai/invented-{number}").status == 200
        assert running.chat(f"unknown-{number}").status == 404
    text = running.metrics_text()
    assert "invented-" not in text and "unknown-" not in text
    assert running.metric("penstock_requests_total") >= 400


def test_rerank_has_a_record_too(launch, mock):
    config = gateway.standard(mock.base)
    config["providers"]["local"] = {"type": "openai-compatible", "base_url": f"{mock.base}/v1", "api_key": "none"}
    config["models"]["rerank-test"] = {"use": "local/up-rerank"}
    running = launch(config)
    body = {"model": "rerank-test", "query": "x", "documents": ["a", "b"]}
    answer = running.call("POST", "/v1/rerank", body)
    assert answer.status == 200 and running.record(answer.headers["x-request-id"])["outcome"] == "completed"
    # OpenAI itself has no such endpoint.
    assert running.call("POST", "/v1/rerank", {**body, "model": "gpt-test"}).status == 400


@pytest.mark.parametrize("target,body", [
    ("/v1/embeddings", {"model": "gpt-test", "input": "x"}),
    ("/v1/images/generations", {"model": "gpt-test", "prompt": "x"}),
    ("/v1/moderations", {"model": "gpt-test", "input": "x"}),
])
def test_other_endpoints_have_records_too(gw, mock, target, body):
    answer = gw.call("POST", target, body)
    record = gw.record(answer.headers["x-request-id"])
    assert answer.status == 200 and record["outcome"] == "completed"
    used = units(record)
    wanted = {"/v1/embeddings": ("input", 12), "/v1/images/generations": ("image_input", 3)}
    if target in wanted:
        assert used[wanted[target][0]] == wanted[target][1]


@pytest.mark.parametrize("kind", POSTS)
@pytest.mark.parametrize("streams", [False, True])
def test_echo_reports_usage_in_every_dialect(gw, mock, kind, streams):
    target, body = POSTS[kind][2:] if streams else POSTS[kind][:2]
    target = target.replace("gemini-test", "echo-test")
    body = {**body, "model": "echo-test"} if "model" in body else body
    answer = gw.call("POST", target, body)
    record = gw.record(answer.headers["x-request-id"])
    assert answer.status == 200 and gateway.usage_source(record) == "provider"
    assert units(record)["input"] > 0 and units(record)["output"] > 0 and mock.calls == []
