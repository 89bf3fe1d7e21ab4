"""`voxbot notifier enterprises|users`: who gets which calls."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from voxbot.domain.errors import RosterError
from voxbot.main.cli import app

BOT_TOKEN = "1000001:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
ADD = ("enterprises", "add", "--number", "0367", "--token", "375290000001", "--bot-token", BOT_TOKEN)


@pytest.fixture
def voxbot(tmp_path, monkeypatch):
    """Run a command in a folder of its own; its stdout. Raises what `main` would report."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    def run(*arguments):
        result = CliRunner().invoke(app, ["notifier", *map(str, arguments)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def read(voxbot, *arguments):
    return json.loads(voxbot(*arguments, "--json"))


def test_an_enterprise_is_added_changed_listed_and_removed(voxbot):
    added = read(voxbot, *ADD, "--name", "Ромашка")
    code = added.pop("invitation_code")
    assert added == {"number": "0367", "name": "Ромашка", "token": "375290000001", "bot": "1000001", "new": True}
    assert f"/start {code}" in voxbot(*ADD)

    changed = read(voxbot, "enterprises", "add", "--number", "0367", "--name", "Лютик")
    assert (changed["name"], changed["token"], changed["bot"]) == ("Лютик", "375290000001", "1000001")
    assert (changed["invitation_code"], changed["new"]) == (code, False)

    assert [item["number"] for item in read(voxbot, "enterprises", "list")["enterprises"]] == ["0367"]
    voxbot("enterprises", "remove", "--number", "0367")
    assert read(voxbot, "enterprises", "list") == {"enterprises": []}


def test_a_bot_token_is_shown_by_no_command(voxbot):
    shown = voxbot(*ADD) + voxbot(*ADD, "--json") + voxbot("users", "add", "--enterprise", "0367", "--tg-id", 1)
    for command in ("enterprises", "users"):
        shown += voxbot(command, "list") + voxbot(command, "list", "--json")
    assert BOT_TOKEN.partition(":")[2] not in shown


def test_chats_are_added_once_listed_and_removed(voxbot):
    voxbot(*ADD)
    user = ("--enterprise", "0367", "--tg-id", 100001)
    assert read(voxbot, "users", "add", *user, "--name", "Анна")["new"] is True
    assert read(voxbot, "users", "add", *user)["new"] is False
    voxbot("users", "add", "--enterprise", "0367", "--tg-id", -1001234567890)
    listed = read(voxbot, "users", "list", "--enterprise", "0367")["users"]
    assert [(item["tg_id"], item["blocked"]) for item in listed] == [(-1001234567890, False), (100001, False)]
    voxbot("users", "remove", *user)
    assert [item["tg_id"] for item in read(voxbot, "users", "list")["users"]] == [-1001234567890]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("enterprises", "add", "--number", "../etc", "--token", "1"), "номер предприятия"),
        (("enterprises", "add", "--number", "unknown", "--token", "1"), "номер предприятия"),
        (("enterprises", "add", "--number", "0400"), "укажите токен"),
        (("enterprises", "add", "--number", "0400", "--token", " "), "непустая строка"),
        (("enterprises", "add", "--number", "0400", "--token", "375290000001"), "уже занят предприятием 0367"),
        (("enterprises", "add", "--number", "0367", "--bot-token", "secret"), "токен бота"),
        (("enterprises", "remove", "--number", "0400"), "предприятия '0400' нет"),
        (("users", "add", "--enterprise", "0400", "--tg-id", "1"), "предприятия '0400' нет"),
        (("users", "add", "--enterprise", "0367", "--tg-id", "0"), "id чата"),
        (("users", "add", "--enterprise", "0367", "--tg-id", str(2**60)), "id чата"),
        (("users", "remove", "--enterprise", "0367", "--tg-id", "5"), "не получает"),
        (("enterprises", "import", "nowhere.csv"), "nowhere.csv: не читается"),
    ],
)
def test_a_wrong_change_is_refused_in_words(voxbot, arguments, complaint):
    voxbot(*ADD)
    with pytest.raises(RosterError, match=complaint) as refused:
        voxbot(*arguments)
    assert "secret" not in str(refused.value)


def test_lists_are_imported_as_spreadsheets_write_them(voxbot, tmp_path):
    file = tmp_path / "enterprises.csv"
    file.write_text(f"Number;Name2;Bot_Token;Name\n0367;375290000001;{BOT_TOKEN};Ромашка\n0400;77;;\n", "utf-8-sig")
    assert read(voxbot, "enterprises", "import", file) == {"added": 2, "changed": 0}
    assert read(voxbot, "enterprises", "import", file) == {"added": 0, "changed": 2}
    file = tmp_path / "users.csv"
    file.write_text('enterprise,tg_id,name\n0367,100001,"Иванова, Анна"\n0367,100002,\n')
    assert read(voxbot, "users", "import", file) == {"added": 2, "changed": 0}
    assert [item["name"] for item in read(voxbot, "users", "list")["users"]] == ["Иванова, Анна", ""]


def test_an_import_with_a_mistake_names_its_line_and_changes_nothing(voxbot, tmp_path):
    voxbot(*ADD)
    file = tmp_path / "users.csv"
    file.write_text("enterprise,tg_id\n0367,100001\n0367,мой\n")
    with pytest.raises(RosterError, match=r"users\.csv:3: tg_id 'мой'"):
        voxbot("users", "import", file)
    assert read(voxbot, "users", "list") == {"users": []}
    file.write_text("tg_id\n100001\n")
    with pytest.raises(RosterError, match="нет столбца enterprise"):
        voxbot("users", "import", file)
