"""From which address am I seen? A page that says so to whoever asks, as some do on the internet.

``python -m tests.lab.echo PORT``: over IPv4 and IPv6, on every address of the host it runs on.
"""

from __future__ import annotations

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv6Address
from socketserver import TCPServer


class Page(BaseHTTPRequestHandler):
    """The caller's address, a line of text, on every path."""

    def do_GET(self) -> None:
        """IPv4 in its own form, though it comes in by an IPv6 socket."""
        caller = IPv6Address(self.client_address[0].partition("%")[0])
        body = f"{caller.ipv4_mapped or caller}\n".encode("ascii")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Echo(ThreadingHTTPServer):
    """Both families on one socket."""

    address_family = socket.AF_INET6
    daemon_threads = True

    def server_bind(self) -> None:
        """Without the name of this host, for which HTTPServer would ask a DNS that is not there."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "echo", self.server_address[1]


if __name__ == "__main__":
    Echo(("::", int(sys.argv[1])), Page).serve_forever()
