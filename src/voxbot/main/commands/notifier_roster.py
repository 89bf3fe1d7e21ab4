"""`voxbot notifier enterprises|users`: who gets which calls in Telegram."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from voxbot.domain.errors import RosterError
from voxbot.main.context import print_json, run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxbot.store.notifier_registry import Enterprise
    from voxbot.store.notifier_roster import Recipient

T = TypeVar("T")

enterprises = typer.Typer(help="Предприятия: чьи события принимаются и какой бот о них пишет.", no_args_is_help=True)
users = typer.Typer(help="Чаты Telegram, которые получают звонки предприятия.", no_args_is_help=True)

Number = Annotated[str, typer.Option("--number", help="Номер предприятия, например 0367")]
EnterpriseOption = Annotated[str, typer.Option("--enterprise", help="Номер предприятия, например 0367")]
TgId = Annotated[int, typer.Option("--tg-id", help="Id чата Telegram; у групп отрицательный")]
AsJson = Annotated[bool, typer.Option("--json", help="Один документ JSON на stdout")]
CsvFile = Annotated[Path, typer.Argument(help="Файл CSV в UTF-8 со строкой заголовков, разделитель , или ;")]


@enterprises.command("add")
def add_enterprise(
    ctx: typer.Context,
    number: Number,
    token: Annotated[str | None, typer.Option("--token", help="Токен, с которым станция присылает события")] = None,
    bot_token: Annotated[str | None, typer.Option("--bot-token", help="Токен бота от @BotFather")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Название для людей")] = None,
    new_invitation: Annotated[
        bool, typer.Option("--new-invitation", help="Новый код приглашения; прежний больше не действует")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Добавить предприятие или изменить: что не указано, остаётся как было."""
    from voxbot.store.notifier_roster import EnterpriseChange, save_enterprise

    change = EnterpriseChange(number=number, token=token, bot_token=bot_token, name=name, new_invitation=new_invitation)
    enterprise, is_new = _write(ctx, lambda connection: save_enterprise(connection, change))
    if as_json:
        print_json({**_enterprise_document(enterprise), "new": is_new})
        return
    print(f"Предприятие {enterprise.number} {'добавлено' if is_new else 'изменено'}.")
    if enterprise.bot_token:
        print(f"Сотрудники подписываются сообщением боту: /start {enterprise.invitation_code}")


