"""A hub of models on the loopback: `resolve`, the listing of a commit, `Range`, and what networks do to them."""

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class ModelHub:
    """`files` by name, of one repository; `ranges` are the Range headers received, "" for none.

    `cuts` are used up one by one: so many bytes of the body, and the connection ends. `statuses` likewise are answered
    instead of a file. `knows_ranges` false: the whole file whatever is asked for.
    """

    files: dict
    large: set = field(default_factory=set)
    ranges: list = field(default_factory=list)
    cuts: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    knows_ranges: bool = True
    url: str = ""

    def listing(self):
        return [self._listed(name, content) for name, content in self.files.items()]

    def _listed(self, name, content):
        git_id = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        row = {"type": "file", "path": name, "size": len(content), "oid": git_id}
        return row | ({"lfs": {"oid": hashlib.sha256(content).hexdigest()}} if name in self.large else {})


def _handler(hub):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/api/models/"):
                self._send(200, json.dumps(hub.listing()).encode())
                return
            asked = self.headers.get("Range", "")
            hub.ranges.append(asked)
            if hub.statuses:
                self._send(hub.statuses.pop(0), b"")
                return
            content = hub.files.get(self.path.rpartition("/")[2])
            if content is None:
                self._send(404, b"")
                return
            start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked and hub.knows_ranges else 0
            if start and start >= len(content):
                self._send(416, b"")
                return
            place = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
            body = content[start:]
            self._send(206 if start else 200, body, place, cut=hub.cuts.pop(0) if hub.cuts else len(body))

        def _send(self, status, body, headers=None, cut=None):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:cut])

        def log_message(self, *args):
            pass

    return Handler


@contextmanager
def model_hub(files, large=()):
    """Run the hub on a free port."""
    hub = ModelHub(files, set(large))
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub)) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        running = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        try:
            yield hub
        finally:
            server.shutdown()
            running.join()
