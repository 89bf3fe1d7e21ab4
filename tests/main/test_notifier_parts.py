"""Links to calls' pages: where they lead, and when there are none."""

from __future__ import annotations

from structlog.testing import capture_logs

from voxbot.main.notifier_parts import bot_call_links, message_links
from voxbot.settings.loader import load_settings

OWN = "http://127.0.0.1:8000"
SHARED = {"DATABASE_URL": "postgresql://voxbot@db/voxbot"}


def links(tmp_path, **environ):
    (tmp_path / "empty.env").touch()
    settings = load_settings(tmp_path / "empty.env", {"DATA_DIR": str(tmp_path), **environ})
    with capture_logs() as logs:
        url = message_links(settings, OWN)
    return url("0367", "1.1", 0.0) if url else None, [entry["event"] for entry in logs]


def test_links_that_only_this_machine_opens_are_told_of(tmp_path):
    url, [warning] = links(tmp_path)
    assert url.startswith(f"{OWN}/call/details/1.1")
    assert "NOTIFIER_PUBLIC_URL" in warning


def test_links_lead_to_the_public_address_whoever_writes_them(tmp_path):
    public = {"NOTIFIER_PUBLIC_URL": "https://calls.example", "NOTIFIER_LINK_KEY": "k" * 40}
    for environ in (public, {**public, **SHARED}):
        url, warnings = links(tmp_path, **environ)
        assert url.startswith("https://calls.example/call/details/1.1")
        assert warnings == []


def test_notifiers_that_share_a_database_write_no_links_to_themselves(tmp_path):
    url, warnings = links(tmp_path, **SHARED)
    assert url is None
    assert any("NOTIFIER_PUBLIC_URL" in warning for warning in warnings)
    assert any("NOTIFIER_LINK_KEY" in warning for warning in warnings)


def test_the_panel_links_to_a_notifier_that_has_worked_here_and_makes_nothing(tmp_path):
    (tmp_path / "empty.env").touch()

    def panels(**environ):
        return bot_call_links(load_settings(tmp_path / "empty.env", {"DATA_DIR": str(tmp_path), **environ}))

    assert panels() is None
    database = load_settings(tmp_path / "empty.env", {"DATA_DIR": str(tmp_path)}).paths.notifier_db
    database.parent.mkdir(parents=True, exist_ok=True)
    database.touch()
    assert panels() is None, "without the notifier's key no link of ours would be taken"
    assert not (tmp_path / "notifier.key").exists()
    (tmp_path / "notifier.key").write_text("0" * 64)
    assert panels() is not None
    assert panels(NOTIFIER_PORT="0") is None, "nobody knows where it listens"
    assert panels(**SHARED, NOTIFIER_LINK_KEY="k" * 40) is None
    assert panels(**SHARED, NOTIFIER_LINK_KEY="k" * 40, NOTIFIER_PUBLIC_URL="https://calls.example") is not None
