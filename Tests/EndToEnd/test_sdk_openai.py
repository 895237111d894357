"""The official `openai` SDK, unmodified, through the gateway (done-when 2)."""

from __future__ import annotations

import threading
import time

import openai
import pytest

import sdk_target
from sdk_target import ALL, KEYS, MOCKED, TEXT, TIMEOUT, Target

MODEL = "gpt-test"
configure = sdk_target.configuration("openai", "/v1")

TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}, "required": ["city"]}}}


def client_of(target: Target, key: str | None = None, retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{target.base}/v1", api_key=key or KEYS[target.kind], max_retries=retries,
                         timeout=TIMEOUT)


def ask(client: openai.OpenAI, model: str, **values):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": TEXT}], **values)


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_chat(target):
    target.answer_with()
    answer = ask(client_of(target), target.model)
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    target.check_upstream("up-gpt")


@pytest.mark.parametrize("target", ALL, indirect=True)
@pytest.mark.parametrize("wants_usage", [False, True])
def test_chat_stream(target, wants_usage):
    target.answer_with()
    options = {"stream_options": {"include_usage": True}} if wants_usage else {}
    chunks = list(ask(client_of(target), target.model, stream=True, **options))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == TEXT
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    usages = [c.usage for c in chunks if c.usage]
    # S-9: the chunk that the gateway asked for is not the client's.
    assert len(usages) == (1 if wants_usage else 0)
    assert all(c.choices for c in chunks) or wants_usage
    if wants_usage and target.upstream_is_mock:
        assert (usages[0].prompt_tokens, usages[0].completion_tokens) == (17, 11)


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("streams", [False, True])
def test_tools(target, streams):
    client = client_of(target)
    question = [{"role": "user", "content": "How is the weather?"}]
    if streams:
        calls = {}
        for chunk in client.chat.completions.create(model=target.model, messages=question, tools=[TOOL], stream=True):
            for part in chunk.choices[0].delta.tool_calls or []:
                known = calls.setdefault(part.index, {"id": part.id, "name": part.function.name, "arguments": ""})
                known["arguments"] += part.function.arguments or ""
        found = calls[0]
    else:
        message = client.chat.completions.create(model=target.model, messages=question, tools=[TOOL]).choices[0].message
        call = message.tool_calls[0]
        found = {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
    assert found == {"id": "call_mock", "name": "weather", "arguments": '{"city":"Zürich","unit":"°C"}'}
    target.answer_with("It is 21 °C.")
    history = question + [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_mock", "type": "function", "function": {"name": "weather", "arguments": found["arguments"]}}]},
        {"role": "tool", "tool_call_id": "call_mock", "content": "21"}]
    answer = client.chat.completions.create(model=target.model, messages=history, tools=[TOOL])
    assert answer.choices[0].message.content == "It is 21 °C."


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_many_choices_stream(target):
    target.answer_with("one two")
    texts = ["", "", ""]
    for chunk in ask(client_of(target), target.model, n=3, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == ["one two"] * 3


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_responses(target):
    target.answer_with()
    answer = client_of(target).responses.create(model=target.model, input=TEXT)
    assert answer.output_text == TEXT and answer.status == "completed"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_responses_stream(target):
    target.answer_with()
    text, kinds, numbers = "", [], []
    for event in client_of(target).responses.create(model=target.model, input=TEXT, stream=True):
        kinds.append(event.type)
        numbers.append(event.sequence_number)
        if event.type == "response.output_text.delta":
            text += event.delta
    assert text == TEXT
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("target", ALL, indirect=True)
@pytest.mark.parametrize("streams", [False, True])
def test_legacy_completions(target, streams):
    target.answer_with()
    made = client_of(target).completions.create(model=target.model, prompt=TEXT, stream=streams)
    assert "".join(c.choices[0].text for c in (made if streams else [made]) if c.choices) == TEXT


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_embeddings(target):
    # The SDK asks for base64 and decodes it; both forms must come through.
    answer = client_of(target).embeddings.create(model=target.model, input=["one", "two"])
    assert len(answer.data) == 2 and all(isinstance(v, float) for v in answer.data[0].embedding)
    assert answer.usage.prompt_tokens > 0
    plain = client_of(target).embeddings.create(model=target.model, input="one", encoding_format="float")
    assert all(isinstance(v, float) for v in plain.data[0].embedding)


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_moderations_images_and_speech(target):
    client = client_of(target)
    assert client.moderations.create(model=target.model, input="x").results[0].flagged is False
    assert client.images.generate(model=target.model, prompt="x").data[0].b64_json == "aGVsbG8="
    speech = client.audio.speech.create(model=target.model, voice="alloy", input="x")
    assert speech.read() == bytes(range(256)) * 16


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_multipart(target):
    client = client_of(target)
    audio = bytes(range(256)) * 4096  # 1 MiB, every byte value
    answer = client.audio.transcriptions.create(model=target.model, file=("a.wav", audio, "audio/wav"))
    assert answer.text
    edited = client.images.edit(model=target.model, image=("a.png", b"\x89PNG\r\n--x\r\n", "image/png"), prompt="x")
    assert edited.data[0].b64_json == "aGVsbG8="
    calls = target.mock.calls
    assert audio in calls[0].body, "the file's bytes arrived untouched"
    if target.kind == "gateway":
        assert [c.model for c in calls] == ["up-gpt", "up-gpt"]


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
def test_models(target):
    client = client_of(target)
    names = {m.id for m in client.models.list()}
    assert {"gpt-test", "claude-test", "gemini-test", "echo-test"} <= names
    one = client.models.retrieve("gpt-test")
    assert (one.id, one.object) == ("gpt-test", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
    narrow = client_of(target, key="sk-test-narrow-0123456789")
    assert {m.id for m in narrow.models.list()} == {"echo-test"}, "a key sees what it may use"


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
def test_errors_of_the_gateway(target):
    client = client_of(target)
    with pytest.raises(openai.AuthenticationError) as wrong_key:
        ask(client_of(target, key="sk-test-wrong-0123456789"), target.model)
    assert wrong_key.value.code == "invalid_api_key" and wrong_key.value.request_id
    with pytest.raises(openai.PermissionDeniedError) as forbidden:
        ask(client_of(target, key="sk-test-narrow-0123456789"), target.model)
    assert forbidden.value.code == "model_not_allowed"
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(client, "no-such-model")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as missing:
        client.post("/chat/completions", body={"messages": []}, cast_to=object)
    assert missing.value.param == "model"
    with pytest.raises(openai.BadRequestError) as stored:
        client.responses.create(model=target.model, input="x", previous_response_id="resp_1")
    assert stored.value.param == "previous_response_id"
    with pytest.raises(openai.NotFoundError) as endpoint:
        client.files.list()
    assert endpoint.value.code == "endpoint_not_available"
    slow = client_of(target, key="sk-test-slow-0123456789")
    ask(slow, "echo-test")
    with pytest.raises(openai.RateLimitError) as limited:
        ask(slow, "echo-test")
    assert int(limited.value.response.headers["retry-after"]) >= 1
    with pytest.raises(openai.InternalServerError) as down:
        ask(client, "no-upstream")
    assert down.value.status_code == 502
    assert target.mock.calls == []


CLASSES = {400: openai.BadRequestError, 403: openai.PermissionDeniedError, 404: openai.NotFoundError,
           409: openai.ConflictError, 422: openai.UnprocessableEntityError, 429: openai.RateLimitError,
           500: openai.InternalServerError, 503: openai.InternalServerError}


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("status", CLASSES)
@pytest.mark.parametrize("streams", [False, True])
def test_errors_of_the_provider(target, status, streams):
    target.answer_with(status=status, error_message="the provider's own words")
    with pytest.raises(CLASSES[status]) as failure:
        ask(client_of(target), target.model, stream=streams)
    assert failure.value.status_code == status
    assert "the provider's own words" in str(failure.value)


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
@pytest.mark.parametrize("status", [401, 402])
def test_the_operators_fault_is_not_the_clients(target, status):
    target.answer_with(status=status, error_message="account 4711 has no credit")
    with pytest.raises(openai.InternalServerError) as failure:
        ask(client_of(target), target.model)
    assert failure.value.status_code == 502 and "4711" not in str(failure.value)


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_the_sdks_own_retry(target):
    target.mock.plan(status=429, retry_after="1")
    target.answer_with()
    answer = ask(client_of(target, retries=2), target.model)
    assert answer.choices[0].message.content == TEXT and len(target.mock.calls) == 2


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("fault", [{"fin_after": 3}, {"error_event_at": 3}, {"fin_inside_chunk_after": 3}])
def test_a_broken_stream_raises(target, fault):
    target.answer_with(**fault)
    got = []
    with pytest.raises(Exception) as failure:
        for chunk in ask(client_of(target), target.model, stream=True):
            got.append(chunk)
    assert "httpx" in type(failure.value).__module__ or isinstance(failure.value, openai.APIError)
    assert len(got) == 3


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_cancelling_a_stream_ends_the_call(target):
    target.answer_with(step=True)
    client = client_of(target)
    # The head may be held back until there is content, so content is let through while it is waited for.
    threading.Thread(target=lambda: target.mock.wait_call().allow(3)).start()
    stream = ask(client, target.model, stream=True)
    next(iter(stream))
    call = target.mock.wait_call()
    left = time.monotonic()
    stream.close()
    assert call.wait_peer_closed(10) - left < 2


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_cancelling_before_the_first_byte(target):
    target.answer_with(hang=True)
    client = client_of(target).with_options(timeout=0.5)
    with pytest.raises(openai.APITimeoutError):
        ask(client, target.model)
    left = time.monotonic()
    assert target.mock.wait_call().wait_peer_closed(10) - left < 2
