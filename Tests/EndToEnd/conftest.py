from __future__ import annotations

import os

import pytest

import gateway
import sdk_target
from gateway import Gateway
from mock_provider import MockProvider

# SDKs trust the environment; loopback must never go through somebody's proxy.
for _name in list(os.environ):
    if _name.lower().endswith("_proxy"):
        del os.environ[_name]
os.environ["NO_PROXY"] = "127.0.0.1,localhost"


@pytest.fixture(scope="module")
def _module_mock():
    with MockProvider() as mock:
        yield mock


@pytest.fixture
def mock(_module_mock: MockProvider):
    """The module's mock provider, without plans or records of other tests; it judges the gateway's own HTTP."""
    _module_mock.reset()
    yield _module_mock
    assert _module_mock.violations == []


@pytest.fixture(scope="module")
def _module_gateway(_module_mock: MockProvider, request):
    timeouts = getattr(request.module, "TIMEOUTS", {})
    config = gateway.standard(_module_mock.base, **timeouts)
    change = getattr(request.module, "configure", None)
    if change:
        change(config)
    with Gateway(config, routes=getattr(request.module, "ROUTES", None)) as running:
        yield running


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Lets fixtures know whether the test itself failed."""
    report = (yield).get_result()
    if report.when == "call":
        item.has_failed = report.failed


@pytest.fixture
def gw(_module_gateway: Gateway, mock: MockProvider, request):
    """The module's daemon in front of `mock`; after each test it must still live."""
    yield _module_gateway
    if getattr(request.node, "has_failed", False):
        print(_module_gateway.output()[-4000:])
    _module_gateway.assert_alive()


@pytest.fixture
def target(request) -> sdk_target.Target:
    """Where the module's SDK is pointed at: one of `sdk_target.ALL`, an indirect parameter. The module has a MODEL."""
    return sdk_target.make(request.param, request.module.MODEL, request)


@pytest.fixture
def launch(mock: MockProvider, request):
    """Starts a daemon of the test's own; all are stopped, and must stop well, at the end."""
    running: list[Gateway] = []

    def start(config: dict | None = None, **options) -> Gateway:
        made = Gateway(config or gateway.standard(mock.base), **options)
        running.append(made)
        return made.start()

    yield start
    problems = []
    for one in running:
        try:
            if one.process is not None and one.process.poll() is None:
                one.stop()
        except BaseException as problem:  # every daemon is stopped before the first problem is raised
            problems.append(problem)
        finally:
            one.kill()
            if problems or getattr(request.node, "has_failed", False):
                print(f"--- output of the daemon:\n{one.output()[-8000:]}")
            one.remove()
    if problems:
        raise problems[0]
