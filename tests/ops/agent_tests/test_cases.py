"""Files of cases: what they may hold, and where each complaint points."""

import pytest

from voxbot.domain.errors import ConfigError
from voxbot.ops.agent_tests.cases import Turn, find_files, read_cases


@pytest.fixture
def read(tmp_path):
    def read_text(text, name="cases.yaml"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return read_cases([file])

    return read_text


def test_a_question_and_a_dialogue(read):
    one, two = read(
        """
- name: цена
  q: сколько стоит рэм сто
  must_contain: 2 350 000
  must_not_contain: [оператор, 010]
  base: general
  known: true
- name: разговор
  xfail: ещё не умеет
  dialogue:
    - q: сколько стоит рэм сто
    - q: а двести
      must_contain: {all: РЭМ-200, any_of: [3 460 000, дороже]}
      intent: none
      known: maybe
"""
    )
    assert (one.line, one.xfail) == (2, "")
    assert one.turns == (
        Turn("сколько стоит рэм сто", ("2 350 000",), (), ("оператор", "010"), "general", None, known=True),
    )
    assert (two.line, two.xfail) == (8, "ещё не умеет")
    assert two.turns[1] == Turn("а двести", ("РЭМ-200",), ("3 460 000", "дороже"), (), None, "none", "maybe")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- name: a\n  q: [", 2, "не YAML"),
        ("name: a", 1, "нужен список проверок"),
        ("", 1, "нужен список проверок"),
        ("- строка", 1, "нужны поля"),
        ("- q: где вы\n  known: true", 1, "добавьте name"),
        ("- name: a\n  known: true", 1, "добавьте q"),
        ("- name: a\n  q: где вы", 1, "ничего не проверяет"),
        ("- name: a\n  q: где вы\n  must_containt: x", 3, "поля «must_containt» нет"),
        ("- name: a\n  q: где вы\n  must_contain: []", 3, "пустой список"),
        ("- name: a\n  q: где вы\n  must_contain:\n    - дом\n    - '—'", 5, "искать нечего"),
        ("- name: a\n  q: где вы\n  must_contain: {any: [x]}", 3, "возможны all, any_of"),
        ("- name: a\n  q: где вы\n  known: иногда", 3, "true, false, maybe"),
        ("- name: a\n  q: где вы\n  base: kb2", 3, "general, tech"),
        ("- name: a\n  q: где вы\n  base: tech\n  base: tech", 4, "названо дважды"),
        ("- name: a\n  dialogue: []", 2, "пустой список"),
        ("- name: a\n  dialogue:\n    - q: да\n      known: true\n    - known: true", 5, "добавьте q"),
        ("- name: a\n  q: x\n  dialogue:\n    - q: да\n      known: true", 2, "поля «q» нет"),
        ("- name: a\n  q: x\n  known: true\n\n- name: a\n  q: y\n  known: true", 5, "уже занято"),
        ("- name:\n  q: x\n  known: true", 1, "нужен текст"),
    ],
)
def test_a_mistake_is_named_with_its_line(read, tmp_path, text, line, said):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(f"{tmp_path / 'cases.yaml'}:{line}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_and_folders(tmp_path):
    (tmp_path / "b.yaml").touch()
    (tmp_path / "a.yml").touch()
    (tmp_path / "notes.txt").touch()
    assert [file.name for file in find_files([tmp_path])] == ["a.yml", "b.yaml"]
    with pytest.raises(ConfigError, match="нет такого файла"):
        read_cases(find_files([tmp_path / "none.yaml"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="нет файлов"):
        find_files([tmp_path / "empty"])


def test_a_file_in_another_encoding_is_one_clear_line(tmp_path):
    file = tmp_path / "old.yaml"
    file.write_bytes("- name: цена".encode("cp1251"))
    with pytest.raises(ConfigError, match="UTF-8"):
        read_cases([file])
