"""The official `anthropic` SDK, unmodified, through the gateway (done-when 2)."""

from __future__ import annotations

import threading
import time

import anthropic
import pytest

import sdk_target
from sdk_target import ALL, KEYS, MOCKED, TEXT, TIMEOUT, Target

MODEL = "claude-test"
configure = sdk_target.configuration("anthropic")

TOOL = {"name": "weather", "description": "Weather of a city",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


def client_of(target: Target, key: str | None = None, retries: int = 0) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=target.base, api_key=key or KEYS[target.kind], max_retries=retries,
                               timeout=TIMEOUT)


def ask(client: anthropic.Anthropic, model: str, **values):
    return client.messages.create(model=model, max_tokens=256, messages=[{"role": "user", "content": TEXT}], **values)


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_message(target):
    target.answer_with()
    answer = ask(client_of(target), target.model)
    assert answer.content[0].text == TEXT and answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    if target.upstream_is_mock:
        assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (12, 5)
    target.check_upstream("up-claude")


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_stream_helper(target):
    target.answer_with()
    client = client_of(target)
    question = [{"role": "user", "content": TEXT}]
    with client.messages.stream(model=target.model, max_tokens=256, messages=question) as stream:
        assert "".join(stream.text_stream) == TEXT
        final = stream.get_final_message()
    assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_raw_stream_ends_with_message_stop(target):
    target.answer_with()
    kinds = [e.type for e in ask(client_of(target), target.model, stream=True)]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"  # S-5


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("streams", [False, True])
def test_tools(target, streams):
    client = client_of(target)
    question = [{"role": "user", "content": "How is the weather?"}]
    if streams:
        with client.messages.stream(model=target.model, max_tokens=64, messages=question, tools=[TOOL]) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(model=target.model, max_tokens=64, messages=question, tools=[TOOL])
    use = answer.content[0]
    assert (use.type, use.name, use.input) == ("tool_use", "weather", {"city": "Zürich", "unit": "°C"})
    assert answer.stop_reason == "tool_use"
    target.answer_with("It is 21 °C.")
    history = question + [
        {"role": "assistant", "content": [{"type": "tool_use", "id": use.id, "name": use.name, "input": use.input}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "21"}]}]
    answer = client.messages.create(model=target.model, max_tokens=64, messages=history, tools=[TOOL])
    assert answer.content[0].text == "It is 21 °C."


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_count_tokens(target):
    counted = client_of(target).messages.count_tokens(model=target.model, messages=[{"role": "user", "content": TEXT}])
    assert counted.input_tokens > 0


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_versions_and_betas_pass(target):
    target.answer_with()
    client = client_of(target)
    ask(client, target.model, extra_headers={"anthropic-beta": "context-1m-2025-08-07,other-beta",
                                             "anthropic-version": "2026-10-21"})
    headers = target.mock.wait_call().headers
    assert headers["anthropic-version"] == "2026-10-21"
    assert headers["anthropic-beta"] == "context-1m-2025-08-07,other-beta"


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
def test_models(target):
    client = client_of(target)
    names = {m.id for m in client.models.list()}
    assert {"gpt-test", "claude-test", "gemini-test", "echo-test"} <= names
    one = client.models.retrieve("claude-test")
    assert (one.id, one.type) == ("claude-test", "model")
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("no-such-model")


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
def test_bearer_token_works_as_well(target):
    target.answer_with()
    client = anthropic.Anthropic(base_url=target.base, auth_token=KEYS["gateway"], api_key=None, max_retries=0,
                                 timeout=TIMEOUT)
    assert ask(client, target.model).content[0].text == TEXT


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
def test_errors_of_the_gateway(target):
    client = client_of(target)
    with pytest.raises(anthropic.AuthenticationError) as wrong_key:
        ask(client_of(target, key="sk-test-wrong-0123456789"), target.model)
    assert wrong_key.value.body["type"] == "error"
    assert wrong_key.value.body["error"]["type"] == "authentication_error" and wrong_key.value.body["request_id"]
    with pytest.raises(anthropic.PermissionDeniedError):
        ask(client_of(target, key="sk-test-narrow-0123456789"), target.model)
    with pytest.raises(anthropic.NotFoundError) as unknown:
        ask(client, "no-such-model")
    assert unknown.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.BadRequestError):
        client.post("/v1/messages", body={"messages": []}, cast_to=object)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.list()
    slow = client_of(target, key="sk-test-slow-0123456789")
    ask(slow, "echo-test")
    with pytest.raises(anthropic.RateLimitError) as limited:
        ask(slow, "echo-test")
    assert int(limited.value.response.headers["retry-after"]) >= 1
    with pytest.raises(anthropic.APIStatusError) as down:
        ask(client, "no-upstream")
    assert down.value.status_code == 502 and down.value.body["error"]["type"] == "api_error"
    assert target.mock.calls == []


CLASSES = {400: anthropic.BadRequestError, 403: anthropic.PermissionDeniedError, 404: anthropic.NotFoundError,
           413: anthropic.APIStatusError, 429: anthropic.RateLimitError, 500: anthropic.InternalServerError,
           529: anthropic.APIStatusError}


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("status", CLASSES)
@pytest.mark.parametrize("streams", [False, True])
def test_errors_of_the_provider(target, status, streams):
    target.answer_with(status=status, error_message="the provider's own words")
    with pytest.raises(CLASSES[status]) as failure:
        ask(client_of(target), target.model, stream=streams)
    assert failure.value.status_code == status
    assert "the provider's own words" in str(failure.value)


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("fault", [{"fin_after": 4}, {"error_event_at": 4}, {"fin_inside_chunk_after": 4}])
def test_a_broken_stream_raises(target, fault):
    target.answer_with(**fault)
    with pytest.raises(Exception) as failure:
        for _ in ask(client_of(target), target.model, stream=True):
            pass
    assert "httpx" in type(failure.value).__module__ or isinstance(failure.value, anthropic.APIError)


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_cancelling_a_stream_ends_the_call(target):
    target.answer_with(step=True)
    threading.Thread(target=lambda: target.mock.wait_call().allow(4)).start()
    stream = ask(client_of(target), target.model, stream=True)
    next(iter(stream))
    call = target.mock.wait_call()
    left = time.monotonic()
    stream.close()
    assert call.wait_peer_closed(10) - left < 2
