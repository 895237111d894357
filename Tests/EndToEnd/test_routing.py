"""Pools, fallbacks, retries, routes with versions, and who sees which models."""

from __future__ import annotations

import json

import pytest

import gateway
from gateway import KEY, chat_body
from raw_client import EventStream, request


def pooled(mock, models: dict, deployments: dict | None = None) -> dict:
    config = gateway.standard(mock.base)
    config["deployments"] = deployments or {name: {"provider": "oai", "model": f"up-{name}"} for name in "abc"}
    config["models"] |= models
    return config


def served(mock) -> list[str]:
    return [c.model for c in mock.calls]


def test_weights(launch, mock):
    deployments = {"a": {"provider": "oai", "model": "up-a", "weight": 3},
                   "b": {"provider": "oai", "model": "up-b", "weight": 1},
                   "c": {"provider": "oai", "model": "up-c", "weight": 0}}
    running = launch(pooled(mock, {"pool": {"pool": ["a", "b", "c"]}}, deployments))
    answers = [running.chat("pool") for _ in range(400)]
    assert {a.status for a in answers} == {200}
    counts = {name: served(mock).count(f"up-{name}") for name in "abc"}
    # 300 expected of 400; nine standard deviations wide on either side.
    assert 222 <= counts["a"] <= 378 and counts["c"] == 0
    assert {a.headers["x-penstock-deployment"] for a in answers} == {"a", "b"}
    assert {a.headers["x-penstock-model"] for a in answers} == {"pool"}


FAILURES = [{"reset_before_head": True}, {"close_before_head": True}, {"status": 500}, {"status": 503},
            {"status": 429, "retry_after": "1"}, {"framing": "two_lengths"}]


@pytest.mark.parametrize("fault", FAILURES, ids=str)
@pytest.mark.parametrize("streams", [False, True])
def test_fallback(launch, mock, fault, streams):
    running = launch(pooled(mock, {"chain": {"use": ["a", "b"], "policy": "fallback"}}))
    mock.plan(model="up-a", times=None, **fault)
    body = chat_body("chain", stream=streams)
    answer = running.call("POST", "/v1/chat/completions", body)
    assert answer.status == 200 and answer.headers["x-penstock-deployment"] == "b"
    assert answer.headers["x-penstock-attempts"] == str(len(mock.calls)) and served(mock)[-1] == "up-b"
    # T-3: the second attempt starts from the request as it came.
    bodies = [json.loads(c.body) for c in mock.calls]
    assert {json.dumps(dict(b, model="")) for b in bodies} == {json.dumps(dict(bodies[0], model=""))}
    record = running.record(answer.headers["x-request-id"])
    assert [a["deployment"] for a in record["attempts"]][-1] == "b" and len(record["attempts"]) == len(mock.calls)
    assert record["outcome"] == "completed" and record["deployment"] == "b"


def test_fallback_is_possible_until_the_first_content(launch, mock):
    # S-2: head and a role-only delta arrived from the first deployment, and nothing of it reached the client.
    running = launch(pooled(mock, {"chain": {"use": ["a", "b"], "policy": "fallback"}}))
    mock.plan(model="up-a", times=None, fin_inside_chunk_after=1)
    stream = running.chat_stream("chain")
    assert stream.drain() == "clean" and stream.events[-1] == "[DONE]"
    assert served(mock) == ["up-a", "up-b"]


def test_no_fallback_after_the_first_content(launch, mock):
    # Invariant 12.
    running = launch(pooled(mock, {"chain": {"use": ["a", "b"], "policy": "fallback"}}))
    mock.plan(model="up-a", step=True, fin_after=4)
    connection = running.connect()
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body("chain", stream=True)))
    call = mock.wait_call()
    call.allow(2)
    stream = EventStream(connection)
    assert stream.next() and stream.next()
    call.allow_rest()
    assert stream.drain() == "broken" or "error" in stream.events[-1]
    assert served(mock) == ["up-a"] and "[DONE]" not in stream.events


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_the_clients_own_mistakes_are_not_tried_elsewhere(launch, mock, status):
    running = launch(pooled(mock, {"chain": {"use": ["a", "b"], "policy": "fallback"}}))
    mock.plan(status=status, times=None)
    assert running.chat("chain").status == {401: 502}.get(status, status)
    if status != 401:
        assert served(mock) == ["up-a"]


def test_retry_within_a_pool(launch, mock):
    running = launch(pooled(mock, {"pool": {"pool": ["a", "b"], "policy": {"retry": {"attempts": 1, "on": ["5xx"]}}}}))
    mock.plan(model="up-a", times=None, status=500)
    # Within the floor of the retry budget.
    assert {running.chat("pool").status for _ in range(3)} == {200}


