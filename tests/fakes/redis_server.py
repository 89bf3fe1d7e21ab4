"""A real redis-server that a test may kill, stop and start again."""

import signal
import socket
import subprocess
import time


class RedisServer:
    """Keeps nothing on disk; listens on the same port whenever it is started."""

    def __init__(self, folder, *options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        self._process = None

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder]
        self._process = subprocess.Popen([*command, *self._options], stdout=subprocess.DEVNULL)
        for _ in range(200):
            if self.answers():
                return
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def answers(self):
        return self.ask("PING").startswith((b"+PONG", b"-NOAUTH"))

    def ask(self, *words):
        """Send one command; return what comes back at once."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall((" ".join(words) + "\r\n").encode())
                return connection.recv(65536)
        except OSError:
            return b""

    def freeze(self):
        """Have it accept connections and never answer."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        if self._process:
            self._process.kill()
            self._process.wait()
