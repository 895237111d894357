"""Credentials of either side never cross to the other, and stand in no log (X-1, X-2, matrix 60 to 62 and 66)."""

from __future__ import annotations

import json
import re

import pytest

import gateway
from gateway import chat_body, gemini_body, message_body

CLIENT_CANARY = "sk-test-client-canary-9f31c7"
STRAY_CANARY = "sk-test-stray-canary-51aa02"
PROVIDER_CANARY = "sk-test-provider-canary-77e0d4"
POSTS = {
    "oai": ("/v1/chat/completions", chat_body()),
    "claude": ("/v1/messages", message_body()),
    "gem": ("/v1beta/models/gemini-test:generateContent", gemini_body()),
}
CARRIERS = {
    "bearer": [f"Authorization: Bearer {CLIENT_CANARY}"],
    "lower-case bearer": [f"authorization: bearer {CLIENT_CANARY}"],
    "x-api-key": [f"x-api-key: {CLIENT_CANARY}"],
    "api-key": [f"api-key: {CLIENT_CANARY}"],
    "x-goog-api-key": [f"x-goog-api-key: {CLIENT_CANARY}"],
    "query": [],
}
REAL = {"oai": ("authorization", f"Bearer {PROVIDER_CANARY}-oai"), "claude": ("x-api-key", f"{PROVIDER_CANARY}-claude"),
        "gem": ("x-goog-api-key", f"{PROVIDER_CANARY}-gem")}

@pytest.fixture
def running(launch, mock):
    """Secrets come from the environment, so that no file but a leaking one holds them."""
    config = gateway.standard(mock.base)
    env = {"CLIENT_KEY": CLIENT_CANARY}
    config["keys"].append({"name": "canary", "secret": "${CLIENT_KEY}"})
    for name in ("oai", "claude", "gem"):
        config["providers"][name]["api_key"] = "${KEY_%s}" % name.upper()
        env[f"KEY_{name.upper()}"] = f"{PROVIDER_CANARY}-{name}"
    return launch(config, env=env)

def everything(running) -> bytes:
    """All that the daemon wrote: outputs, access log, what it keeps beside its configuration, metrics, health."""
    parts = [f.read_bytes() for f in running.directory.rglob("*") if f.is_file() and not f.is_socket()]
    parts += [running.admin(path)[1].encode() for path in ("/metrics", "/health/live", "/health/ready")]
    return b"\n".join(parts)

