"""A real PostgreSQL server of a test's own, listening on a free port of the loopback."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

OPTIONS = ("fsync=on", "max_connections=100", "shared_buffers=32MB", "log_min_messages=fatal")


def program(name):
    """Debian keeps the server's programs out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


class PostgresServer:
    """The server refuses to run as root: it runs as its Debian user then."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"postgresql://voxbot@127.0.0.1:{self.port}/postgres"
        # Not in pytest's folder, which is its user's alone.
        self._data = Path(tempfile.mkdtemp(prefix="voxbot-postgres-"))
        self._user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        self._process = None

    def start(self):
        if self._user:
            shutil.chown(self._data, **self._user)
        initdb = [program("initdb"), "-D", str(self._data), "-U", "voxbot", "-A", "trust", "-E", "UTF8", "--no-locale"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **self._user)
        options = [word for option in OPTIONS for word in ("-c", option)]
        place = ["-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        command = [program("postgres"), *place, *options]
        self._process = subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL, **self._user)
        for _ in range(200):
            ready = [program("pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "voxbot", "-q"]
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not start")

    def stop(self):
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
        shutil.rmtree(self._data)
