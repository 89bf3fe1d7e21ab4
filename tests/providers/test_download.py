"""A model of the network is whole or not there, whatever the network, the server and the disk do."""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import shutil
import ssl
from types import SimpleNamespace

import pytest
from fakes.model_hub import model_hub

from voxbot.domain.errors import ModelError
from voxbot.providers import download, models
from voxbot.providers.models import Model, ModelFile, fetch, inspect, require

pytestmark = pytest.mark.enable_socket

WEIGHTS = bytes(range(256)) * 12_000
CONFIG = b'{"model_type": "ctc"}'


def model(weights=WEIGHTS, config_sum=""):
    return Model(
        name="far",
        purpose="",
        origin="",
        repository="maker/far",
        revision="abc123",
        files=(
            ModelFile("config.json", len(CONFIG) if config_sum else 0, config_sum),
            ModelFile("weights.onnx", len(weights), hashlib.sha256(weights).hexdigest()),
        ),
    )


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)


@pytest.fixture
def hub():
    with model_hub({"config.json": CONFIG, "weights.onnx": WEIGHTS}) as running:
        yield running


def files_of(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in {".lock", ".sums.json"})


def test_a_model_is_downloaded_checked_and_left_alone_afterwards(hub, tmp_path):
    counts: list[int] = []
    assert inspect(model(), tmp_path) == "missing"
    assert fetch(model(), tmp_path, hub=hub.url, on_bytes=counts.append)
    assert sum(counts) == len(WEIGHTS) + len(CONFIG)
    assert files_of(tmp_path / "far") == ["config.json", "weights.onnx"]
    assert require(model(), tmp_path) == tmp_path / "far"
    assert not fetch(model(), tmp_path, hub=hub.url)
    assert len(hub.ranges) == 2


def test_a_connection_that_breaks_is_gone_on_with_from_where_it_broke(hub, tmp_path):
    hub.cuts = [len(CONFIG), 1_000_000, 500_000]
    counts: list[int] = []
    fetch(model(), tmp_path, hub=hub.url, on_bytes=counts.append)
    assert hub.ranges == ["", "", "bytes=1000000-", "bytes=1500000-"]
    assert sum(counts) == len(WEIGHTS) + len(CONFIG)
    assert inspect(model(), tmp_path) == "ready"


def test_a_network_that_stays_down_is_one_clear_line_and_what_came_is_kept(hub, tmp_path):
    hub.cuts = [len(CONFIG), 1_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(ModelError, match=r"MODELS_URL.*скачанное сохранено"):
        fetch(model(), tmp_path, hub=hub.url)
    assert files_of(tmp_path / "far") == [".weights.onnx.partial", "config.json"]
    assert inspect(model(), tmp_path) == "missing"
    hub.ranges.clear()
    fetch(model(), tmp_path, hub=hub.url)
    assert hub.ranges == ["bytes=1000000-"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENETUNREACH, "Network is unreachable"), ssl.SSLError("bad record mac")]
)
def test_a_network_that_goes_while_a_file_comes_is_not_the_disk(hub, tmp_path, monkeypatch, error):
    """Errors that no loopback gives: they are raised by the reading of the first answers."""
    left = [error] * 3
    read = http.client.HTTPResponse.read

    def failing(response, amount=None):
        if left:
            raise left.pop()
        return read(response, amount)

    monkeypatch.setattr(http.client.HTTPResponse, "read", failing)
    fetch(model(), tmp_path, hub=hub.url)
    assert inspect(model(), tmp_path) == "ready"
    left[:] = [error] * 99
    with pytest.raises(ModelError, match=rf"{error.args[-1]}.*проверьте сеть.*MODELS_URL"):
        fetch(model(), tmp_path, hub=hub.url, force=True)


def test_a_disk_that_does_not_take_the_file_is_not_the_network(hub, tmp_path):
    (tmp_path / "far" / ".weights.onnx.partial").mkdir(parents=True)
    with pytest.raises(ModelError, match="место на диске"):
        fetch(model(), tmp_path, hub=hub.url)


