"""The official `google-genai` SDK, unmodified, through the gateway (done-when 2)."""

from __future__ import annotations

import threading
import time

import pytest
from google import genai
from google.genai import errors, types

import raw_client
import sdk_target
from sdk_target import ALL, KEYS, MOCKED, TEXT, TIMEOUT, Target

MODEL = "gemini-test"
configure = sdk_target.configuration("gemini")


def client_of(target: Target, key: str | None = None, version: str | None = None) -> genai.Client:
    """Without a version the SDK takes its own default, which moved from v1beta to v1."""
    client = genai.Client(api_key=key or KEYS[target.kind], http_options=types.HttpOptions(
        base_url=target.base, api_version=version, timeout=int(TIMEOUT * 1000),
        retry_options=types.HttpRetryOptions(attempts=1)))
    target.kept.append(client)
    return client


@pytest.mark.parametrize("target", ALL, indirect=True)
@pytest.mark.parametrize("version", ["v1beta", "v1"])
def test_generate(target, version):
    target.answer_with()
    client = client_of(target, version=version)
    answer = client.models.generate_content(model=target.model, contents=TEXT)
    assert answer.text == TEXT and answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.usage_metadata.prompt_token_count > 0
    target.check_upstream("up-gemini")


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_generate_stream(target):
    target.answer_with()
    chunks = list(client_of(target).models.generate_content_stream(model=target.model, contents=TEXT))
    assert "".join(c.text or "" for c in chunks) == TEXT
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    if target.upstream_is_mock:
        usage = chunks[-1].usage_metadata
        assert (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count) == (17, 7, 4)


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("streams", [False, True])
def test_tools(target, streams):
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(
        name="weather", description="Weather of a city",
        parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}))])
    config = types.GenerateContentConfig(
        tools=[tool], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    client = client_of(target)
    if streams:
        chunks = client.models.generate_content_stream(model=target.model, contents="How?", config=config)
        calls = [p for c in chunks for p in c.candidates[0].content.parts if p.function_call]
    else:
        answer = client.models.generate_content(model=target.model, contents="How?", config=config)
        calls = [p for p in answer.candidates[0].content.parts if p.function_call]
    assert calls[0].function_call.args == {"city": "Zürich", "unit": "°C"}
    assert calls[0].thought_signature == b"mock"  # T-1


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_count_tokens(target):
    assert client_of(target).models.count_tokens(model=target.model, contents=TEXT).total_tokens > 0


@pytest.mark.parametrize("target", ALL, indirect=True)
def test_embeddings(target):
    # This SDK always calls `:batchEmbedContents`, also for one text; each entry repeats the model's name.
    models = client_of(target).models
    answer = models.embed_content(model=target.model, contents="one")
    assert len(answer.embeddings) == 1 and all(isinstance(v, float) for v in answer.embeddings[0].values)
    target.check_upstream("up-gemini")
    # Bare texts would be parts of one content, unless the SDK knows the model's name.
    contents = [types.Content(role="user", parts=[types.Part(text=text)]) for text in ("one", "two")]
    several = models.embed_content(model=target.model, contents=contents)
    assert len(several.embeddings) == 2
    if target.upstream_is_mock:
        wanted = "models/up-gemini" if target.kind == "gateway" else f"models/{target.model}"
        entries = target.mock.calls[-1].json["requests"]
        assert [entry["model"] for entry in entries] == [wanted, wanted]


@pytest.mark.parametrize("target", ["gateway", "echo"], indirect=True)
def test_a_batch_names_one_model(target):
    answer = raw_client.call(target.gateway.port, "POST", f"/v1/models/{target.model}:batchEmbedContents",
                             KEYS[target.kind], {"requests": [{"model": "models/no-such-model"}]})
    assert answer.status == 400 and answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert target.mock.calls == []


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_embed_by_the_plain_verb(target):
    answer = raw_client.call(target.mock.port if target.kind == "direct" else target.gateway.port, "POST",
                             f"/v1beta/models/{target.model}:embedContent", KEYS[target.kind],
                             {"content": {"parts": [{"text": "x"}]}})
    assert answer.status == 200 and answer.json()["embedding"]["values"] == [0.25, -0.5, 1.0]


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
@pytest.mark.parametrize("version", [None, "v1beta", "v1"])
def test_models(target, version):
    client = client_of(target, version=version)
    names = {m.name for m in client.models.list()}
    assert {"models/gemini-test", "models/echo-test"} <= names
    assert client.models.get(model="gemini-test").name == "models/gemini-test"
    with pytest.raises(errors.ClientError) as unknown:
        client.models.get(model="no-such-model")
    assert unknown.value.code == 404


@pytest.mark.parametrize("target", ["gateway"], indirect=True)
def test_errors_of_the_gateway(target):
    def failure(model: str = "gemini-test", key: str | None = None) -> errors.APIError:
        with pytest.raises(errors.APIError) as caught:
            client_of(target, key=key).models.generate_content(model=model, contents="x")
        return caught.value

    wrong_key = failure(key="sk-test-wrong-0123456789")
    assert (wrong_key.code, wrong_key.status) == (401, "UNAUTHENTICATED")
    forbidden = failure(key="sk-test-narrow-0123456789")
    assert (forbidden.code, forbidden.status) == (403, "PERMISSION_DENIED")
    unknown = failure("no-such-model")
    assert (unknown.code, unknown.status) == (404, "NOT_FOUND")
    client_of(target, key="sk-test-slow-0123456789").models.generate_content(model="echo-test", contents="x")
    limited = failure("echo-test", "sk-test-slow-0123456789")
    assert (limited.code, limited.status) == (429, "RESOURCE_EXHAUSTED") and isinstance(limited, errors.ClientError)
    down = failure("no-upstream")
    assert (down.code, down.status) == (502, "INTERNAL") and isinstance(down, errors.ServerError)
    assert target.mock.calls == []


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("streams", [False, True])
def test_errors_of_the_provider(target, status, streams):
    target.answer_with(status=status, error_message="the provider's own words")
    models = client_of(target).models
    kind = errors.ClientError if status < 500 else errors.ServerError
    with pytest.raises(kind) as failure:
        if streams:
            list(models.generate_content_stream(model=target.model, contents="x"))
        else:
            models.generate_content(model=target.model, contents="x")
    assert failure.value.code == status and "the provider's own words" in str(failure.value)


@pytest.mark.parametrize("target", MOCKED, indirect=True)
def test_cancelling_a_stream_ends_the_call(target):
    target.answer_with(step=True)
    threading.Thread(target=lambda: target.mock.wait_call().allow(2)).start()
    stream = client_of(target).models.generate_content_stream(model=target.model, contents="x")
    next(iter(stream))
    call = target.mock.wait_call()
    left = time.monotonic()
    stream.close()
    assert call.wait_peer_closed(10) - left < 2


@pytest.mark.parametrize("target", MOCKED, indirect=True)
@pytest.mark.parametrize("fault", [{"fin_after": 3}, {"fin_inside_chunk_after": 3}])
def test_a_broken_stream_raises(target, fault):
    target.answer_with(**fault)
    with pytest.raises(Exception) as failure:
        list(client_of(target).models.generate_content_stream(model=target.model, contents=TEXT))
    assert "httpx" in type(failure.value).__module__ or isinstance(failure.value, errors.APIError)
