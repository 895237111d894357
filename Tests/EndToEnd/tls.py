"""A certificate authority for one test run, made with `openssl` when it is needed; nothing is kept."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


@dataclass
class Issued:
    """A certificate and its key, as files."""

    cert: Path
    key: Path

    @property
    def config(self) -> dict[str, str]:
        return {"cert": str(self.cert), "key": str(self.key)}

    def replace(self, other: "Issued") -> None:
        """Takes the other's content, key first, each by a rename, as a renewal does it."""
        for mine, theirs in ((self.key, other.key), (self.cert, other.cert)):
            fresh = mine.with_suffix(".fresh")
            fresh.write_bytes(theirs.read_bytes())
            fresh.rename(mine)

    @property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.cert.read_text())


class Authority:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self.ca_key = directory / "ca.key"
        self._count = 0
        _openssl("req", "-x509", *_CURVE, "-days", "2", "-subj", "/CN=Penstock test authority", "-keyout",
                 str(self.ca_key), "-out", str(self.ca_file), "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, *names: str, common: str | None = None, days: int = 2, usage: str = "serverAuth") -> Issued:
        """For alternative names such as `DNS:a.test`. `openssl x509` dates from now on: with a negative number of days
        the end has passed."""
        self._count += 1
        stem = self.directory / f"issued-{self._count}"
        key, request, certificate, extensions = (stem.with_suffix(s) for s in (".key", ".csr", ".pem", ".ext"))
        alternatives = f"subjectAltName={','.join(names)}\n" if names else ""
        extensions.write_text(f"{alternatives}extendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        subject = common or (names[0].split(":", 1)[1] if names else "nobody")
        _openssl("req", *_CURVE, "-subj", f"/CN={subject}", "-keyout", str(key), "-out", str(request))
        _openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca_file), "-CAkey", str(self.ca_key),
                 "-CAcreateserial", "-days", str(days), "-extfile", str(extensions), "-out", str(certificate))
        return Issued(certificate, key)

    def server(self, name: str, expired: bool = False) -> ssl.SSLContext:
        """A context that presents a certificate for `name` (and 127.0.0.1 when the name is localhost)."""
        names = [f"DNS:{name}"] + (["IP:127.0.0.1"] if name == "localhost" else [])
        issued = self.issue(*names, days=-1 if expired else 2)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.cert, issued.key)
        return context

    def client(self, identity: Issued | None = None) -> ssl.SSLContext:
        """A context that trusts this authority alone."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if identity:
            context.load_cert_chain(identity.cert, identity.key)
        return context
