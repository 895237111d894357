"""A certificate authority for one test run, made with `openssl` when it is needed; nothing is kept."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


class Authority:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self.ca_key = directory / "ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=Penstock test authority", "-keyout", str(self.ca_key), "-out", str(self.ca_file),
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def server(self, name: str, expired: bool = False) -> ssl.SSLContext:
        """A context that presents a certificate for `name` (and 127.0.0.1 when the name is localhost)."""
        stem = self.directory / f"{name}-{'old' if expired else 'new'}"
        key, request, certificate, extensions = (stem.with_suffix(s) for s in (".key", ".csr", ".pem", ".ext"))
        names = f"DNS:{name}" + (",IP:127.0.0.1" if name == "localhost" else "")
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", str(key), "-out", str(request))
        # `openssl x509` dates from now on; a negative number of days gives a certificate whose end has passed.
        days = "-1" if expired else "2"
        _openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca_file), "-CAkey", str(self.ca_key),
                 "-CAcreateserial", "-days", days, "-extfile", str(extensions), "-out", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
