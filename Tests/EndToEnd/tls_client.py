"""TLS towards the daemon: strict about how a connection ends, unlike most clients."""

from __future__ import annotations

import socket
import ssl

import raw_client
from raw_client import RawConnection


class TLSConnection(RawConnection):
    """A raw client over TLS. `at_end` and the end of a body ask for `close_notify`: a bare FIN raises."""

    def __init__(self, port: int, context: ssl.SSLContext, name: str | None = "localhost",
                 session: ssl.SSLSession | None = None, **options) -> None:
        super().__init__(port, **options)
        self.socket = context.wrap_socket(self.socket, server_hostname=name, suppress_ragged_eofs=False,
                                          session=session)

    @property
    def certificate(self) -> bytes:
        return self.socket.getpeercert(binary_form=True)


class EndlessConnection(raw_client.RawConnection):
    """Bytes that are no TLS, to a TLS port."""

    def everything(self) -> bytes:
        got = b""
        while True:
            try:
                piece = self.socket.recv(1 << 16)
            except ConnectionError:
                return got
            if not piece:
                return got
            got += piece


def handshake_alert(port: int, context: ssl.SSLContext, name: str | None = "localhost") -> str:
    """Why a handshake failed, in OpenSSL's words; "" when it did not, and the connection serves."""
    try:
        with TLSConnection(port, context, name) as connection:
            # With TLS 1.3 the server's refusal of a client's certificate comes after the client's handshake.
            connection.send(raw_client.request("GET", "/nothing", None))
            connection.read()
        return ""
    except ssl.SSLError as error:
        return f"{error.reason}"
    except (ConnectionError, socket.timeout) as error:
        return repr(error)
