"""Versions of the index on a Chroma server, shared by units on many machines.

    <prefix>-index                         no records; its metadata hold the manifest of the version in use
    <prefix>-build                         there while somebody builds; its metadata change every `_BEAT_S`
    <prefix>-v-20260131T120000-1a2b3c-kb-general, …-kb-tech     a version

One request replaces all metadata of a collection, so units switch at once and see the old version or the new one.
A version that was fetched is kept in `<root>/server`, prepared for searching; `of.json` in it tells of what index it
is, so that a unit can begin with it while the server is out of reach.
"""

from __future__ import annotations

import base64
import fcntl
import http.client
import json
import re
import secrets
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from voxbot.domain.errors import IndexBusyError, KnowledgeError
from voxbot.knowledge.records import read_collections, write_collections
from voxbot.knowledge.space import is_saved, load_space, make_space, save_space
from voxbot.knowledge.versions import Manifest, Stamp, manifest_of, new_version

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from voxbot.knowledge.records import Records
    from voxbot.knowledge.space import SearchSpace

_NOTE = "of.json"
_CONNECT_S = 5.0
_ANSWER_S = 60.0
_BEAT_S = 2.0
_DEAD_S = 8.0
"""A builder whose beat has not changed for so long was killed."""


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """Where the server is. `url` may hold a user and password for a proxy in front; `prefix` begins every name."""

    url: str
    prefix: str = "voxbot"

    @property
    def address(self) -> str:
        """The address without the password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{self.port}"

    @property
    def port(self) -> int:
        """The port, or the scheme's own."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)


