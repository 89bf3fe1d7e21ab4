"""Operators teach the bot their words in a file, while it works."""

import os
from pathlib import Path

import pytest

from voxbot.domain.errors import ConfigError
from voxbot.text.normalizer import LiveNormalizer
from voxbot.text.slips import SlipsFile, read_slips

SHIPPED = Path(__file__).parents[2] / "config" / "asr_slips.toml"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[anywhere", r"slips\.toml: это не TOML"),
        ("[slips]\n", r"slips\.toml: лишнее «slips»; разделы файла: \[anywhere\], \[after_number\]"),
        ('"РГМ" = ["эргаэм"]\n', "лишнее «РГМ»"),
        ('[anywhere]\n"РГМ" = "эргаэм"\n', r"\[anywhere\], «РГМ»: нужен список"),
        ('[after_number]\n"кН" = [5]\n', r"\[after_number\], «кН»: нужен список"),
        ('[anywhere]\n"" = ["эргаэм"]\n', "нужен"),
    ],
)
def test_a_broken_file_is_a_clear_error(tmp_path, text, complaint):
    path = tmp_path / "slips.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        LiveNormalizer(path)


def test_another_encoding_is_named(tmp_path):
    path = tmp_path / "slips.toml"
    path.write_bytes('[anywhere]\n"РГМ" = ["эргаэм"]\n'.encode("cp1251"))
    with pytest.raises(ConfigError, match="UTF-8"):
        read_slips(path)


class Operator:
    """Edits the file; whoever reads it next looks a second later."""

    def __init__(self, path):
        self.path = path
        self.now_s = 0.0
        self._edits = 0

    def write(self, text):
        self.path.write_text(text, encoding="utf-8")
        self._edits += 1
        os.utime(self.path, ns=(self._edits, self._edits))  # two edits may fall into one tick of the disk's clock
        self.now_s += 1


@pytest.fixture
def operator(tmp_path):
    return Operator(tmp_path / "slips.toml")


def test_an_edit_is_in_force_at_once_and_a_broken_one_changes_nothing(operator):
    normalizer = LiveNormalizer(operator.path, now_s=lambda: operator.now_s)
    assert normalizer.normalize("эргаэм пятьсот") == "эргаэм пятьсот"
    operator.write('[anywhere]\n"РГМ" = ["эргаэм"]\n')
    assert normalizer.normalize("эргаэм пятьсот") == "РГМ пятьсот"
    operator.write("[anywhere")
    assert normalizer.normalize("эргаэм пятьсот") == "РГМ пятьсот"
    operator.write('[anywhere]\n"РГМ-1" = ["эргаэм"]\n')
    assert normalizer.normalize("эргаэм на сто ка эн") == "РГМ-1 на сто кН"
    operator.path.unlink()
    operator.now_s += 1
    assert normalizer.normalize("эргаэм") == "РГМ-1"


def test_the_disk_is_not_asked_at_every_word(operator):
    file = SlipsFile(operator.path, now_s=lambda: operator.now_s)
    operator.write('[anywhere]\n"РГМ" = ["эргаэм"]\n')
    operator.now_s -= 0.5
    assert file.forms == []


def test_the_shipped_file_changes_nothing():
    assert read_slips(SHIPPED) == []