@enterprises.command("list")
def list_enterprises(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Показать предприятия; токены ботов не показываются."""
    from voxbot.store import notifier_registry

    found = _read(ctx, notifier_registry.list_enterprises)
    if as_json:
        print_json({"enterprises": [_enterprise_document(enterprise) for enterprise in found]})
        return
    for enterprise in found:
        bot = (
            f"бот {enterprise.bot}, приглашение {enterprise.invitation_code or 'нет'}" if enterprise.bot else "без бота"
        )
        print(f"{enterprise.number}  {enterprise.name or 'без названия'}  токен {enterprise.token}  {bot}")
    if not found:
        print("Предприятий нет; добавьте: voxbot notifier enterprises add --help")


@enterprises.command("remove")
def remove_enterprise(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Убрать предприятие и его подписчиков; записанные звонки остаются."""
    from voxbot.store.notifier_roster import drop_enterprise

    _write(ctx, lambda connection: drop_enterprise(connection, number))
    _tell(as_json, {"number": number, "removed": True}, f"Предприятие {number} убрано.")


@enterprises.command("import")
def import_enterprises(ctx: typer.Context, file: CsvFile, as_json: AsJson = False) -> None:
    """Добавить или изменить предприятия из CSV: number, token (или name2), bot_token, name. Всё или ничего."""
    from voxbot.store.notifier_roster import EnterpriseChange, save_enterprise

    rows = _rows(file, ("number",))

    def save(connection: Connection, row: _Row) -> bool:
        change = EnterpriseChange(
            number=row.values["number"],
            token=row.get("token") or row.get("name2"),
            bot_token=row.get("bot_token"),
            name=row.get("name"),
        )
        return save_enterprise(connection, change)[1]

    _import(ctx, rows, save, as_json=as_json)


@users.command("add")
def add_user(
    ctx: typer.Context,
    enterprise: EnterpriseOption,
    tg_id: TgId,
    name: Annotated[str, typer.Option("--name", help="Кто это")] = "",
    as_json: AsJson = False,
) -> None:
    """Добавить чат: он получит следующие звонки предприятия."""
    from voxbot.store.notifier_roster import save_user

    is_new = _write(ctx, lambda connection: save_user(connection, enterprise, tg_id, name, time.time()))
    document = {"enterprise": enterprise, "tg_id": tg_id, "new": is_new}
    _tell(as_json, document, f"Чат {tg_id} {'добавлен' if is_new else 'уже был'} (предприятие {enterprise}).")


@users.command("list")
def list_users(
    ctx: typer.Context,
    enterprise: Annotated[str | None, typer.Option("--enterprise", help="Только этого предприятия")] = None,
    as_json: AsJson = False,
) -> None:
    """Показать, кто получает звонки."""
    from voxbot.store.notifier_roster import recipients

    found = _read(ctx, lambda connection: recipients(connection, enterprise))
    if as_json:
        print_json({"users": [_user_document(recipient) for recipient in found]})
        return
    for recipient in found:
        blocked = "  бот заблокирован" if recipient.subscriber.blocked_at else ""
        print(f"{recipient.enterprise}  {recipient.subscriber.tg_id}  {recipient.subscriber.name}{blocked}")
    if not found:
        print("Никто; добавьте: voxbot notifier users add --help")


@users.command("remove")
def remove_user(ctx: typer.Context, enterprise: EnterpriseOption, tg_id: TgId, as_json: AsJson = False) -> None:
    """Убрать чат: звонков предприятия он больше не получит."""
    from voxbot.store.notifier_roster import drop_user

    _write(ctx, lambda connection: drop_user(connection, enterprise, tg_id, time.time()))
    again = (
        f"Чтобы он не вернулся по старому коду: voxbot notifier enterprises add --number {enterprise} --new-invitation"
    )
    _tell(as_json, {"enterprise": enterprise, "tg_id": tg_id, "removed": True}, f"Чат {tg_id} убран. {again}")


@users.command("import")
def import_users(ctx: typer.Context, file: CsvFile, as_json: AsJson = False) -> None:
    """Добавить чаты из CSV: enterprise, tg_id, name. Всё или ничего."""
    from voxbot.store.notifier_roster import save_user

    rows = _rows(file, ("enterprise", "tg_id"))

    def save(connection: Connection, row: _Row) -> bool:
        try:
            tg_id = int(row.values["tg_id"])
        except ValueError:
            raise RosterError(f"tg_id {row.values['tg_id']!r}: нужно целое число") from None
        return save_user(connection, row.values["enterprise"], tg_id, row.get("name") or "", time.time())

    _import(ctx, rows, save, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a CSV file."""

    where: str
    values: dict[str, str]

    def get(self, column: str) -> str | None:
        """The value of a column, None if there is none."""
        return self.values.get(column) or None


def _rows(file: Path, required: tuple[str, ...]) -> list[_Row]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "нужна кодировка UTF-8"
        raise RosterError(f"{file}: не читается ({reason})") from error
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    columns = [(column or "").strip().lower() for column in reader.fieldnames or ()]
    if missing := [column for column in required if column not in columns]:
        raise RosterError(f"{file}: в первой строке нет столбца {', '.join(missing)}")
    reader.fieldnames = columns
    rows: list[_Row] = []
    for line in reader:
        values = {key: (value or "").strip() for key, value in line.items() if isinstance(value, str | None)}
        rows.append(_Row(f"{file}:{reader.line_num}", values))
    return rows


def _import(ctx: typer.Context, rows: list[_Row], save: Callable[[Any, _Row], bool], *, as_json: bool) -> None:
    def save_all(connection: Connection) -> int:
        added = 0
        for row in rows:
            try:
                added += save(connection, row)
            except RosterError as error:
                raise RosterError(f"{row.where}: {error}") from error
        return added

    added = _write(ctx, save_all)
    document = {"added": added, "changed": len(rows) - added}
    _tell(as_json, document, f"Добавлено {added}, изменено {len(rows) - added}.")


def _tell(as_json: bool, document: dict[str, Any], text: str) -> None:
    if as_json:
        print_json(document)
    else:
        print(text)


def _enterprise_document(enterprise: Enterprise) -> dict[str, Any]:
    return {
        "number": enterprise.number,
        "name": enterprise.name,
        "token": enterprise.token,
        "bot": enterprise.bot or None,
        "invitation_code": enterprise.invitation_code,
    }


def _user_document(recipient: Recipient) -> dict[str, Any]:
    return {
        "enterprise": recipient.enterprise,
        "tg_id": recipient.subscriber.tg_id,
        "name": recipient.subscriber.name,
        "blocked": recipient.subscriber.blocked_at is not None,
    }


def _write(ctx: typer.Context, work: Callable[[Connection], T]) -> T:
    from voxbot.store.notifier_database import open_notifier_database

    async def write() -> T:
        async with open_notifier_database(ctx.obj.settings.notifier_database) as database:
            return await database.write(work)

    return run(write())


def _read(ctx: typer.Context, work: Callable[[Connection], T]) -> T:
    from voxbot.store.notifier_database import open_notifier_database

    async def read() -> T:
        async with open_notifier_database(ctx.obj.settings.notifier_database) as database:
            return await database.read(work)

    return run(read())
