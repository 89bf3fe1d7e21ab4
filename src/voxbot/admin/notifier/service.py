"""Changes to who gets which calls, in the notifier's own database."""

from __future__ import annotations

import time
from pathlib import Path

from voxbot.admin.notifier.schemas import EnterpriseIn, EnterpriseOut, UserIn, UserOut
from voxbot.store import notifier_registry, notifier_roster
from voxbot.store.notifier_database import open_notifier_database


class Roster:
    """Opens the database for each request: they are rare, and the panel must not depend on it."""

    def __init__(self, location: Path | str) -> None:
        """`location`: an SQLite file or the address of a PostgreSQL database."""
        self._location = location

    async def enterprises(self) -> list[EnterpriseOut]:
        """List the enterprises."""
        async with open_notifier_database(self._location) as database:
            found = await database.read(notifier_registry.list_enterprises)
        return [EnterpriseOut.model_validate(enterprise) for enterprise in found]

    async def save_enterprise(self, wanted: EnterpriseIn) -> EnterpriseOut:
        """Add or change an enterprise. Raises RosterError."""
        change = notifier_roster.EnterpriseChange(
            number=wanted.number,
            token=wanted.token,
            bot_token=wanted.bot_token.get_secret_value() if wanted.bot_token else None,
            name=wanted.name,
            new_invitation=wanted.new_invitation,
        )
        async with open_notifier_database(self._location) as database:
            saved, _ = await database.write(lambda tx: notifier_roster.save_enterprise(tx, change))
        return EnterpriseOut.model_validate(saved)

    async def drop_enterprise(self, number: str) -> None:
        """Remove an enterprise. Raises RosterMissingError."""
        async with open_notifier_database(self._location) as database:
            await database.write(lambda tx: notifier_roster.drop_enterprise(tx, number))

    async def users(self, enterprise: str | None) -> list[UserOut]:
        """List who gets the calls of one enterprise, or of all. Raises RosterMissingError."""
        async with open_notifier_database(self._location) as database:
            found = await database.read(lambda tx: notifier_roster.recipients(tx, enterprise))
        return [
            UserOut(
                enterprise=recipient.enterprise,
                tg_id=recipient.subscriber.tg_id,
                name=recipient.subscriber.name,
                blocked=recipient.subscriber.blocked_at is not None,
            )
            for recipient in found
        ]

    async def save_user(self, wanted: UserIn) -> UserOut:
        """Add a chat, or change its name. Raises RosterError."""
        async with open_notifier_database(self._location) as database:
            await database.write(
                lambda tx: notifier_roster.save_user(tx, wanted.enterprise, wanted.tg_id, wanted.name, time.time())
            )
        return UserOut(enterprise=wanted.enterprise, tg_id=wanted.tg_id, name=wanted.name.strip(), blocked=False)

    async def drop_user(self, enterprise: str, tg_id: int) -> None:
        """Take a chat from an enterprise. Raises RosterMissingError."""
        async with open_notifier_database(self._location) as database:
            await database.write(lambda tx: notifier_roster.drop_user(tx, enterprise, tg_id, time.time()))
