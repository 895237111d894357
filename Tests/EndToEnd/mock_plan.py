"""What the mock provider does with one request: plain data, so that it can also come as JSON over the control path."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass
class UsageFacts:
    """Disjoint token counts; each dialect reports them in its own convention (inclusive or exclusive)."""

    input: int = 12
    cache_read: int = 5
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 7
    reasoning: int = 4


@dataclass
class Plan:
    # The answer.
    status: int = 200
    text: str = "Grüße, 世界 🌍 from the mock provider."
    repeat_input: bool = False
    tool_arguments: str = '{"city":"Zürich","unit":"°C"}'
    tools: bool = True
    body_kind: str = "dialect"  # for errors: dialect | html | empty | garbage | text | json_other
    error_message: str = "the mock provider was told to fail"
    headers: list = field(default_factory=list)  # further [name, value] pairs
    header_count: int = 0
    content_type: str | None = None
    retry_after: str | None = None
    usage: str = "exact"  # exact | missing | negative | string | huge | twice | zero | null
    facts: UsageFacts = field(default_factory=UsageFacts)
    extra_bytes: int = 0  # further answer text, for big whole answers
    stream_bytes: int = 0  # filler events until so many bytes were sent
    filler_event_bytes: int = 16384
    big_event_bytes: int = 0

    # Before and around the answer.
    answer_after: int | None = None  # answers once so many bytes of the body have come, and reads no request after it
    informational: list = field(default_factory=list)
    hang: bool = False
    reset_before_head: bool = False
    close_before_head: bool = False
    head_delay: float = 0
    first_delay: float = 0
    event_delay: float = 0
    step: bool = False  # every event waits for Call.allow()
    raw: str | None = None  # exactly these bytes (latin-1) in place of an answer
    raw_then: str = "close"  # close | keep | wait

    # Where a stream breaks: counted in events that were sent whole.
    reset_after: int | None = None
    fin_after: int | None = None
    fin_inside_chunk_after: int | None = None
    stall_after: int | None = None
    malformed_at: int | None = None
    error_event_at: int | None = None
    error_event_only: bool = False
    omit_done: bool = False
    omit_finish: bool = False

    # Bytes and framing.
    framing: str = "auto"  # auto | chunked | length | close, or one of mock_provider.BAD_FRAMINGS
    chop: int = 0  # bytes per write on the wire
    chunk_bytes: int = 0  # bytes per HTTP chunk; 0: one event, one chunk
    line_end: str = "lf"  # lf | crlf | cr
    bom: bool = False
    comments: bool = False
    multi_line: bool = False
    no_space: bool = False
    encoding: str | None = None  # gzip | deflate | bomb
    connection: str = "keep"  # keep | announce_close | silent_close

    @classmethod
    def of(cls, values: dict) -> "Plan":
        known = {f.name for f in fields(cls)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"unknown fields of a plan: {sorted(unknown)}")
        if isinstance(values.get("facts"), dict):
            values = dict(values, facts=UsageFacts(**values["facts"]))
        return cls(**values)
