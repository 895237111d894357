"""Answers of the mock provider in the formats of OpenAI, Anthropic and Gemini. Pure functions; deterministic."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Iterable, Iterator

from mock_plan import Plan

HUGE = 9_223_372_036_854_775_807
AUDIO = bytes(range(256)) * 16
CREATED = 1_750_000_000


@dataclass
class Event:
    data: str
    name: str | None = None


@dataclass
class Answer:
    status: int
    content_type: str | None
    body: bytes | None = None
    events: Iterable[Event] | None = None


def family_of(path: str, headers: dict[str, str]) -> str:
    if path.startswith("/v1/messages") or (path.startswith("/v1/models") and "anthropic-version" in headers):
        return "anthropic"
    if path.startswith("/v1beta/") or re.match(r"/v1/models/[^/]+:", path):
        return "gemini"
    return "openai"


def model_of(path: str, body: bytes, parsed: object) -> str | None:
    in_path = re.match(r"/v1(?:beta)?/models/([^/:]+):", path)
    if in_path:
        return in_path.group(1)
    if isinstance(parsed, dict) and isinstance(parsed.get("model"), str):
        return parsed["model"]
    part = re.search(rb'name="model"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n', body)
    return part.group(1).decode() if part else None


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pieces_of(text: str) -> list[str]:
    """A text in fragments as a tokenizer would cut it; joined they are the text again."""
    return re.findall(r"\s*\S+|\s+$", text) or [text]


# ---------------------------------------------------------------- usage

def _twist(plan: Plan, usage: dict) -> dict | None:
    """One usage object, mutated as the plan says; nested detail objects follow their parent."""
    if plan.usage == "missing":
        return None
    if plan.usage in ("exact", "twice"):
        return usage
    change = {"negative": lambda v: -5, "string": str, "huge": lambda v: HUGE, "zero": lambda v: 0,
              "null": lambda v: None}[plan.usage]
    return {
        k: (_twist(plan, v) if isinstance(v, dict) else change(v) if isinstance(v, int) else v)
        for k, v in usage.items()
    }


def openai_usage(plan: Plan) -> dict | None:
    f = plan.facts
    prompt = f.input + f.cache_read + f.cache_write_5m + f.cache_write_1h
    return _twist(plan, {
        "prompt_tokens": prompt, "completion_tokens": f.output + f.reasoning,
        "total_tokens": prompt + f.output + f.reasoning,
        "prompt_tokens_details": {"cached_tokens": f.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": f.reasoning, "audio_tokens": 0},
    })


def responses_usage(plan: Plan) -> dict | None:
    f = plan.facts
    return _twist(plan, {
        "input_tokens": f.input + f.cache_read, "input_tokens_details": {"cached_tokens": f.cache_read},
        "output_tokens": f.output + f.reasoning, "output_tokens_details": {"reasoning_tokens": f.reasoning},
        "total_tokens": f.input + f.cache_read + f.output + f.reasoning,
    })


def anthropic_usage(plan: Plan, output: int) -> dict | None:
    f = plan.facts
    return _twist(plan, {
        "input_tokens": f.input, "cache_read_input_tokens": f.cache_read,
        "cache_creation_input_tokens": f.cache_write_5m + f.cache_write_1h,
        "cache_creation": {"ephemeral_5m_input_tokens": f.cache_write_5m,
                           "ephemeral_1h_input_tokens": f.cache_write_1h},
        "output_tokens": output,
    })


def gemini_usage(plan: Plan, share: float = 1.0) -> dict | None:
    f = plan.facts
    out = int(f.output * share)
    return _twist(plan, {
        "promptTokenCount": f.input + f.cache_read, "cachedContentTokenCount": f.cache_read,
        "candidatesTokenCount": out, "thoughtsTokenCount": f.reasoning,
        "totalTokenCount": f.input + f.cache_read + out + f.reasoning,
    })


def _with(value: dict, key: str, usage: dict | None) -> dict:
    return value if usage is None else dict(value, **{key: usage})


# ---------------------------------------------------------------- errors

OPENAI_TYPES = {429: "requests", 500: "server_error", 502: "server_error", 503: "server_error", 504: "server_error"}
ANTHROPIC_TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error",
                   403: "permission_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error",
                   504: "timeout_error", 529: "overloaded_error"}
GEMINI_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
                 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


def error_object(family: str, status: int, message: str) -> dict:
    if family == "anthropic":
        return {"type": "error", "error": {"type": ANTHROPIC_TYPES.get(status, "api_error"), "message": message},
                "request_id": "req_mock"}
    if family == "gemini":
        return {"error": {"code": status, "message": message, "status": GEMINI_STATUS.get(status, "INTERNAL")}}
    return {"error": {"message": message, "type": OPENAI_TYPES.get(status, "invalid_request_error"), "param": None,
                      "code": "mock_told_to_fail"}}


def error_answer(family: str, plan: Plan) -> Answer:
    if plan.body_kind == "html":
        return Answer(plan.status, "text/html", b"<html><body><h1>mock-internal-host.example broke</h1></body></html>")
    if plan.body_kind == "empty":
        return Answer(plan.status, None, b"")
    if plan.body_kind == "garbage":
        return Answer(plan.status, "application/json", b'{"error": {"message": "unterminated \xff\xfe')
    if plan.body_kind == "text":
        return Answer(plan.status, "text/plain", b"upstream connect error at mock-internal-host.example:9999")
    if plan.body_kind == "json_other":
        return Answer(plan.status, "application/json", b'["mock-internal-host.example"]')
    return Answer(plan.status, "application/json", dump(error_object(family, plan.status, plan.error_message)).encode())


# ---------------------------------------------------------------- OpenAI

def _filler(plan: Plan, make) -> Iterator[Event]:
    """Events of one size until the plan's bytes are reached; the same object again and again, to cost no memory."""
    if plan.stream_bytes:
        event = make("x" * plan.filler_event_bytes)
        for _ in range(plan.stream_bytes // plan.filler_event_bytes):
            yield event
    if plan.big_event_bytes:
        yield make("y" * plan.big_event_bytes)


def _input_text(request: dict) -> str:
    messages = request.get("messages") or []
    for message in reversed(messages):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            return "".join(p.get("text", "") for p in content or [])
    return ""


def _text(plan: Plan, request: dict) -> str:
    return (_input_text(request) if plan.repeat_input else plan.text) + "z" * plan.extra_bytes


def _tool_name(plan: Plan, request: dict, answered: bool) -> str | None:
    tools = request.get("tools")
    if not plan.tools or answered or not tools:
        return None
    first = tools[0]
    return first.get("function", first).get("name")


def chat(request: dict, plan: Plan) -> Answer:
    model = request["model"]
    answered = any(m.get("role") == "tool" for m in request.get("messages", []))
    tool = _tool_name(plan, request, answered)
    count = int(request.get("n") or 1)
    text = _text(plan, request)
    base = {"id": "chatcmpl-mock", "created": CREATED, "model": model, "service_tier": "default"}
    if request.get("stream"):
        return Answer(200, "text/event-stream; charset=utf-8",
                      events=_chat_events(base, text, tool, count, request, plan))
    if tool:
        message = {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_mock", "type": "function", "function": {"name": tool, "arguments": plan.tool_arguments}}]}
    else:
        message = {"role": "assistant", "content": text, "refusal": None}
    choices = [{"index": i, "message": message, "logprobs": None, "finish_reason": "tool_calls" if tool else "stop"}
               for i in range(count)]
    body = _with(dict(base, object="chat.completion", choices=choices), "usage", openai_usage(plan))
    return Answer(200, "application/json", dump(body).encode())


def _chat_events(base: dict, text: str, tool: str | None, count: int, request: dict, plan: Plan) -> Iterator[Event]:
    wants = bool((request.get("stream_options") or {}).get("include_usage"))
    null_usage = {"usage": None} if wants else {}

    def chunk(delta: dict, index: int = 0, finish: str | None = None) -> Event:
        return Event(dump(dict(base, object="chat.completion.chunk", **null_usage, choices=[
            {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}])))

    for index in range(count):
        yield chunk({"role": "assistant", "content": None if tool else ""}, index)
    if tool:
        yield chunk({"tool_calls": [{"index": 0, "id": "call_mock", "type": "function",
                                     "function": {"name": tool, "arguments": ""}}]})
        arguments = plan.tool_arguments
        for start in range(0, len(arguments), 5):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments[start:start + 5]}}]})
    else:
        for piece in pieces_of(text):
            for index in range(count):
                yield chunk({"content": piece}, index)
        yield from _filler(plan, lambda t: chunk({"content": t}))
    if not plan.omit_finish:
        for index in range(count):
            yield chunk({}, index, "tool_calls" if tool else "stop")
    usage = openai_usage(plan)
    if wants and usage is not None:
        if plan.usage == "twice":
            early = dict(usage, completion_tokens=1, total_tokens=usage["prompt_tokens"] + 1)
            yield Event(dump(dict(base, object="chat.completion.chunk", choices=[], usage=early)))
        yield Event(dump(dict(base, object="chat.completion.chunk", choices=[], usage=usage)))
    if not plan.omit_done:
        yield Event("[DONE]")