def test_a_server_without_ranges_is_read_from_the_start(hub, tmp_path):
    hub.knows_ranges = False
    hub.cuts = [len(CONFIG), 1_000_000]
    counts: list[int] = []
    fetch(model(), tmp_path, hub=hub.url, on_bytes=counts.append)
    assert inspect(model(), tmp_path) == "ready"
    assert sum(counts) == len(WEIGHTS) + len(CONFIG)


def test_a_busy_server_is_asked_again(hub, tmp_path):
    hub.statuses = [503, 429, 500]
    fetch(model(), tmp_path, hub=hub.url)
    assert inspect(model(), tmp_path) == "ready"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_told_at_once(hub, tmp_path, status):
    hub.statuses = [status] * 9
    with pytest.raises(ModelError, match=f"{status}.*MODELS_URL"):
        fetch(model(), tmp_path, hub=hub.url)
    assert len(hub.ranges) == 1


def test_another_files_bytes_never_become_a_model(hub, tmp_path):
    hub.files["weights.onnx"] = WEIGHTS[:-1] + b"?"
    counts: list[int] = []
    with pytest.raises(ModelError, match="не совпадает с опубликованным"):
        fetch(model(), tmp_path, hub=hub.url, on_bytes=counts.append)
    assert files_of(tmp_path / "far") == ["config.json"]
    assert sum(counts) == len(CONFIG)


@pytest.mark.parametrize("kept", [b"of another time" * 1000, WEIGHTS + b"and more", WEIGHTS])
def test_what_an_earlier_run_kept_is_no_obstacle(hub, tmp_path, kept):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / ".weights.onnx.partial").write_bytes(kept)
    fetch(model(), tmp_path, hub=hub.url)
    assert inspect(model(), tmp_path) == "ready"
    assert files_of(tmp_path / "far") == ["config.json", "weights.onnx"]


@pytest.mark.parametrize("large", [(), ("config.json",)])
def test_a_file_without_a_known_sum_must_be_what_the_hub_lists_and_stay_so(tmp_path, large):
    with model_hub({"config.json": CONFIG, "weights.onnx": WEIGHTS}, large) as hub:
        fetch(model(), tmp_path, hub=hub.url)
        assert inspect(model(), tmp_path) == "ready"
        (tmp_path / "far" / "config.json").write_bytes(b"{}")
        assert inspect(model(), tmp_path) == "damaged"
        listing = hub.listing()
        hub.listing = lambda: listing
        hub.files["config.json"] = b"{}"
        with pytest.raises(ModelError, match=r"config\.json"):
            fetch(model(), tmp_path, hub=hub.url)


def test_a_machine_without_network_is_told_what_to_do(tmp_path):
    with pytest.raises(ModelError, match=r"MODELS_URL"):
        fetch(model(), tmp_path, hub="http://127.0.0.1:9")
    with pytest.raises(ModelError, match="voxbot models fetch far"):
        require(model(), tmp_path)


def test_a_disk_too_small_is_told_before_the_download(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(ModelError, match="свободно 1 МБ"):
        fetch(model(), tmp_path, hub=hub.url)
    assert hub.ranges == []


def test_damaged_notes_of_sums_only_cost_a_download(hub, tmp_path):
    fetch(model(), tmp_path, hub=hub.url)
    (tmp_path / "far" / ".sums.json").write_text("[1]")
    assert inspect(model(), tmp_path) == "damaged"
    fetch(model(), tmp_path, hub=hub.url)
    assert json.loads((tmp_path / "far" / ".sums.json").read_text()) == {
        "config.json": hashlib.sha256(CONFIG).hexdigest()
    }
    assert inspect(model(), tmp_path) == "ready"


def test_every_model_of_the_catalogue_is_pinned():
    for known in models.CATALOGUE.values():
        assert known.licence
        if known.is_downloaded:
            assert len(known.revision) == 40
            assert sum(file.size_bytes for file in known.files if file.sha256) > 100_000_000
        for file in known.files:
            assert len(file.sha256) in {0, 64}
            assert bool(file.parts) != known.is_downloaded
