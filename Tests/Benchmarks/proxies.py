"""The three proxies, the mock upstream behind them, and how each is configured. All on 127.0.0.1 and free ports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

from machine import LOAD_CORE, PROXY_CORE, Child, free_ports, tree

KEY = "sk-test-bench-key-0123456789"
START_SECONDS_MAX = 30.0
REQUEST_BODY_BYTES = 600


# ------------------------------------------------------------ requests


def request_body(model: str, stream: bool) -> bytes:
    """A chat request of exactly 600 bytes, with the fields that SDKs commonly send."""
    body = {"model": model, "messages": [
        {"role": "system", "content": "You are a careful assistant. Answer in plain words."},
        {"role": "user", "content": ""}], "temperature": 0.2, "max_tokens": 256, "user": "bench-user-1"}
    if stream:
        body["stream"] = True
    words = "What does a gateway cost for every request that passes it, and where does the time go? "
    text = words * 10
    spare = REQUEST_BODY_BYTES - len(json.dumps(body, separators=(",", ":")))
    body["messages"][1]["content"] = text[:spare]
    return json.dumps(body, separators=(",", ":")).encode()


# ------------------------------------------------------------ certificates


def make_authority(directory: Path) -> tuple[Path, Path, Path]:
    """A certificate authority for this run and a certificate for `localhost`: CA file, certificate, key."""
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60, cwd=directory)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=Penstock bench authority", "-keyout", "ca.key",
            "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    extensions = directory / "server.ext"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", str(extensions), "-out", "server.pem")
    return directory / "ca.pem", directory / "server.pem", directory / "server.key"


# ------------------------------------------------------------ the mock upstream


class Upstream:
    """The mock. It ends when its standard input does, so it never outlives the runner."""

    def __init__(self, binaries: Path, directory: Path) -> None:
        self.ca, self.certificate, self.key = make_authority(directory)
        self.child = Child([str(binaries / "upstream"), str(self.certificate), str(self.key)], LOAD_CORE, directory,
                           directory / "upstream.log", pipes=True)
        words = self._line().split()
        if len(words) != 3 or words[0] != "ready":
            raise RuntimeError(f"the mock upstream did not start: {self.child.output()}")
        self.port, self.tls_port = int(words[1]), int(words[2])

    def __enter__(self) -> "Upstream":
        return self

    def __exit__(self, *_) -> None:
        self.child.end()

    def _line(self) -> str:
        return self.child.process.stdout.readline().decode()

    def _command(self, text: str) -> str:
        self.child.process.stdin.write(text.encode() + b"\n")
        self.child.process.stdin.flush()
        return self._line()

    def set(self, events: int, gap_us: int) -> None:
        self._command(f"set {events} {gap_us}")

    def counts(self) -> dict[str, int]:
        names = ("requests", "streams", "connections", "open", "handshakes", "resumed")
        return dict(zip(names, map(int, self._command("count").split()), strict=True))


# ------------------------------------------------------------ proxies


class Proxy:
    """One way to the mock. `port` forwards in the clear, `tls_port` to the mock's TLS listener, verified; `https_port`
    takes TLS itself and forwards in the clear."""

    name = "direct"
    headers: list[str] = []

    def __init__(self, upstream: Upstream, directory: Path) -> None:
        self.upstream, self.directory = upstream, directory
        self.port, self.tls_port, self.https_port, self.child = upstream.port, 0, 0, None
        self.models = {False: "gpt-test", True: "gpt-test"}

    def configure(self) -> list[str]:
        return []

    def start(self) -> float:
        """Starts it on its core and waits for the first answered request; the milliseconds between the two."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command = self.configure()
        began = time.perf_counter()
        self.child = Child(command, PROXY_CORE, self.directory, self.directory / "output.log")
        wait_for_answer(self, began)
        return (time.perf_counter() - began) * 1000

    def stop(self) -> None:
        if self.child:
            self.child.end()
            self.child = None

    @property
    def pids(self) -> list[int]:
        return tree(self.child.pid) if self.child else []

    def clean(self) -> None:
        """Between two steps: what it wrote is thrown away."""


def ask_once(port: int, headers: list[str], model: str) -> bytes:
    body = request_body(model, stream=False)
    head = [f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json",
            f"Content-Length: {len(body)}\r\nConnection: close", *headers]
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def wait_for_answer(proxy: Proxy, began: float) -> None:
    last = "no connection"
    while time.perf_counter() - began < START_SECONDS_MAX:
        try:
            answer = ask_once(proxy.port, proxy.headers, proxy.models[False])
            if answer.startswith(b"HTTP/1.1 200"):
                return
            last = answer[:300].decode(errors="replace")
        except OSError as error:
            last = str(error)
        if proxy.child and not proxy.child.is_alive():
            break
        time.sleep(0.0005)
    output = proxy.child.output() if proxy.child else ""
    proxy.stop()
    raise RuntimeError(f"{proxy.name} gave no 200 on port {proxy.port}: {last}\n{output}")