class ServerVersions:
    """The versions on a server. Connects when it is first asked for something."""

    check_s = 2.0

    def __init__(self, server: ChromaServer, root: Path) -> None:
        """`root` is a folder of this machine for what was fetched."""
        self.where = f"CHROMA_URL={server.address}"
        self._server = server
        self._fetched = root / "server"
        self._connected: Any = None
        self._owner = ""

    def stamp(self) -> Stamp:
        """Return the name of the version in use; one request."""
        with self._asking() as client:
            return _said(self._collection(client, "index"), "version")

    def manifest(self) -> Manifest | None:
        """Return the manifest of the version in use; None if there is none or it cannot be understood."""
        with self._asking() as client:
            manifest = _said(self._collection(client, "index"), "manifest")
        return None if manifest is None else manifest_of(manifest)

    def exists(self) -> bool:
        """Tell whether a version is in use, be it one that this program cannot read."""
        return self.stamp() is not None

    @contextmanager
    def building(self) -> Generator[None]:
        """Be the only builder of all machines; a killed one is noticed within `_DEAD_S`."""
        self._owner = secrets.token_hex(8)
        done = threading.Event()
        with self._asking() as client:
            self._take_turn(client)
        beating = threading.Thread(target=self._beat, args=(done,), name="chroma-build", daemon=True)
        beating.start()
        try:
            self._sweep()
            yield
            self._sweep()
        finally:
            done.set()
            beating.join()
            with self._asking() as client:
                if self._is_mine(client):
                    client.delete_collection(self._name("build"))

    def write(self, records: Records) -> str:
        """Write a new version, and return its name; nobody reads it before it is published."""
        version = new_version()
        with self._asking() as client:
            write_collections(client, f"{self._name(version)}-", records)
        return version

    def publish(self, manifest: Manifest) -> None:
        """Put a written version in use."""
        metadata = {"version": manifest.version, "manifest": json.dumps(asdict(manifest), ensure_ascii=False)}
        with self._asking() as client:
            if not self._is_mine(client):
                raise KnowledgeError(
                    f"{self.where}: индекс тем временем стал строить другой; повторите voxbot kb build"
                )
            pointer = self._collection(client, "index")
            if pointer:
                pointer.modify(metadata=metadata)
            else:
                client.create_collection(self._name("index"), metadata=metadata, embedding_function=None)

    def read(self, version: str) -> Records:
        """Read what a version holds."""
        with self._asking() as client:
            return read_collections(client, f"{self._name(version)}-")

    def open(self, version: str) -> SearchSpace:
        """Read a version for searching.

        It is fetched by another process: at 20,000 chunks that takes half a minute, and this one may hold calls.
        """
        folder = self._fetched / version
        if not is_saved(folder):
            order = json.dumps([self._server.url, self._server.prefix, str(self._fetched.parent), version])
            child = subprocess.run(
                [sys.executable, "-P", "-m", "voxbot.knowledge.fetch"],
                input=order, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if child.returncode:
                said = child.stderr.strip().splitlines() or [f"код {child.returncode}"]
                raise KnowledgeError(f"{self.where}: версия индекса не получена ({said[-1]})")
        space = load_space(folder, version)
        self._note(folder, version)
        return space

    def at_hand(self) -> Manifest | None:
        """Return the manifest of the version of this very index that was fetched before; None if there is none."""
        for folder in sorted(self._fetched.glob("v-*"), reverse=True):
            try:
                noted = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
                of_this = noted["server"] == self._server.address and noted["prefix"] == self._server.prefix
                manifest = manifest_of(noted["manifest"]) if of_this and is_saved(folder) else None
            except (OSError, ValueError, TypeError, KeyError):
                continue
            if manifest and manifest.version == folder.name:
                return manifest
        return None

    def fetch(self, version: str) -> None:
        """Prepare a version in `<root>/server`, and remove the others there; of several units one does it."""
        self._fetched.mkdir(parents=True, exist_ok=True)
        with (self._fetched / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if is_saved(self._fetched / version):
                return
            for leftover in self._fetched.glob("new-v-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            unfinished = self._fetched / f"new-{version}"
            save_space(unfinished, make_space(version, self.read(version)))
            unfinished.rename(self._fetched / version)
            for old in self._fetched.glob("v-*"):
                if old.name != version:
                    shutil.rmtree(old, ignore_errors=True)

    def _note(self, folder: Path, version: str) -> None:
        """Write down of what index the fetched version is, unless that is done or the folder is gone by now."""
        if (folder / _NOTE).is_file():
            return
        manifest = self.manifest()
        if manifest is None or manifest.version != version:
            return
        text = json.dumps(asdict(manifest), ensure_ascii=False)
        note = json.dumps({"server": self._server.address, "prefix": self._server.prefix, "manifest": text})
        with suppress(OSError):
            unfinished = folder / f"{_NOTE}.{secrets.token_hex(4)}"
            unfinished.write_text(note, encoding="utf-8")
            unfinished.replace(folder / _NOTE)

    def _take_turn(self, client: Any) -> None:
        turn = self._collection(client, "build")
        waited = threading.Event()
        if turn:
            for _ in range(int(_DEAD_S / _BEAT_S * 2)):
                waited.wait(_BEAT_S / 2)
                now = self._collection(client, "build")
                if now and now.metadata != turn.metadata:
                    raise IndexBusyError(self.where)
                if now is None:
                    break
            else:
                client.delete_collection(self._name("build"))
        try:
            client.create_collection(
                self._name("build"), metadata={"owner": self._owner, "beat": 0}, embedding_function=None
            )
        except Exception as error:
            if self._collection(client, "build") is None:
                raise
            raise IndexBusyError(self.where) from error

    def _beat(self, done: threading.Event) -> None:
        beat = 0
        while not done.wait(_BEAT_S):
            beat += 1
            try:
                with self._asking() as client:
                    turn = self._collection(client, "build")
                    if _said(turn, "owner") == self._owner:
                        turn.modify(metadata={"owner": self._owner, "beat": beat})
            except KnowledgeError:
                continue  # the build itself will fail, or the server comes back

    def _is_mine(self, client: Any) -> bool:
        return _said(self._collection(client, "build"), "owner") == self._owner

    def _sweep(self) -> None:
        """Remove all versions but the one in use and the one before, which slow readers may still be fetching."""
        manifest = self.manifest()
        if manifest is None and self.exists():
            return  # of another release of this program, which knows what it needs
        keep = {manifest.version, manifest.previous} if manifest else set[str]()
        version = re.compile(rf"{re.escape(self._server.prefix)}-(v-\d{{8}}T\d{{6}}-[0-9a-f]{{6}})-kb-\w+")
        with self._asking() as client:
            names = [str(collection.name) for collection in client.list_collections(limit=10_000)]
            for name in names:
                found = version.fullmatch(name)
                if found and found[1] not in keep:
                    client.delete_collection(name)

    def _collection(self, client: Any, name: str) -> Any:
        """Return a collection, or None if there is no such."""
        from chromadb.errors import NotFoundError  # noqa: PLC0415 - as in `_connect`

        try:
            return client.get_collection(self._name(name), None)
        except NotFoundError:
            return None

    def _name(self, name: str) -> str:
        return f"{self._server.prefix}-{name}"

    @contextmanager
    def _asking(self) -> Generator[Any]:
        """Give the client; whatever goes wrong with it becomes one clear line."""
        try:
            if self._connected is None:
                self._connected = self._connect()
            yield self._connected
        except KnowledgeError:
            raise
        except Exception as error:  # Chroma raises whatever its HTTP client does
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise KnowledgeError(
                f"{self.where}: сервер Chroma не отвечает как надо ({reason}); проверьте адрес и что сервер запущен"
            ) from error

    def _connect(self) -> Any:
        parts = urlsplit(self._server.url)
        headers: dict[str, str] = {}
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._greet(parts.scheme == "https", str(parts.hostname), headers)

        import chromadb  # noqa: PLC0415 - one second and 90 MB, paid only where a server is configured
        from chromadb.config import Settings  # noqa: PLC0415

        client: Any = chromadb.HttpClient(
            host=str(parts.hostname),
            port=self._server.port,
            ssl=parts.scheme == "https",
            headers=headers,
            settings=Settings(anonymized_telemetry=False),
        )
        client._server._session.timeout = _ANSWER_S  # noqa: SLF001 - Chroma's client waits for ever and has no setting
        return client

    def _greet(self, ssl: bool, host: str, headers: dict[str, str]) -> None:  # noqa: FBT001 - of `http.client`
        """Ask whether the server is there, with a limit of time, which Chroma's client has not."""
        kind = http.client.HTTPSConnection if ssl else http.client.HTTPConnection
        connection = kind(host, self._server.port, timeout=_CONNECT_S)
        try:
            connection.request("GET", "/api/v2/heartbeat", headers=headers)
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise OSError(f"HTTP {answer.status} на /api/v2/heartbeat")
        finally:
            connection.close()


def _said(collection: Any, key: str) -> str | None:
    """Return what a collection's metadata say under `key`: None without the collection, "" without the key."""
    if collection is None:
        return None
    metadata: dict[str, object] = collection.metadata or {}
    return str(metadata.get(key, ""))