def test_one_deployment_means_no_retry(launch, mock):
    # DESIGN 13.9.
    running = launch()
    mock.plan(status=503, times=None)
    assert running.chat().status == 503
    assert len(mock.calls) == 1


def test_the_retry_budget_bounds_a_storm(launch, mock):
    # Matrix 13.
    policy = {"retry": {"attempts": 3}}
    running = launch(pooled(mock, {"pool": {"pool": ["a", "b"], "policy": policy}}))
    mock.plan(status=503, times=None)
    assert {running.chat("pool").status for _ in range(300)} == {503}
    assert len(mock.calls) <= 300 + 30 + 20, "at most 10 % on top, and a floor of a few"
    mock.reset()
    for _ in range(50):
        if running.chat("pool").status == 200:
            break
    else:
        raise AssertionError("it does not recover")


def test_a_deployment_that_asks_for_rest_gets_it(launch, mock):
    # O-6, matrix 12.
    running = launch(pooled(mock, {"chain": {"use": ["a", "b"], "policy": "fallback"}}))
    mock.plan(model="up-a", times=None, status=429, retry_after="300")
    # Health is kept per loop, so each loop may find out once.
    for _ in range(20):
        assert running.chat("chain").status == 200
    assert served(mock).count("up-a") <= 2 and served(mock).count("up-b") == 20


def test_the_last_candidate_is_tried_all_the_same(launch, mock):
    running = launch(pooled(mock, {"chain": {"use": ["a", "b"], "policy": "fallback"}}))
    mock.plan(times=None, status=503, retry_after="300")
    assert {running.chat("chain").status for _ in range(5)} == {503}
    before = len(mock.calls)
    assert running.chat("chain").status == 503 and len(mock.calls) > before


def test_wildcards_and_passthrough(launch, mock):
    config = gateway.standard(mock.base)
    config["models"] |= {"oai/*": {"passthrough": "oai"}, "oai/special": {"use": "echo/m"}}
    running = launch(config)
    assert running.chat("oai/anything-at-all").status == 200
    assert served(mock) == ["anything-at-all"]
    assert running.chat("oai/special").status == 200 and len(mock.calls) == 1, "an exact name wins"


@pytest.mark.parametrize("name", ["GPT-TEST", " gpt-test", "gpt-test ", "gpt-tes", "gpt-test\u200b"])
def test_names_are_compared_byte_for_byte(launch, mock, name):
    answer = launch().chat(name)
    assert answer.status == 404 and answer.error()["code"] == "model_not_found"


def test_a_dialect_that_a_provider_does_not_speak(launch, mock):
    running = launch()
    answer = running.call("POST", "/v1/messages", gateway.message_body("gpt-test"))
    assert answer.status == 400 and answer.json()["type"] == "error" and mock.calls == []


def test_model_lists_have_the_callers_shape(launch, mock):
    config = gateway.standard(mock.base)
    config["keys"].append({"name": "narrow", "secret": "sk-test-narrow-0123456789", "models": ["gpt-*"]})
    running = launch(config)
    everything = {"gpt-test", "claude-test", "gemini-test", "echo-test"}
    openai = running.call("GET", "/v1/models").json()
    assert openai["object"] == "list" and {m["id"] for m in openai["data"]} == everything
    assert all(m["object"] == "model" and isinstance(m["created"], int) for m in openai["data"])
    claude = running.call("GET", "/v1/models", fields=["anthropic-version: 2023-06-01"]).json()
    assert {m["id"] for m in claude["data"]} == everything and claude["has_more"] is False
    assert all(m["type"] == "model" and m["display_name"] for m in claude["data"])
    for target, key, fields in (("/v1beta/models", KEY, []), ("/v1/models", None, [f"x-goog-api-key: {KEY}"])):
        gemini = running.call("GET", target, key=key, fields=fields).json()
        assert {m["name"] for m in gemini["models"]} == {f"models/{n}" for n in everything}, target
    narrow = running.call("GET", "/v1/models", key="sk-test-narrow-0123456789").json()
    assert {m["id"] for m in narrow["data"]} == {"gpt-test"}
    assert running.call("GET", "/v1/models/claude-test", key="sk-test-narrow-0123456789").status in (403, 404)
    assert mock.heads == 0, "the list comes from the configuration"


def test_keys_that_may_not(launch, mock):
    config = gateway.standard(mock.base)
    config["keys"] += [
        {"name": "old", "secret": "sk-test-old-0123456789", "expires": "2020-01-01"},
        {"name": "far", "secret": "sk-test-far-0123456789", "allow_ips": ["10.0.0.0/8"]},
        {"name": "near", "secret": "sk-test-near-0123456789", "allow_ips": ["127.0.0.0/8"]},
        {"name": "some", "secret": "sk-test-some-0123456789", "models": ["gpt-*"]},
    ]
    running = launch(config)
    assert running.chat(key="sk-test-old-0123456789").status == 401
    assert running.chat(key="sk-test-far-0123456789").status == 403
    forged = running.chat(key="sk-test-far-0123456789", fields=["X-Forwarded-For: 10.1.1.1"])
    assert forged.status == 403, "no proxy is trusted unless configured"
    assert running.chat(key="sk-test-near-0123456789").status == 200
    assert running.chat(key="sk-test-some-0123456789").status == 200
    assert running.chat("claude-test", key="sk-test-some-0123456789").status == 403
    assert len(mock.calls) == 2


