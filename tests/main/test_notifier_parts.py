"""Links to calls' pages: where they lead, and when there are none."""

from __future__ import annotations

from structlog.testing import capture_logs

from voxbot.main.notifier_parts import message_links
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
