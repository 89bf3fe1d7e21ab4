"""Posted bodies become events, or are refused with the field and the reason."""

from datetime import datetime

import pytest
from fakes.call_events import sample, sample_names

from voxbot.domain.errors import EventError
from voxbot.notifier.events import digest, parse_event

HANGUP = {"Token": "1", "UniqueId": "1794809576.38", "CallType": 0}


@pytest.mark.parametrize("name", sample_names())
def test_every_event_of_the_samples_is_read(name):
    for _, path, body in sample(name):
        event = parse_event(path, body)
        assert (event.path, event.unique_id) == (path.strip("/"), body["UniqueId"])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/start", [], ""),
        ("/start", "text", ""),
        ("/answer", HANGUP, ""),
        ("/start", {"UniqueId": "1.1"}, "Token"),
        ("/start", {"Token": " ", "UniqueId": "1.1"}, "Token"),
        ("/start", {"Token": "1"}, "UniqueId"),
        ("/start", {"Token": "1", "UniqueId": ""}, "UniqueId"),
        ("/start", {"Token": "1", "UniqueId": {"a": 1}}, "UniqueId"),
        ("/start", {"Token": "1", "UniqueId": "1 1"}, "UniqueId"),
        ("/start", {"Token": "1", "UniqueId": "<unknown>"}, "UniqueId"),
        ("/start", {"Token": "1", "UniqueId": 1794800000.1}, "UniqueId"),
        ("/start", {"Token": 1.5, "UniqueId": "1.1"}, "Token"),
        ("/start", {"Token": "1", "UniqueId": "1.1", "Phone": ["1"]}, "Phone"),
        ("/dial", {"Token": "1", "UniqueId": "1.1", "CallType": 0}, "Extensions"),
        ("/dial", {"Token": "1", "UniqueId": "1.1", "CallType": 0, "Extensions": "151"}, "Extensions"),
        ("/dial", {"Token": "1", "UniqueId": "1.1", "CallType": 0, "Extensions": [["151"]]}, "Extensions"),
        ("/dial", {"Token": "1", "UniqueId": "1.1", "CallType": "x", "Extensions": []}, "CallType"),
        ("/bridge", {"Token": "1", "UniqueId": "1.1"}, "BridgeUniqueid"),
        ("/bridge_destroy", {"Token": "1", "UniqueId": "", "BridgeUniqueid": ""}, "BridgeUniqueid"),
        ("/bridge", {"Token": "1", "UniqueId": "1.1", "BridgeUniqueid": "<unknown>"}, "BridgeUniqueid"),
        ("/bridge_destroy", {"Token": "1", "UniqueId": "", "BridgeUniqueid": "Anonymous"}, "BridgeUniqueid"),
        ("/bridge_destroy", {"Token": "1", "UniqueId": 1794800000.1, "BridgeUniqueid": "b1"}, "UniqueId"),
        ("/hangup", {"Token": "1", "UniqueId": "1.1"}, "CallType"),
        ("/hangup", {**HANGUP, "EndTime": "вчера"}, "EndTime"),
    ],
)
def test_a_malformed_body_is_refused_with_field_and_reason(path, body, field):
    with pytest.raises(EventError) as refused:
        parse_event(path, body)
    assert refused.value.field == field
    assert refused.value.reason
    assert not field or field in str(refused.value)


def test_unknown_fields_are_kept():
    event = parse_event("hangup", {**HANGUP, "ExternalInitiated": True, "Extra": {"a": [1]}})
    assert event.extra == {"ExternalInitiated": True, "Extra": {"a": [1]}}
    assert event.external_initiated


@pytest.mark.parametrize("missing", ["", "<unknown>", "Anonymous", None, "0001101"])
def test_a_missing_number_or_a_line_is_no_number(missing):
    assert parse_event("start", {"Token": "1", "UniqueId": "1.1", "Phone": missing}).phone is None


@pytest.mark.parametrize("number", ["375290001001", "+375290001001", "+375 (29) 000-10-01", 375290001001])
def test_numbers_are_digits(number):
    assert parse_event("start", {"Token": "1", "UniqueId": "1.1", "Phone": number}).phone == "375290001001"


def test_extensions_without_anybody_are_none():
    body = {**HANGUP, "Extensions": ["", "<unknown>", "151", "151"]}
    assert parse_event("hangup", body).extensions == ("151",)
    assert parse_event("hangup", {**HANGUP, "Extensions": [""]}).extensions == ()


def test_times_are_the_hosts_wall_clock():
    event = parse_event("hangup", {**HANGUP, "StartTime": "", "EndTime": "2026-11-16 09:13:30"})
    assert (event.started_at, event.ended_at) == (None, datetime.fromisoformat("2026-11-16 09:13:30"))


@pytest.mark.parametrize(
    "name", ["-375290001001", "375290001001", "+375 29 000-10-01", "8 (029) 000-10-01", "<unknown>", "", "-"]
)
def test_a_number_is_no_name(name):
    body = {"Token": "1", "UniqueId": "1.1", "BridgeUniqueid": "b", "CallerIDName": name}
    assert parse_event("bridge", body).caller_name is None


def test_text_that_no_database_holds_is_made_harmless():
    body = {"Token": "1", "UniqueId": "1.1", "BridgeUniqueid": "b", "CallerIDName": "Ром\x00ашка\ud800"}
    assert parse_event("bridge", body).caller_name == "Ромашка?"


def test_the_order_of_keys_does_not_tell_events_apart():
    body = {"Token": "1", "UniqueId": "1.1", "Phone": "2"}
    assert digest("/start", body) == digest("start", dict(reversed(body.items())))
    assert digest("start", body) != digest("dial", body)
    assert digest("start", body) != digest("start", {**body, "Phone": "3"})


def test_a_bridge_without_a_channel_may_say_so_as_hosts_do():
    event = parse_event("bridge_destroy", {"Token": "1", "UniqueId": "<unknown>", "BridgeUniqueid": "b1"})
    assert event.unique_id == ""