def completions(request: dict, plan: Plan) -> Answer:
    base = {"id": "cmpl-mock", "object": "text_completion", "created": CREATED, "model": request["model"]}

    def choice(text: str, finish: str | None) -> list:
        return [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish}]

    if not request.get("stream"):
        body = _with(dict(base, choices=choice(plan.text, "stop")), "usage", openai_usage(plan))
        return Answer(200, "application/json", dump(body).encode())

    def events() -> Iterator[Event]:
        for piece in pieces_of(plan.text):
            yield Event(dump(dict(base, choices=choice(piece, None))))
        yield Event(dump(dict(base, choices=choice("", "stop"))))
        if (request.get("stream_options") or {}).get("include_usage"):
            yield Event(dump(_with(dict(base, choices=[]), "usage", openai_usage(plan))))
        if not plan.omit_done:
            yield Event("[DONE]")

    return Answer(200, "text/event-stream", events=events())


def responses(request: dict, plan: Plan) -> Answer:
    part = {"type": "output_text", "text": plan.text, "annotations": [], "logprobs": []}
    item = {"id": "msg_mock", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    whole = {"id": "resp_mock", "object": "response", "created_at": CREATED, "status": "completed", "error": None,
             "incomplete_details": None, "instructions": None, "metadata": {}, "model": request["model"],
             "output": [item], "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [],
             "top_p": 1.0}
    whole = _with(whole, "usage", responses_usage(plan))
    if not request.get("stream"):
        return Answer(200, "application/json", dump(whole).encode())

    def events() -> Iterator[Event]:
        number = 0

        def event(kind: str, **values) -> Event:
            nonlocal number
            number += 1
            return Event(dump(dict({"type": kind, "sequence_number": number - 1}, **values)), kind)

        started = dict(whole, status="in_progress", output=[], usage=None)
        place = {"item_id": "msg_mock", "output_index": 0, "content_index": 0}
        yield event("response.created", response=started)
        yield event("response.in_progress", response=started)
        yield event("response.output_item.added", output_index=0, item=dict(item, status="in_progress", content=[]))
        yield event("response.content_part.added", **place, part=dict(part, text=""))
        for piece in pieces_of(plan.text):
            yield event("response.output_text.delta", **place, delta=piece, logprobs=[])
        yield from _filler(plan, lambda t: event("response.output_text.delta", **place, delta=t, logprobs=[]))
        yield event("response.output_text.done", **place, text=plan.text, logprobs=[])
        yield event("response.content_part.done", **place, part=part)
        yield event("response.output_item.done", output_index=0, item=item)
        if not plan.omit_finish:
            yield event("response.completed", response=whole)

    return Answer(200, "text/event-stream", events=events())


def embeddings(request: dict, plan: Plan) -> Answer:
    inputs = request["input"] if isinstance(request["input"], list) else [request["input"]]
    vector: object = [0.25, -0.5, 1.0]
    if request.get("encoding_format") == "base64":
        vector = "AACAPgAAAL8AAIA/"
    data = [{"object": "embedding", "index": i, "embedding": vector} for i in range(len(inputs))]
    usage = _twist(plan, {"prompt_tokens": plan.facts.input, "total_tokens": plan.facts.input})
    body = _with({"object": "list", "data": data, "model": request["model"]}, "usage", usage)
    return Answer(200, "application/json", dump(body).encode())


def small_openai(path: str, request: dict, plan: Plan) -> Answer | None:
    name = path.removeprefix("/v1/")
    if name == "moderations":
        body: dict = {"id": "modr-mock", "model": request["model"], "results": [
            {"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0.01}}]}
    elif name.startswith("images/"):
        body = {"created": CREATED, "data": [{"b64_json": "aGVsbG8="}], "usage": {
            "input_tokens": 9, "output_tokens": 4, "total_tokens": 13,
            "input_tokens_details": {"text_tokens": 6, "image_tokens": 3}}}
    elif name in ("audio/transcriptions", "audio/translations"):
        body = {"text": plan.text, "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 5,
                                             "total_tokens": 19,
                                             "input_token_details": {"text_tokens": 4, "audio_tokens": 10}}}
    elif name == "rerank":
        body = {"id": "rerank-mock", "model": request["model"], "results": [
            {"index": i, "relevance_score": 1.0 / (i + 1)} for i in range(len(request.get("documents", [])))],
            "usage": {"total_tokens": 21}}
    elif name == "audio/speech":
        return Answer(200, "audio/mpeg", AUDIO)
    else:
        return None
    return Answer(200, "application/json", dump(body).encode())


# ---------------------------------------------------------------- Anthropic

def messages(request: dict, plan: Plan) -> Answer:
    answered = any(isinstance(m.get("content"), list) and any(p.get("type") == "tool_result" for p in m["content"])
                   for m in request.get("messages", []))
    tool = _tool_name(plan, request, answered)
    text = _text(plan, request)
    output = plan.facts.output + plan.facts.reasoning
    base = {"id": "msg_mock", "type": "message", "role": "assistant", "model": request["model"]}
    if request.get("stream"):
        return Answer(200, "text/event-stream; charset=utf-8",
                      events=_message_events(base, text, tool, output, plan))
    content = {"type": "text", "text": text}
    if tool:
        content = {"type": "tool_use", "id": "toolu_mock", "name": tool, "input": json.loads(plan.tool_arguments)}
    body = dict(base, content=[content], stop_reason="tool_use" if tool else "end_turn", stop_sequence=None)
    return Answer(200, "application/json", dump(_with(body, "usage", anthropic_usage(plan, output))).encode())


def _message_events(base: dict, text: str, tool: str | None, output: int, plan: Plan) -> Iterator[Event]:
    def event(kind: str, **values) -> Event:
        return Event(dump(dict({"type": kind}, **values)), kind)

    start = dict(base, content=[], stop_reason=None, stop_sequence=None)
    yield event("message_start", message=_with(start, "usage", anthropic_usage(plan, 1)))
    block = {"type": "text", "text": ""}
    if tool:
        block = {"type": "tool_use", "id": "toolu_mock", "name": tool, "input": {}}
    yield event("content_block_start", index=0, content_block=block)
    yield event("ping")
    if tool:
        arguments = plan.tool_arguments
        for at in range(0, len(arguments), 5):
            yield event("content_block_delta", index=0,
                        delta={"type": "input_json_delta", "partial_json": arguments[at:at + 5]})
    else:
        def delta(t: str) -> Event:
            return event("content_block_delta", index=0, delta={"type": "text_delta", "text": t})

        for piece in pieces_of(text):
            yield delta(piece)
        yield from _filler(plan, delta)
    if plan.omit_finish:
        return
    yield event("content_block_stop", index=0)
    stop = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
    if plan.usage == "twice":
        yield event("message_delta", delta=stop, usage={"output_tokens": 2})
    usage = _twist(plan, {"output_tokens": output})
    yield event("message_delta", **_with({"delta": stop}, "usage", usage))
    yield event("message_stop")


# ---------------------------------------------------------------- Gemini

def gemini(verb: str, model: str, request: dict, query: str, plan: Plan) -> Answer | None:
    if verb == "countTokens":
        return Answer(200, "application/json", dump({"totalTokens": plan.facts.input}).encode())
    if verb in ("embedContent", "batchEmbedContents"):
        value = {"values": [0.25, -0.5, 1.0]}
        body = {"embedding": value} if verb == "embedContent" else {"embeddings": [value] * len(request["requests"])}
        return Answer(200, "application/json", dump(body).encode())
    declarations = [d for t in request.get("tools") or [] for d in t.get("functionDeclarations") or []]
    answered = any("functionResponse" in p for c in request.get("contents", []) for p in c.get("parts", []))
    tool = declarations[0]["name"] if declarations and plan.tools and not answered else None

    def chunk(part: dict, finish: str | None, share: float) -> dict:
        candidate = {"content": {"role": "model", "parts": [part]}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        body = {"candidates": [candidate], "modelVersion": model, "responseId": "resp-mock"}
        return _with(body, "usageMetadata", gemini_usage(plan, share))

    call = {"functionCall": {"name": tool, "args": json.loads(plan.tool_arguments)}, "thoughtSignature": "bW9jaw=="}
    text = plan.text + "z" * plan.extra_bytes
    if verb == "generateContent":
        return Answer(200, "application/json; charset=UTF-8",
                      dump(chunk(call if tool else {"text": text}, "STOP", 1.0)).encode())
    if verb != "streamGenerateContent":
        return None

    def chunks() -> Iterator[dict]:
        if tool:
            yield chunk(call, None, 0.5)
        else:
            parts = pieces_of(text)
            for number, piece in enumerate(parts):
                yield chunk({"text": piece}, None, (number + 1) / (len(parts) + 1))
        if not plan.omit_finish:
            yield chunk({"text": ""}, "STOP", 1.0)

    if "alt=sse" in query:
        def events() -> Iterator[Event]:
            last = list(chunks())
            for value in last[:-1]:
                yield Event(dump(value))
            yield from _filler(plan, lambda t: Event(dump(chunk({"text": t}, None, 0.5))))
            yield Event(dump(last[-1]))

        return Answer(200, "text/event-stream", events=events())
    return Answer(200, "application/json", dump(list(chunks())).encode())


# ---------------------------------------------------------------- models, dispatch

MODELS = ["mock-small", "mock-large"]


def model_list(family: str, one: str | None) -> Answer:
    def shape(name: str) -> dict:
        if family == "anthropic":
            return {"type": "model", "id": name, "display_name": name, "created_at": "2025-06-15T00:00:00Z"}
        if family == "gemini":
            return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": ["generateContent"]}
        return {"id": name, "object": "model", "created": CREATED, "owned_by": "mock"}

    if one is not None:
        if one not in MODELS:
            return Answer(404, "application/json", dump(error_object(family, 404, "no such model")).encode())
        return Answer(200, "application/json", dump(shape(one)).encode())
    all_models = [shape(m) for m in MODELS]
    if family == "anthropic":
        body: dict = {"data": all_models, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
    elif family == "gemini":
        body = {"models": all_models}
    else:
        body = {"object": "list", "data": all_models}
    return Answer(200, "application/json", dump(body).encode())


def answer(method: str, path: str, query: str, family: str, model: str | None, request: object, plan: Plan) -> Answer:
    """What a provider would answer to this request; 404 in its dialect for what it does not know."""
    if plan.status >= 400:
        return error_answer(family, plan)
    made: Answer | None = None
    listing = re.fullmatch(r"/v1(?:beta)?/models(?:/([^/:]+))?", path)
    if method == "GET" and listing:
        made = model_list(family, listing.group(1))
    elif method == "POST":
        value = request if isinstance(request, dict) else {"model": model}
        in_path = re.fullmatch(r"/v1(?:beta)?/models/([^/:]+):(\w+)", path)
        if in_path:
            made = gemini(in_path.group(2), in_path.group(1), value, query, plan)
        elif path == "/v1/messages":
            made = messages(value, plan)
        elif path == "/v1/messages/count_tokens":
            made = Answer(200, "application/json", dump({"input_tokens": plan.facts.input}).encode())
        else:
            makers = {"/v1/chat/completions": chat, "/v1/completions": completions, "/v1/responses": responses,
                      "/v1/embeddings": embeddings}
            made = makers[path](value, plan) if path in makers else small_openai(path, value, plan)
    return made or Answer(404, "application/json", dump(error_object(family, 404, "no such path")).encode())
