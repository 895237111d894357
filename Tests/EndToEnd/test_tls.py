"""TLS on the listeners: SDKs over https, SNI, client certificates, certificates that change under load, and faults."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
import warnings

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types

import gateway
import raw_client
from gateway import KEY, chat_body
from raw_client import Broken, EventStream, RawConnection, poll, request
from sdk_target import TEXT, TIMEOUT
from tls import Authority
from tls_client import EndlessConnection, TLSConnection, handshake_alert

BODY = chat_body("echo-test")


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def localhost(authority):
    return authority.issue("DNS:localhost", "IP:127.0.0.1")


@pytest.fixture
def secure(launch, mock):
    """Starts a daemon whose one listener has these TLS settings."""
    def start(tls: dict, **server) -> gateway.Gateway:
        config = gateway.standard(mock.base)

        def prepare(made) -> None:
            config["server"] = {"listen": [{"address": f"127.0.0.1:{made.port}", "tls": tls}], **server}
            made.write_config(config)

        return launch(config, prepare=prepare)

    return start


def ask(connection: RawConnection, body: dict = BODY, fields: list[str] | None = None) -> raw_client.Response:
    return connection.send(request("POST", "/v1/chat/completions", KEY, body, fields=fields)).read()


# ------------------------------------------------------------ SDKs


def test_the_sdks_over_https(secure, mock, authority, localhost, monkeypatch):
    # Unmodified, and told of the authority as an operator would tell them.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    running = secure(localhost.config)
    assert f"listen   https://127.0.0.1:{running.port}" in running.output()
    base = f"https://localhost:{running.port}"
    mock.plan(text=TEXT, times=6)
    client = openai.OpenAI(base_url=f"{base}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT)
    messages = [{"role": "user", "content": TEXT}]
    answer = client.chat.completions.create(model="gpt-test", messages=messages)
    assert answer.choices[0].message.content == TEXT
    chunks = list(client.chat.completions.create(model="gpt-test", messages=messages, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == TEXT
    client = anthropic.Anthropic(base_url=base, api_key=KEY, max_retries=0, timeout=TIMEOUT)
    values = {"model": "claude-test", "max_tokens": 256, "messages": messages}
    assert client.messages.create(**values).content[0].text == TEXT
    with client.messages.stream(**values) as stream:
        assert "".join(stream.text_stream) == TEXT
    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base, timeout=int(TIMEOUT * 1000)))
    assert client.models.generate_content(model="gemini-test", contents=TEXT).text == TEXT
    chunks = list(client.models.generate_content_stream(model="gemini-test", contents=TEXT))
    assert "".join(c.text or "" for c in chunks) == TEXT


def test_a_client_of_one_s_own(secure, mock, authority, localhost):
    running = secure(localhost.config)
    mock.plan(text=TEXT)
    with httpx.Client(verify=authority.client()) as http:
        client = openai.OpenAI(base_url=f"https://localhost:{running.port}/v1", api_key=KEY, max_retries=0,
                               timeout=TIMEOUT, http_client=http)
        answer = client.chat.completions.create(model="gpt-test", messages=[{"role": "user", "content": TEXT}])
    assert answer.choices[0].message.content == TEXT


def test_a_client_that_does_not_trust_the_authority_leaves(secure, localhost):
    running = secure(localhost.config)
    client = openai.OpenAI(base_url=f"https://localhost:{running.port}/v1", api_key=KEY, max_retries=0, timeout=TIMEOUT)
    with pytest.raises(openai.APIConnectionError):
        client.models.list()
    running.assert_alive()


# ------------------------------------------------------------ handshakes


def test_sni_picks_the_certificate(secure, authority, localhost):
    exact, wild = authority.issue("DNS:a.wild.test"), authority.issue("DNS:*.wild.test", "DNS:Other.test")
    running = secure({**localhost.config, "certificates": [wild.config, exact.config],
                      "names": ["a.wild.test", "z.wild.test", "other.test"]})
    expected = {"localhost": localhost, "a.wild.test": exact, "b.wild.test": wild, "other.test": wild}
    for name, issued in expected.items():
        with TLSConnection(running.port, authority.client(), name) as connection:
            assert connection.certificate == issued.der, name
            assert ask(connection).status == 200
    # Names of none, and none at all: the first certificate. A wildcard stands for one label.
    anything = authority.client()
    anything.check_hostname = False
    for name in ("unknown.test", "a.b.wild.test", "wild.test", None):
        with TLSConnection(running.port, anything, name) as connection:
            assert connection.certificate == localhost.der, name
    assert running.metric("penstock_certificate_expiry_seconds", certificate=str(wild.cert)) > 40 * 3600


def test_protocol_versions(secure, authority, localhost):
    running = secure(localhost.config)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.client()
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        with TLSConnection(running.port, context) as connection:
            assert connection.socket.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
            assert connection.socket.selected_alpn_protocol() == "http/1.1"
            assert "GCM" in connection.socket.cipher()[0] or "CHACHA20" in connection.socket.cipher()[0]
            assert ask(connection).status == 200
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = authority.client()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        assert handshake_alert(running.port, context) == "TLSV1_ALERT_PROTOCOL_VERSION"
    # A client that offers no ALPN speaks HTTP/1.1.
    with TLSConnection(running.port, authority.client()) as connection:
        assert connection.socket.selected_alpn_protocol() is None and ask(connection).status == 200
    # No suite without forward secrecy.
    context = authority.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256:AES256-SHA")
    assert "HANDSHAKE_FAILURE" in handshake_alert(running.port, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificates(secure, authority, localhost, tmp_path, version):
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    stranger = Authority(other_folder).issue(common="stranger", usage="clientAuth")
    friend = authority.issue("URI:spiffe://test/ci", common="ci", usage="clientAuth")
    expired = authority.issue(common="late", usage="clientAuth", days=-1)
    wrong_use = authority.issue("DNS:server.test", usage="serverAuth")

    def alert(running, identity) -> str:
        context = authority.client(identity)
        context.minimum_version = context.maximum_version = version
        return handshake_alert(running.port, context)

    running = secure({**localhost.config, "client_ca": str(authority.ca_file)})
    assert alert(running, friend) == ""
    for refused in (None, stranger, expired, wrong_use):
        assert alert(running, refused) != "", refused
    optional = secure({**localhost.config, "client_ca": str(authority.ca_file), "client_auth": "optional"})
    assert alert(optional, friend) == "" and alert(optional, None) == ""
    for refused in (stranger, expired, wrong_use):
        assert alert(optional, refused) != "", refused
    for one in (running, optional):
        one.assert_alive()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("with_client_ca", [False, True])
def test_sessions_are_resumed(secure, authority, localhost, version, with_client_ca):
    running = secure({**localhost.config, **({"client_ca": str(authority.ca_file)} if with_client_ca else {})})
    context = authority.client(authority.issue(common="ci", usage="clientAuth"))
    context.minimum_version = context.maximum_version = version
    with TLSConnection(running.port, context) as connection:
        assert ask(connection).status == 200 and not connection.socket.session_reused
        session = connection.socket.session
    with TLSConnection(running.port, context, session=session) as connection:
        assert ask(connection).status == 200
        assert connection.socket.session_reused


# ------------------------------------------------------------ change


class Load:
    """Clients that ask over TLS without a pause, on connections that stay and on fresh ones."""

    def __init__(self, running, context: ssl.SSLContext, clients: int = 4) -> None:
        self.running, self.context = running, context
        self.stop = threading.Event()
        self.answered, self.failures = 0, []
        self.seen: set[bytes] = set()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(30)

    def _client(self, number: int) -> None:
        connection, count = None, 0
        while not self.stop.is_set():
            count += 1
            streams, problem = count % 3 == 0, ""
            try:
                connection = connection or TLSConnection(self.running.port, self.context)
                answer = ask(connection, chat_body("echo-test", stream=streams))
                if answer.status != 200 or (streams and not answer.body.endswith(b"data: [DONE]\n\n")):
                    problem = f"{answer.status} {answer.body[:200]!r}"
                if answer.headers.get("connection") == "close":
                    problem = "the connection was closed by a reload"
            except (OSError, Broken, AssertionError) as failure:
                problem = repr(failure)
            with self.lock:
                self.answered += 1
                if connection:
                    self.seen.add(connection.certificate)
                if problem:
                    self.failures.append(problem)
            # Half of the clients stay on their connection, so that it lives through every change.
            if problem or (number % 2 and count % 5 == 0):
                connection.close()
                connection = None


def shown(running, authority) -> bytes:
    with TLSConnection(running.port, authority.client()) as connection:
        return connection.certificate


def test_certificates_change_under_load(secure, authority, localhost):
    running = secure(localhost.config)
    ways = {"file watch": lambda: None, "SIGHUP": lambda: running.signal(signal.SIGHUP),
            "reload": lambda: running.command("reload")}
    with TLSConnection(running.port, authority.client()) as old, Load(running, authority.client()) as load:
        first = old.certificate
        assert ask(old).status == 200
        poll(lambda: load.answered > 50, 30, "the load runs")
        for tell in list(ways.values()) * 2:
            fresh = authority.issue("DNS:localhost", "IP:127.0.0.1")
            localhost.replace(fresh)
            tell()
            poll(lambda fresh=fresh: shown(running, authority) == fresh.der, 20, "the new one is shown", every=0.05)
            # The connection of before lives on with what it has.
            assert ask(old).status == 200 and old.certificate == first
        total = load.answered
        poll(lambda: load.answered > total + 50, 30, "the load still runs")
    assert load.failures == [], f"{len(load.failures)} of {load.answered}: {load.failures[:3]}"
    assert len(load.seen) > 2, "fresh connections saw the changes"
    assert "new connections get other certificates" in running.output()


def test_a_broken_certificate_changes_nothing_and_is_explained(secure, authority, localhost):
    running = secure(localhost.config)
    before = localhost.der
    other = authority.issue("DNS:localhost")
    expired = authority.issue("DNS:localhost", days=-1)
    good = localhost.cert.read_bytes()
    breaks = {
        b"garbage": r"error\[E7001\]: .*holds no certificate",
        b"": r"error\[E7001\]: .*holds no certificate",
        good[:300]: r"error\[E7001\]: .*holds no certificate",
        other.cert.read_bytes(): r"error\[E7002\]: .*does not belong to the certificate",
    }
    for content, expected in breaks.items():
        localhost.cert.write_bytes(content)
        failed = running.command("reload")
        assert failed.returncode == 1
        text = failed.stdout + failed.stderr
        assert re.search(expected, text), text
        assert re.search(r"gateway\.yaml:\d+:\d+", text) and "help:" in text
        assert shown(running, authority) == before
        assert running.metric("penstock_config_last_reload_successful") == 0
        assert "stale" in running.admin("/health/ready")[1]
    localhost.cert.unlink()
    failed = running.command("reload")
    assert failed.returncode == 1 and "no such file" in failed.stdout + failed.stderr
    assert shown(running, authority) == before
    # The file watch notices the mend by itself, and the log has every refusal.
    localhost.replace(other)
    poll(lambda: shown(running, authority) == other.der, 20, "the mended one is shown", every=0.05)
    poll(lambda: running.metric("penstock_config_last_reload_successful") == 1, 20, "the mend counts")
    localhost.replace(expired)
    poll(lambda: "E7003" in running.output(), 20, "the log says what is wrong")
    assert shown(running, authority) == other.der
    assert running.output().count("configuration refused") >= 5
    assert "PRIVATE KEY" not in running.output()


def test_tls_comes_and_goes_by_a_reload(launch, mock, authority, localhost):
    running = launch()
    with running.connect() as old:
        assert ask(old).status == 200
        config = gateway.standard(mock.base)
        config["server"] = {"listen": [{"address": f"127.0.0.1:{running.port}", "tls": localhost.config}]}
        running.write_config(config)
        assert running.command("reload").returncode == 0
        with TLSConnection(running.port, authority.client()) as connection:
            assert ask(connection).status == 200
            assert ask(old).status == 200, "what was open stays as it was"
            running.write_config(gateway.standard(mock.base))
            assert running.command("reload").returncode == 0
            assert running.chat("echo-test").status == 200
            assert ask(connection).status == 200


def test_files_that_are_not_watched_wait_for_a_reload(secure, authority, localhost):
    running = secure({**localhost.config, "reload": False})
    before, fresh = localhost.der, authority.issue("DNS:localhost")
    generation = running.metric("penstock_config_generation")
    localhost.replace(fresh)
    time.sleep(3)  # longer than the watch waits between two looks
    assert shown(running, authority) == before and running.metric("penstock_config_generation") == generation
    assert running.command("reload").returncode == 0
    assert shown(running, authority) == fresh.der


# ------------------------------------------------------------ check


def test_check_explains_every_fault(secure, authority, localhost, tmp_path):
    running = secure(localhost.config)
    other, expired = authority.issue("DNS:other.test"), authority.issue("DNS:late.test", days=-1)
    good = authority.issue("DNS:fine.test", days=200)
    soon = authority.issue("DNS:soon.test", days=13)
    encrypted = tmp_path / "encrypted.key"
    subprocess.run(["openssl", "pkey", "-in", str(good.key), "-aes256", "-passout", "pass:test", "-out",
                    str(encrypted)], check=True, capture_output=True)
    missing = str(tmp_path / "missing.pem")
    cases = [
        ({"cert": missing, "key": str(good.key)}, "E1404", "no such file"),
        ({"cert": str(good.cert), "key": missing}, "E1404", "no such file"),
        ({"cert": str(good.cert), "key": str(tmp_path)}, "E1404", "not a regular file"),
        ({"cert": str(good.cert)}, "E2102", "and no `key`"),
        ({}, "E2102", "has no certificate"),
        ({"cert": str(good.key), "key": str(good.key)}, "E7001", "holds no certificate"),
        ({"cert": str(good.cert), "key": str(good.cert)}, "E7002", "holds no private key"),
        ({"cert": str(good.cert), "key": str(other.key)}, "E7002", "does not belong"),
        ({"cert": str(good.cert), "key": str(encrypted)}, "E7002", "passphrase"),
        (expired.config, "E7003", "has expired on"),
        ({**good.config, "names": ["fine.test", "api.test"]}, "E7004", "no certificate is for `api.test`"),
        ({**good.config, "client_ca": str(good.key)}, "E7001", "holds no certificate of an authority"),
        ({**good.config, "client_auth": "required"}, "E2113", "means nothing without `client_ca`"),
        ({**good.config, "ciphers": "ALL"}, "E2103", "unknown key `ciphers`"),
        ({**soon.config, "certificates": [soon.config]}, "W7005", "ends in 1"),
        ({**soon.config, "certificates": [soon.config]}, "W7006", "is never chosen"),
    ]
    for tls, code, words in cases:
        config = {**running.config, "server": {"listen": [{"address": "127.0.0.1:1", "tls": tls}]}}
        running.write_text(json.dumps(running.complete(config), indent=2))
        done = running.command("check")
        text = done.stdout + done.stderr
        assert done.returncode == (0 if code.startswith("W") else 1), text
        kind = "warning" if code.startswith("W") else "error"
        assert re.search(rf"{kind}\[{code}\]: .*{re.escape(words)}.*\n\s+--> \S*gateway\.yaml:\d+:\d+", text), text
    # A certificate with time left, and nothing to say.
    config = {**running.config, "server": {"listen": [{"address": "127.0.0.1:1", "tls": good.config}]}}
    running.write_text(json.dumps(running.complete(config), indent=2))
    done = running.command("check")
    assert done.returncode == 0 and "7005" not in done.stdout, done.stdout
    # Keys in the clear on a network are worth a word; beside TLS they are not.
    for listener, is_warned in ((["0.0.0.0:1"], True), (["127.0.0.1:1"], False),
                                ([{"address": "0.0.0.0:1", "tls": good.config}], False)):
        config = {**running.config, "server": {"listen": listener}}
        running.write_text(json.dumps(running.complete(config), indent=2))
        assert ("warning[W7007]" in running.command("check").stdout) == is_warned


def test_the_resolved_configuration_reads_back(secure, authority, localhost):
    wild = authority.issue("DNS:*.wild.test")
    running = secure({**localhost.config, "certificates": [wild.config], "client_ca": str(authority.ca_file),
                      "client_auth": "optional", "names": ["localhost"]})
    resolved = running.command("show", "--resolved").stdout
    assert "client_auth: optional" in resolved and str(wild.key) in resolved and "PRIVATE" not in resolved


# ------------------------------------------------------------ faults


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                  b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
                                  + b"x" * 60000])
def test_http_in_the_clear_is_told_so(secure, authority, localhost, line):
    running = secure(localhost.config)
    with EndlessConnection(running.port) as connection:
        connection.send_tolerant(line)
        answer = connection.everything()
    assert answer.startswith(b"HTTP/1.1 400 ") and b"https://" in answer
    assert KEY.encode() not in answer
    with TLSConnection(running.port, authority.client()) as connection:
        assert ask(connection).status == 200


def test_garbage_does_no_harm(secure, authority, localhost):
    running = secure(localhost.config)
    seed = random.Random(7)
    hello = bytes.fromhex("160301")
    before = running.descriptors()
    for number in range(300):
        with EndlessConnection(running.port) as connection:
            size = seed.randrange(1, 400)
            noise = seed.randbytes(size)
            if number % 3 == 0:
                noise = hello + size.to_bytes(2, "big") + b"\x01" + noise
            if number % 3 == 1:
                noise = b"\x16" + noise
            connection.send_tolerant(noise)
            if number % 5 == 0:
                connection.reset()
                continue
            connection.socket.shutdown(socket.SHUT_WR)
            assert not connection.everything().startswith(b"HTTP/1.1 2")
    # Noise behind a whole handshake.
    for _ in range(30):
        with RawConnection(running.port) as raw:
            raw.socket.setblocking(True)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = authority.client().wrap_bio(incoming, outgoing, server_hostname="localhost")
            while True:
                try:
                    session.do_handshake()
                    raw.send(outgoing.read())
                    break
                except ssl.SSLWantReadError:
                    raw.send(outgoing.read())
                    incoming.write(raw.socket.recv(1 << 16))
            raw.send_tolerant(b"\x17\x03\x03\x00\x40" + seed.randbytes(64))
    running.assert_alive()
    with TLSConnection(running.port, authority.client()) as connection:
        assert ask(connection).status == 200
    poll(lambda: running.descriptors() <= before + 4, 20, "descriptors return to the base line")
    poll(lambda: running.metric("penstock_connections", side="downstream") == 0, 20, "no connection is left")


def test_a_handshake_has_the_time_of_a_head(secure, authority, localhost):
    running = secure(localhost.config, limits={"head_timeout": "300ms"})
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01"):
        with EndlessConnection(running.port) as connection:
            connection.send(sent)
            began = time.monotonic()
            connection.everything()
            assert time.monotonic() - began < 10
    with TLSConnection(running.port, authority.client()) as connection:
        assert ask(connection).status == 200
        # The bound is that of the handshake: what comes after has its own times.
        time.sleep(1.5)
        assert ask(connection).status == 200


def test_the_limit_on_connections_bounds_handshakes(secure, authority, localhost):
    running = secure(localhost.config, limits={"max_connections": 4})
    silent = [RawConnection(running.port) for _ in range(4)]
    poll(lambda: running.metric("penstock_connections", side="downstream") == 4, 10, "four handshakes wait")
    assert handshake_alert(running.port, authority.client()) != ""
    for one in silent:
        one.close()
    poll(lambda: handshake_alert(running.port, authority.client()) == "", 10, "there is room again")


def test_ends(secure, mock, authority, localhost):
    running = secure(localhost.config)
    context = authority.client()
    # `connection: close`: the answer, close_notify, the end.
    with TLSConnection(running.port, context) as connection:
        assert ask(connection, fields=["Connection: close"]).status == 200
        assert connection.at_end()
    # An answer before the body was read: it is readable, and the end is clean.
    with TLSConnection(running.port, context) as connection:
        connection.send(request("POST", "/v1/chat/completions", None, fields=["Content-Length: 500000"]))
        connection.send_tolerant(b"x" * 100_000)
        assert connection.read().status == 401
        assert connection.at_end()
    # A stream that breaks: TLS ends cleanly, HTTP does not: there is no last chunk.
    mock.plan(step=True, fin_after=3)
    with TLSConnection(running.port, context) as connection:
        connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
        mock.wait_call().allow_rest()
        stream = EventStream(connection)
        with pytest.raises(Broken):
            stream.rest()
        assert "[DONE]" not in stream.events
    # With HTTP/1.0 the end of the connection is the end of the body: then there is no close_notify either.
    mock.plan(step=True, fin_after=3)
    with TLSConnection(running.port, context) as connection:
        body = request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0")
        connection.send(body)
        call = mock.wait_calls(2)[-1]
        call.allow(2)
        head = connection.socket.recv(16)
        assert head.startswith(b"HTTP/1.1 200")
        call.allow_rest()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            while connection.socket.recv(1 << 16):
                pass


def test_a_client_that_leaves_is_noticed(secure, mock, authority, localhost):
    running = secure(localhost.config)
    for leave in ("close_notify", "fin", "reset"):
        mock.reset()
        mock.plan(stall_after=2)
        connection = TLSConnection(running.port, authority.client())
        connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
        call = mock.wait_call()
        assert EventStream(connection).next()
        left = time.monotonic()
        if leave == "close_notify":
            connection.socket.setblocking(False)
            with pytest.raises((ssl.SSLError, BlockingIOError)):
                connection.socket.unwrap()
        elif leave == "fin":
            connection.close()
        else:
            connection.reset()
        assert call.wait_peer_closed(10) - left < 2, leave
        connection.close()


def test_a_slow_reader_pauses_the_provider(secure, mock, authority, localhost):
    running = secure(localhost.config)
    with TLSConnection(running.port, authority.client()) as connection:
        assert ask(connection).status == 200
    before = running.rss_bytes()
    running.reset_peak()
    mock.plan(stream_bytes=32 << 20)
    connection = TLSConnection(running.port, authority.client(), receive_buffer=8192, timeout=60)
    connection.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
    stream = EventStream(connection)
    time.sleep(1)
    assert mock.wait_call().bytes_sent < 24 << 20
    total, tail = 0, b""
    while piece := connection.read_piece():
        total, tail = total + len(piece), (tail + piece)[-64:]
    assert stream.head.status == 200 and total > 32 << 20 and tail.endswith(b"data: [DONE]\n\n")
    assert running.peak_rss_bytes() - before < 24 << 20


def test_a_drain_ends_tls_connections(secure, mock, authority, localhost):
    running = secure(localhost.config)
    mock.plan(step=True)
    with TLSConnection(running.port, authority.client()) as busy, \
            TLSConnection(running.port, authority.client()) as idle, RawConnection(running.port) as shaking:
        assert ask(idle).status == 200
        busy.send(request("POST", "/v1/chat/completions", KEY, chat_body(stream=True)))
        call = mock.wait_call()
        call.allow(2)
        stream = EventStream(busy)
        assert stream.next()
        running.signal(signal.SIGTERM)
        assert idle.at_end() and shaking.at_end()
        call.allow_rest()
        assert stream.drain() == "clean" and stream.events[-1] == "[DONE]"
    running.wait_exit()


def test_memory_of_idle_connections(secure, authority, localhost, capsys):
    """Printed, and bounded loosely: an allocator's noise is in it."""
    running = secure(localhost.config)
    context = authority.client()
    count = 400

    def open_some(wanted: int) -> list[TLSConnection]:
        made = []
        for _ in range(wanted):
            connection = TLSConnection(running.port, context)
            assert ask(connection).status == 200
            made.append(connection)
        return made

    first = open_some(8)
    before = running.rss_bytes()
    held = first + open_some(count)
    each = (running.rss_bytes() - before) / count
    with capsys.disabled():
        print(f"\n{count} idle TLS connections: {each / 1024:.1f} KiB each")
    for connection in held:
        connection.close()
    assert each < 128 << 10
