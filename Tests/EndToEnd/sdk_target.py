"""Where an SDK is pointed at: the daemon in front of the mock, the daemon's echo provider, or the mock itself.

The last proves that a flow is right; what passes there and fails through the daemon is the daemon's fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gateway import KEY, Gateway, free_port
from mock_provider import MockProvider

TEXT = "Grüße aus 世界 🌍, said the “test”\n— twice."
TIMEOUT = 20.0


@dataclass
class Target:
    kind: str  # direct | gateway | echo
    base: str
    model: str
    mock: MockProvider
    gateway: Gateway | None
    kept: list = field(default_factory=list)  # clients that close when they are collected

    @property
    def is_echo(self) -> bool:
        return self.kind == "echo"

    @property
    def upstream_is_mock(self) -> bool:
        return self.kind != "echo"

    def answer_with(self, text: str = TEXT, times: int = 1, **plan) -> None:
        """The mock's next answers; echo repeats what it was asked, so tests ask for the same text."""
        if not self.is_echo:
            self.mock.plan(text=text, times=times, **plan)

    def check_upstream(self, upstream_model: str) -> None:
        """The provider was asked for its own name of the model, once."""
        if self.kind == "gateway":
            assert [c.model for c in self.mock.calls] == [upstream_model]


def configuration(provider_type: str, base_path: str = ""):
    """A module's `configure`: a key for one model, a key with a limit, a model whose provider nobody answers for."""
    def configure(config: dict) -> None:
        config["keys"].append({"name": "narrow", "secret": "sk-test-narrow-0123456789", "models": ["echo-test"]})
        config["keys"].append({"name": "slow", "secret": "sk-test-slow-0123456789", "limits": {"rpm": 1}})
        config["models"]["no-upstream"] = {"use": "dead/m"}
        config["providers"]["dead"] = {"type": provider_type, "api_key": "none",
                                       "base_url": f"http://127.0.0.1:{free_port()}{base_path}"}

    return configure


def make(kind: str, model: str, request: pytest.FixtureRequest) -> Target:
    mock = request.getfixturevalue("mock")
    if kind == "direct":
        return Target(kind, mock.base, model, mock, None)
    running = request.getfixturevalue("gw")
    return Target(kind, running.base, "echo-test" if kind == "echo" else model, mock, running)


ALL = ["direct", "gateway", "echo"]
MOCKED = ["direct", "gateway"]
KEYS = {"direct": "sk-test-any", "gateway": KEY, "echo": KEY}