VERSIONS = {
    "route": "chat",
    "select": {"path": False, "header": "X-API-Version", "query": "api-version", "date_header": "Api-Date",
               "default": "v2"},
    "versions": {
        "v3": {"path": "/acme/v3/chat", "schema": "openai.chat", "from_date": "2026-06-01"},
        "v2": {"path": "/acme/v2/chat", "schema": "openai.chat", "from_date": "2025-06-01", "models": ["gpt-test"]},
        "v1": {"path": "/acme/v1/chat", "schema": "openai.chat", "from_date": "2024-01-01",
               "deprecated": "2026-12-01", "sunset": "2099-06-01", "successor": "v2",
               "docs": "https://docs.example.com/migrate-v2"},
        "v0": {"path": "/acme/v0/chat", "schema": "openai.chat", "deprecated": "2019-01-01", "sunset": "2020-01-01",
               "successor": "v2"},
    },
}


def test_versions(launch, mock):
    by_path = {**VERSIONS, "select": {"path": True, "default": "v2"}}
    running = launch(routes={"chat": by_path})

    def ask(path: str, model: str = "gpt-test", fields=()) -> object:
        return running.call("POST", path, chat_body(model), fields=list(fields))

    current = ask("/acme/v2/chat")
    assert current.status == 200 and current.headers["x-penstock-api-version"] == "v2"
    assert "deprecation" not in current.headers and "sunset" not in current.headers
    assert ask("/acme/v2/chat", "echo-test").status in (403, 404), "the version serves its own models only"
    old = ask("/acme/v1/chat")
    assert old.status == 200 and old.headers["deprecation"] == "@1796083200"
    assert old.headers["sunset"] == "Mon, 01 Jun 2099 00:00:00 GMT"
    links = ", ".join(v for n, v in old.fields if n.lower() == "link")
    assert '<https://docs.example.com/migrate-v2>; rel="deprecation"' in links and 'rel="sunset"' in links
    assert '</acme/v2/chat>; rel="successor-version"' in links
    gone = ask("/acme/v0/chat")
    assert gone.status == 410 and gone.error()["code"] == "api_version_sunset"
    assert 'rel="successor-version"' in ", ".join(v for n, v in gone.fields if n.lower() == "link")
    assert ask("/acme/v9/chat").status == 404
    assert len(mock.calls) == 2
    record = running.record(old.headers["x-request-id"])
    assert (record["route"], record["version"]) == ("chat", "v1")


def test_selection_of_a_version(launch, mock):
    running = launch(routes={"chat": VERSIONS})

    def version(query: str = "", *fields: str) -> str:
        answer = running.call("POST", "/acme/v2/chat" + query, chat_body(), fields=list(fields))
        return answer.headers.get("x-penstock-api-version", "") if answer.status == 200 else str(answer.status)

    assert version() == "v2"
    assert version("", "X-API-Version: v1") == "v1"
    assert version("?api-version=v3") == "v3"
    assert version("?api-version=v3", "X-API-Version: v1") == "v1", "the header goes before the query"
    assert version("", "Api-Date: 2025-12-31") == "v2" and version("", "Api-Date: 2024-02-02") == "v1"
    assert version("", "X-API-Version: v0") == "410"
    assert version("", "X-API-Version: nonsense") == "400"


def test_after_sunset_redirect_and_hosts(launch, mock):
    route = {"route": "moved", "match": {"host": ["api.example.com"]}, "versions": {
        "v1": {"path": "/moved/v1", "schema": "openai.chat", "deprecated": "2019-01-01", "sunset": "2020-01-01",
               "successor": "v2", "after_sunset": "redirect"},
        "v2": {"path": "/moved/v2", "schema": "openai.chat"}}}
    running = launch(routes={"moved": route})

    def ask(path: str, host: str) -> object:
        with running.connect() as connection:
            return connection.send(request("POST", path, KEY, chat_body(), host=host)).read()

    assert ask("/moved/v2", "api.example.com").status == 200
    assert ask("/moved/v2", "API.Example.com:8080").status == 200
    assert ask("/moved/v2", "other.example.com").status == 404
    answer = ask("/moved/v1", "api.example.com")
    assert answer.status == 308 and answer.headers["location"].endswith("/moved/v2")
