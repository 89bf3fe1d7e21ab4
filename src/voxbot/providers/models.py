"""Local models on this machine: put together from installed packages or downloaded, and whether they are whole.

A model is a folder of `MODELS_DIR`. Every file has a known SHA-256: of the catalogue, or, where nobody publishes one,
that of its first download, kept in `.sums.json`. A file is written beside its place and renamed when its sum is right,
under a lock of the folder, so that two processes or a kill in the middle leave no half file; what has been downloaded
of it is gone on with the next time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import structlog

from voxbot.domain.errors import ConfigError, ModelError
from voxbot.providers.catalogue import CATALOGUE, WHISPER_BASE, Model, ModelFile, find_model
from voxbot.providers.download import download, list_files

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from voxbot.providers.catalogue import EngineName

log = structlog.get_logger(__name__)

__all__ = [
    "CATALOGUE", "WHISPER_BASE", "Model", "ModelFile", "fetch", "find_model", "inspect", "model_folder", "require",
]  # fmt: skip

ModelState: TypeAlias = Literal["ready", "missing", "damaged"]
DEFAULT_HUB = "https://huggingface.co"
_BLOCK_BYTES = 4 * 1024 * 1024
_SUMS = ".sums.json"
_SPARE_BYTES = 64 * 1024 * 1024
_MEGABYTE = 1_000_000


def inspect(model: Model, models_dir: Path) -> ModelState:
    """Read and check every file (0.1-0.4 s for 145 MB). Raises ModelError if one cannot be read."""
    sums = _read_sums(model.folder(models_dir))
    states = {_state(file, model.folder(models_dir), sums) for file in model.files}
    return "damaged" if "damaged" in states else "missing" if "missing" in states else "ready"


def require(model: Model, models_dir: Path) -> Path:
    """Give the folder of a whole model, made now if installed packages hold it.

    Raises ModelError for a damaged one, and for one that must be downloaded first.
    """
    state = inspect(model, models_dir)
    if state == "damaged":
        raise ModelError(
            f"модель {model.name} повреждена: контрольная сумма в {model.folder(models_dir)} не та; "
            f"выполните `voxbot models fetch {model.name} --force`"
        )
    if state == "missing" and model.is_downloaded:
        raise ModelError(
            f"модели {model.name} нет в {model.folder(models_dir)}; скачайте её "
            f"({model.size_bytes / _MEGABYTE:.0f} МБ): `voxbot models fetch {model.name}`"
        )
    if state == "missing":
        log.info("Собираю локальную модель", model=model.name, folder=str(model.folder(models_dir)))
        fetch(model, models_dir)
    return model.folder(models_dir)


def model_folder(variable: str, value: str, engine: EngineName, models_dir: Path) -> Path:
    """Give the folder of the model that a setting names: of the catalogue and whole, or the operator's own as it is.

    Raises ConfigError for a name that is neither, ModelError (see `require`).
    """
    model = CATALOGUE.get(value)
    if model is not None and model.engine == engine:
        return require(model, models_dir)
    own = Path(value)
    if not own.is_dir():
        known = ", ".join(name for name, model in CATALOGUE.items() if model.engine == engine)
        raise ConfigError(f"{variable}={value!r}: нет ни такой модели, ни такой папки; есть модели: {known}")
    return own


def fetch(
    model: Model,
    models_dir: Path,
    *,
    force: bool = False,
    on_bytes: Callable[[int], None] | None = None,
    hub: str = DEFAULT_HUB,
) -> bool:
    """Make what is missing or damaged, with `force` every file; tell whether anything was written. Blocking.

    `on_bytes` is told how many more bytes are done; they add up to `model.size_bytes`, or a few more where the
    catalogue has no size. Raises ModelError.
    """
    folder = model.folder(models_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            fetching = _Fetching(model, folder, on_bytes or _ignore, hub.rstrip("/"))
            if model.is_downloaded:
                fetching.check_space(force=force)
            written = [fetching.settle(file, force=force) for file in model.files]
    except OSError as error:
        raise ModelError(
            f"модель {model.name} не записана в {folder} ({error.strerror or error}); "
            "проверьте права, место на диске и MODELS_DIR"
        ) from error
    return any(written)


class _Fetching:
    """One run of `fetch`, with the folder locked."""

    def __init__(self, model: Model, folder: Path, report: Callable[[int], None], hub: str) -> None:
        self._model = model
        self._folder = folder
        self._report = report
        self._hub = hub
        self._sums = _read_sums(folder)

    def check_space(self, *, force: bool) -> None:
        """Raise ModelError now rather than after an hour of downloading."""
        needed = sum(
            file.size_bytes - _length(self._partial(file))
            for file in self._model.files
            if force or _length(self._folder / file.name) != file.size_bytes
        )
        free = shutil.disk_usage(self._folder).free
        if needed and free < needed + _SPARE_BYTES:
            raise ModelError(
                f"модель {self._model.name}: в {self._folder} свободно {free / _MEGABYTE:.0f} МБ, "
                f"а нужно {(needed + _SPARE_BYTES) / _MEGABYTE:.0f}; освободите место или задайте MODELS_DIR"
            )

    def settle(self, file: ModelFile, *, force: bool) -> bool:
        """Have the file whole in its place; tell whether it was written."""
        if not force and _state(file, self._folder, self._sums) == "ready":
            self._report(file.size_bytes)
            return False
        partial = self._partial(file)
        if file.parts:
            self._join(file, partial)
        else:
            self._download(file, partial)
        partial.replace(self._folder / file.name)
        return True

    def _join(self, file: ModelFile, partial: Path) -> None:
        digest = hashlib.sha256()
        with partial.open("wb") as output:
            for part in file.parts:
                for block in _blocks(_installed(self._model, part)):
                    digest.update(block)
                    output.write(block)
                    self._report(len(block))
            output.flush()
            os.fsync(output.fileno())
        if digest.hexdigest() != file.sha256:
            partial.unlink()
            packages = ", ".join(sorted({_distribution(part) for part in file.parts}))
            raise ModelError(
                f"модель {self._model.name}: {file.name} из установленных пакетов {packages} не совпадает с "
                "опубликованным; переустановите их: `scripts/bootstrap.sh --reinstall`"
            )

    def _download(self, file: ModelFile, partial: Path) -> None:
        model = self._model
        url = f"{self._hub}/{model.repository}/resolve/{model.revision}/{file.name}"
        resumed = partial.exists()
        download(url, partial, self._report)
        right = self._is_right(file, partial)
        if not right and resumed:  # what was kept may be of another time: once from the start
            self._report(-_length(partial))
            partial.unlink()
            download(url, partial, self._report)
            right = self._is_right(file, partial)
        if not right:
            self._report(-_length(partial))
            partial.unlink()
            raise ModelError(
                f"модель {model.name}: {file.name} с {self._hub} не совпадает с опубликованным и не сохранён; "
                "повторите или укажите другое зеркало в MODELS_URL"
            )
        with partial.open("rb") as whole:
            os.fsync(whole.fileno())

    def _is_right(self, file: ModelFile, partial: Path) -> bool:
        if file.sha256:
            return _sha256(partial) == file.sha256
        listed = list_files(self._hub, self._model.repository, self._model.revision).get(file.name)
        right = listed is not None and (
            _sha256(partial) == listed.sha256 if listed.sha256 else _git_id(partial) == listed.git_id
        )
        if right:
            self._sums[file.name] = _sha256(partial)
            _write_sums(self._folder, self._sums)
        return right

    def _partial(self, file: ModelFile) -> Path:
        return self._folder / f".{file.name}.partial"


def _state(file: ModelFile, folder: Path, sums: Mapping[str, str]) -> ModelState:
    path = folder / file.name
    try:
        if file.sha256 and path.stat().st_size != file.size_bytes:
            return "damaged"
        digest = _sha256(path)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise ModelError(f"{path} не читается ({error.strerror}); проверьте права и MODELS_DIR") from error
    return "ready" if digest == (file.sha256 or sums.get(file.name)) else "damaged"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _git_id(path: Path) -> str:
    """Return the id that Git gives to a file's content (gitformat-pack, «object id»)."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _read_sums(folder: Path) -> dict[str, str]:
    """Sums of files that nobody publishes one for, as they were when downloaded."""
    try:
        found = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write_sums(folder: Path, sums: Mapping[str, str]) -> None:
    partial = folder / f"{_SUMS}.partial"
    partial.write_text(json.dumps(sums), encoding="utf-8")
    partial.replace(folder / _SUMS)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while block := source.read(_BLOCK_BYTES):
            yield block


def _installed(model: Model, part: str) -> Path:
    """Find a package's data file without running the package."""
    package, _, inside = part.partition("/")
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec else None
    path = Path(places[0], inside) if places else None
    if path is None or not path.is_file():
        raise ModelError(
            f"модель {model.name}: нет пакета {_distribution(part)}, из которого она берётся; "
            "выполните `scripts/bootstrap.sh --reinstall`"
        )
    return path


def _distribution(part: str) -> str:
    return part.partition("/")[0].replace("_", "-")


def _ignore(_count: int) -> None:
    """Stand in where nobody watches the progress."""


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Hold the folder for this process; the lock goes with the process, whatever ends it."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
