"""Which transport is chosen for which Asterisk."""

import pytest

from voxbot.call.carrier import choose_carrier
from voxbot.domain.errors import ConfigError
from voxbot.settings.loader import load_settings
from voxbot.telephony.abilities import Abilities

HERE, THERE = "http://127.0.0.1:8088", "http://pbx.example:8088"
ALL = Abilities("22.10.1", (), (), ())
NO_WEBSOCKET = Abilities("20.5.0", ("версия 20.5.0",), (), ())
ONLY_FILES = Abilities("16.30.0", ("chan_websocket.so",), ("chan_audiosocket.so",), ())
NOTHING = Abilities("16.30.0", ("chan_websocket.so",), ("chan_audiosocket.so",), ("res_stasis_snoop.so",))


def choose(transport, abilities, ari_url=HERE, **environ):
    settings = load_settings(environ={"MEDIA_TRANSPORT": transport, **environ})
    return choose_carrier(settings.media, abilities, ari_url)


@pytest.mark.parametrize(
    ("abilities", "ari_url", "environ", "chosen"),
    [
        (ALL, HERE, {}, "websocket"),
        (ALL, THERE, {}, "websocket"),
        (NO_WEBSOCKET, HERE, {}, "audiosocket"),
        (NO_WEBSOCKET, "http://localhost:8088", {}, "audiosocket"),
        (NO_WEBSOCKET, THERE, {}, "files"),
        (NO_WEBSOCKET, THERE, {"AUDIOSOCKET_HOST": "0.0.0.0"}, "files"),
        (NO_WEBSOCKET, THERE, {"AUDIOSOCKET_HOST": "10.0.0.5"}, "audiosocket"),
        (NO_WEBSOCKET, THERE, {"AUDIOSOCKET_HOST": "0.0.0.0", "AUDIOSOCKET_ADVERTISED_HOST": "bot"}, "audiosocket"),
        (ONLY_FILES, HERE, {}, "files"),
    ],
)
def test_auto_takes_the_best_that_works(abilities, ari_url, environ, chosen):
    assert choose("auto", abilities, ari_url, **environ) == chosen


def test_what_is_asked_for_is_taken_although_there_is_better():
    assert choose("audiosocket", ALL) == "audiosocket"
    assert choose("files", ALL) == "files"


@pytest.mark.parametrize(
    ("transport", "abilities", "named"),
    [
        ("websocket", NO_WEBSOCKET, "20.5.0"),
        ("audiosocket", ONLY_FILES, "chan_audiosocket.so"),
        ("files", NOTHING, "res_stasis_snoop.so"),
        ("auto", NOTHING, "chan_websocket.so"),
    ],
)
def test_what_is_not_there_is_named_in_one_line(transport, abilities, named):
    with pytest.raises(ConfigError, match=named) as caught:
        choose(transport, abilities)
    assert "MEDIA_TRANSPORT" in str(caught.value)
    assert "\n" not in str(caught.value)