class Nginx(Proxy):
    name = "nginx"

    def configure(self) -> list[str]:
        self.port, self.tls_port, self.https_port = free_ports(3)
        server = """
    server {{
        listen 127.0.0.1:{port} {listen} backlog=16384;
        {certificate}
        location / {{
            proxy_pass {scheme}://{pool};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 600s;
            {tls}
        }}
    }}"""
        tls = (f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {self.upstream.ca}; proxy_ssl_verify_depth 2; "
               "proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_session_reuse on; "
               "proxy_ssl_protocols TLSv1.2 TLSv1.3;")
        certificate = (f"ssl_certificate {self.upstream.certificate}; ssl_certificate_key {self.upstream.key}; "
                       "ssl_protocols TLSv1.2 TLSv1.3;")
        pools = "".join(
            f"    upstream {pool} {{ server 127.0.0.1:{port}; keepalive 1024; keepalive_requests 1000000000; }}\n"
            for pool, port in (("plain", self.upstream.port), ("secure", self.upstream.tls_port)))
        folders = "".join(f"    {kind}_temp_path {self.directory}/{kind};\n"
                          for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(
            f"{user}worker_processes 1;\nworker_rlimit_nofile 65536;\ndaemon off;\npid {self.directory}/nginx.pid;\n"
            f"error_log {self.directory}/error.log error;\nevents {{ worker_connections 32768; }}\nhttp {{\n"
            f"    access_log off;\n    tcp_nodelay on;\n    keepalive_timeout 600s;\n"
            f"    keepalive_requests 1000000000;\n{folders}{pools}"
            + server.format(port=self.port, listen="", certificate="", scheme="http", pool="plain", tls="")
            + server.format(port=self.tls_port, listen="", certificate="", scheme="https", pool="secure", tls=tls)
            + server.format(port=self.https_port, listen="ssl", certificate=certificate, scheme="http", pool="plain",
                            tls="") + "\n}\n")
        return ["nginx", "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")]


class HAProxy(Proxy):
    name = "haproxy"

    def configure(self) -> list[str]:
        self.port, self.tls_port, self.https_port = free_ports(3)
        pair = self.directory / "pair.pem"
        pair.write_bytes(self.upstream.certificate.read_bytes() + self.upstream.key.read_bytes())
        sides = ""
        for name, port, listen, upstream, tls in (
                ("plain", self.port, "", self.upstream.port, ""),
                ("https", self.https_port, f" ssl crt {pair} ssl-min-ver TLSv1.2", self.upstream.port, ""),
                ("secure", self.tls_port, "", self.upstream.tls_port,
                 f" ssl verify required ca-file {self.upstream.ca} sni str(localhost) verifyhost localhost")):
            sides += (f"frontend {name}\n    bind 127.0.0.1:{port}{listen} backlog 16384\n    default_backend {name}\n"
                      f"backend {name}\n    http-reuse always\n"
                      f"    server mock 127.0.0.1:{upstream} pool-max-conn -1 pool-purge-delay 600s{tls}\n")
        (self.directory / "haproxy.cfg").write_text(
            "global\n    maxconn 15000\n    no strict-limits\n    nbthread 1\ndefaults\n    mode http\n"
            "    option http-no-delay\n    timeout connect 5s\n    timeout client 600s\n    timeout server 600s\n"
            f"    timeout http-keep-alive 600s\n{sides}")
        return ["haproxy", "-db", "-f", str(self.directory / "haproxy.cfg")]


class Penstock(Proxy):
    """With a key that is checked, three limits that count, usage, and the access log written to a file."""

    name = "penstock"
    headers = [f"Authorization: Bearer {KEY}"]

    def __init__(self, upstream: Upstream, directory: Path, binary: Path) -> None:
        super().__init__(upstream, directory)
        self.binary = binary
        self.prefix: list[str] = []
        self.environment: dict[str, str] = {}
        self.models = {False: "gpt-test", True: "gpt-tls"}
        self.access_log = directory / "access.log"

    def configure(self) -> list[str]:
        port, self.https_port, admin = free_ports(3)
        self.port = self.tls_port = port
        pair = {"cert": str(self.upstream.certificate), "key": str(self.upstream.key)}
        (self.directory / "routes").mkdir(exist_ok=True)

        def provider(base: str, **more: str) -> dict:
            return {"type": "openai-compatible", "base_url": base, "api_key": "sk-test-upstream",
                    "max_connections": 16384, **more}

        config = {
            "version": 1,
            "server": {"listen": [{"address": f"127.0.0.1:{port}"},
                                  {"address": f"127.0.0.1:{self.https_port}", "tls": pair}],
                       "admin": {"address": f"127.0.0.1:{admin}"},
                       "loops": 1, "limits": {"max_connections": 20000},
                       "drain": {"grace": "1s", "stream_grace": "1s"}},
            "providers": {
                "plain": provider(f"http://127.0.0.1:{self.upstream.port}/v1"),
                "secure": provider(f"https://localhost:{self.upstream.tls_port}/v1", ca_file=str(self.upstream.ca))},
            "models": {"gpt-test": {"use": "plain/gpt-test"}, "gpt-tls": {"use": "secure/gpt-tls"}},
            "keys": [{"name": "bench", "secret": KEY,
                      "limits": {"rpm": 1_000_000_000, "tpm": 1_000_000_000, "concurrency": 100_000}}],
            "telemetry": {"access_log": {"format": "json", "output": str(self.access_log)}}}
        path = self.directory / "gateway.yaml"
        path.write_text(json.dumps(config, indent=1) + "\n")
        return [*self.prefix, str(self.binary), "serve", "--config", str(path)]

    def clean(self) -> None:
        if self.access_log.exists():
            os.truncate(self.access_log, 0)