@pytest.mark.parametrize("provider", POSTS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_clients_key_stays_here(running, mock, provider, carrier):
    target, body = POSTS[provider]
    if carrier == "query":
        target += f"?key={CLIENT_CANARY}"
    fields = CARRIERS[carrier] + [f"Cookie: session={STRAY_CANARY}", f"Proxy-Authorization: Basic {STRAY_CANARY}",
                                  f"X-Forwarded-For: 10.9.8.7, {STRAY_CANARY}", f"X-Custom: {STRAY_CANARY}",
                                  f"Referer: https://a.example/?k={STRAY_CANARY}"]
    if carrier == "bearer":
        fields += [f"{name}: {STRAY_CANARY}" for name in ("x-api-key", "api-key", "x-goog-api-key")]
    answer = running.call("POST", target, body, key=None, fields=fields)
    assert answer.status == 200, answer.body
    call = mock.wait_call()
    seen = call.target + repr(call.fields) + call.body.decode("latin-1")
    for canary in (CLIENT_CANARY, STRAY_CANARY):
        assert canary not in seen
    name, value = REAL[provider]
    assert call.headers[name] == value
    carriers = {"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization"}
    assert carriers & set(call.headers) == {name}, "exactly the provider's own credential"
    assert "x-forwarded-for" not in call.headers and "key=" not in call.query
    running.wait_records(1)
    assert not re.search(f"{CLIENT_CANARY}|{STRAY_CANARY}|{PROVIDER_CANARY}".encode(), everything(running))

LEAKY = [["set-cookie", f"a={PROVIDER_CANARY}"], ["x-goog-api-key", PROVIDER_CANARY], ["x-api-key", PROVIDER_CANARY],
         ["authorization", f"Bearer {PROVIDER_CANARY}"], ["openai-organization", "org-of-the-operator"],
         ["openai-project", "proj-of-the-operator"], ["anthropic-organization-id", "org-of-the-operator"],
         ["via", "1.1 inner-proxy"], ["server", "inner-server"], ["proxy-status", "inner-proxy"],
         ["x-ratelimit-remaining-requests", "inner-limit-4711"],
         ["anthropic-ratelimit-requests-remaining", "inner-limit-4711"],
         ["x-ratelimit-limit-tokens", "inner-limit-4711"], ["connection", "keep-alive, x-hop"], ["x-hop", "hop-by-hop"],
         ["keep-alive", "timeout=5"], ["x-internal-host", "inner-host"], ["cf-ray", "inner-ray"],
         ["strict-transport-security", "max-age=1"], ["alt-svc", "h3=inner"]]

@pytest.mark.parametrize("provider", POSTS)
@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_the_providers_secrets_stay_here(running, mock, provider, status):
    target, body = POSTS[provider]
    message = f"Incorrect API key provided: {PROVIDER_CANARY}-{provider}. See https://inner-host.example/keys"
    mock.plan(status=status, headers=LEAKY, error_message=message)
    answer = running.call("POST", target, body)
    assert answer.status == status
    whole = repr(answer.fields).encode() + answer.body
    for inner in (PROVIDER_CANARY, "of-the-operator", "inner-", "hop-by-hop"):
        assert inner.encode() not in whole, inner
    assert "set-cookie" not in answer.headers and "server" not in answer.headers
    running.wait_records(1)
    assert PROVIDER_CANARY.encode() not in everything(running)

def test_a_stream_leaks_nothing_either(running, mock):
    mock.plan(headers=LEAKY, error_event_at=4, error_message=f"boom {PROVIDER_CANARY}-oai")
    stream = running.chat_stream()
    stream.drain()
    assert PROVIDER_CANARY not in repr(stream.head.fields)
    running.wait_records(1)
    assert PROVIDER_CANARY.encode() not in everything(running)

def test_the_first_carrier_decides(running, mock):
    target, body = POSTS["oai"]

    def status(*fields: str, target: str = target) -> int:
        return running.call("POST", target, body, key=None, fields=list(fields)).status

    right, wrong = CLIENT_CANARY, "sk-test-wrong-000000000"
    assert status(f"Authorization: Bearer {wrong}", f"x-api-key: {right}") == 401
    assert status(f"x-api-key: {wrong}", f"api-key: {right}") == 401
    assert status(f"api-key: {wrong}", f"x-goog-api-key: {right}") == 401
    assert status(f"x-goog-api-key: {wrong}", target=f"{target}?key={right}") == 401
    assert status(f"Authorization: Bearer {right}", f"x-api-key: {wrong}") == 200
    assert status(f"Authorization: Bearer {right}", f"Authorization: Bearer {right}") == 401
    assert status() == 401
    assert status("Authorization: Bearer ") == 401
    assert status(f"Authorization: Basic {right}") == 401
    assert status(f"Authorization: Bearer {right}x") == 401
    assert status(f"Authorization: Bearer {right[:-1]}") == 401
    assert len(mock.calls) == 1

def test_the_models_list_needs_a_key_too(running, mock):
    for target in ("/v1/models", "/v1/models/gpt-test", "/v1beta/models"):
        assert running.call("GET", target, key=None).status == 401

@pytest.mark.parametrize("model", ["a\r\nx-evil: 1", "a\nb", 'a"}\n{"status":200', "\u2028\x00\x1b[31m", "é" * 300])
def test_names_are_escaped_wherever_they_are_shown(running, mock, model):
    # Matrix 60 and 61.
    answer = running.chat(model)
    assert answer.status == 404 and answer.error()["code"] == "model_not_found"
    assert "x-evil" not in answer.headers
    assert len(answer.body) < 2048, "a name is shown with at most 128 bytes"
    assert running.chat().status == 200
    records = running.wait_records(2)  # every line is one JSON object, or this raises
    assert sorted(r["status"] for r in records) == [200, 404]
    assert '"x-evil' not in running.metrics_text() and model not in running.metrics_text()

def test_request_ids(running, mock):
    good = "trace-0123456789.abc_DEF"
    assert running.chat(fields=[f"x-request-id: {good}"]).headers["x-request-id"] == good
    made = running.chat().headers["x-request-id"]
    assert re.fullmatch(r"[\x21-\x7e]{8,128}", made)
    evil = running.chat(fields=['x-request-id: a"b{}<script> ' + "x" * 4000]).headers["x-request-id"]
    assert "<" not in evil and len(evil) <= 256
    ids = [running.chat().headers["x-request-id"] for _ in range(20)]
    assert len(set(ids)) == 20

def test_traceparent_passes_and_is_not_invented_from_nonsense(running, mock):
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    running.chat(fields=[f"traceparent: {good}", "tracestate: a=b"])
    headers = mock.wait_call().headers
    assert headers["traceparent"].split("-")[1] == good.split("-")[1] and headers["tracestate"] == "a=b"

def test_hop_by_hop_fields_go_nowhere(running, mock):
    running.chat(fields=["Connection: keep-alive, traceparent, x-hop", "x-hop: 1", "Keep-Alive: timeout=9",
                         "TE: trailers", "Upgrade: h2c", "traceparent: 00-" + "1" * 32 + "-" + "2" * 16 + "-01"])
    headers = mock.wait_call().headers
    assert not {"x-hop", "keep-alive", "te", "upgrade", "traceparent"} & set(headers)
    assert headers.get("accept-encoding", "identity") == "identity"

def test_show_and_check_hide_secrets(running):
    for arguments in (("show", "--resolved"), ("check",), ("routes", "list")):
        done = running.command(*arguments)
        assert not re.search(f"{CLIENT_CANARY}|{PROVIDER_CANARY}", done.stdout + done.stderr), arguments

def test_an_anonymous_provider_gets_no_credential(launch, mock):
    config = gateway.standard(mock.base)
    config["providers"]["local"] = {"type": "openai-compatible", "base_url": f"{mock.base}/v1", "api_key": "none"}
    config["models"]["local"] = {"use": "local/m"}
    assert launch(config).chat("local").status == 200
    assert not {"authorization", "x-api-key", "api-key"} & set(mock.wait_call().headers)

def test_azure_carries_its_key_in_its_own_field(launch, mock):
    config = gateway.standard(mock.base)
    config["providers"]["az"] = {"type": "azure", "endpoint": mock.base, "api_key": "sk-test-azure",
                                 "api_version": "2025-04-01-preview"}
    config["providers"]["az-v1"] = {"type": "azure", "endpoint": mock.base, "api_key": "sk-test-azure"}
    config["models"] |= {"az": {"use": "az/my-deployment"}, "az-v1": {"use": "az-v1/my-deployment"}}
    running = launch(config)
    assert running.chat("az").status == 200 and running.chat("az-v1").status == 200
    classic, modern = mock.wait_calls(2)
    assert classic.path == "/openai/deployments/my-deployment/chat/completions"
    assert classic.query == "api-version=2025-04-01-preview" and classic.headers["api-key"] == "sk-test-azure"
    assert modern.path == "/openai/v1/chat/completions" and modern.model == "my-deployment"
    assert "authorization" not in classic.headers | modern.headers

def test_extra_headers_of_a_provider_are_sent(launch, mock):
    config = gateway.standard(mock.base)
    config["providers"]["oai"]["headers"] = {"OpenAI-Organization": "org-123"}
    answer = launch(config).chat()
    assert mock.wait_call().headers["openai-organization"] == "org-123"
    assert "org-123" not in json.dumps(answer.fields)
