"""Settings: read by their schema, saved into the `.env` with everything else in it."""

from __future__ import annotations

import pytest
from fakes.api import KEY

from voxbot.settings.catalog import in_force, variables
from voxbot.settings.loader import load_settings


async def post(client, path, body):
    return await client.post(path, json=body, headers=KEY)


async def save(client, **values):
    return await post(client, "/api/settings/values", {"values": values})


async def test_the_older_settings_are_saved_and_in_force_at_once(lab):
    lab.env_file.write_text("# поиск\nKB_TOP_K=3 # мало\nTURN_BARGE_IN_MS=300\n")
    client = lab.client()
    answer = await post(client, "/api/settings", {"kb_top_k": 5, "kb_fallback_threshold": 0.6})
    assert answer.json() == {
        "kb_top_k": 5,
        "kb_fallback_threshold": 0.6,
        "llm_model_primary": "gpt-4o-mini",
        "llm_model_fallback": "gpt-4o",
        "llm_temperature": 0.2,
    }
    answer = await post(client, "/api/model-settings", {"llm_model_primary": "my model", "llm_temperature": 1})
    assert (answer.json()["llm_model_primary"], answer.json()["llm_temperature"]) == ("my model", 1.0)
    assert lab.env_file.read_text() == (
        "# поиск\nKB_TOP_K=5 # мало\nTURN_BARGE_IN_MS=300\n"
        "KB_FALLBACK_THRESHOLD=0.6\nLLM_MODEL_PRIMARY='my model'\nLLM_TEMPERATURE=1\n"
    )


async def test_the_schema_describes_every_variable(lab):
    schema = (await lab.client().get("/api/settings/schema")).json()
    described = {item["name"]: item for group in schema["groups"] for item in group["variables"]}
    assert list(described) == [variable.name for variable in variables()]
    barge_in = described["TURN_BARGE_IN_MS"]
    assert (barge_in["kind"], barge_in["unit"], barge_in["default"]) == ("integer", "мс", 200)
    assert (barge_in["minimum"], barge_in["maximum"], barge_in["needs_restart"]) == (64, 2000, False)
    assert described["LLM_PROVIDER"]["choices"] == ["auto", "openai", "extractive"]
    assert described["API_SECRET_KEY"]["kind"] == "secret"
    assert described["API_PORT"]["needs_restart"] is True
    assert described["CHANNEL_TIMEOUT"]["minimum_excluded"] is True
    assert described["HOLD_SOUND"]["optional"] is True


async def test_secrets_and_passwords_are_never_shown(lab):
    lab.env_file.write_text("OPENAI_API_KEY=sk-1\nREDIS_URL=redis://:geheim@host/0\nCHROMA_URL=http://u:geheim@h:1\n")
    answer = await lab.client().get("/api/settings/values")
    values = answer.json()["values"]
    tag = values["OPENAI_API_KEY"]["tag"]
    assert values["OPENAI_API_KEY"] == {"value": None, "origin": "file", "is_set": True, "pending": False, "tag": tag}
    assert values["API_SECRET_KEY"]["tag"] != tag
    assert values["REDIS_URL"]["value"] == "redis://***@host/0"
    assert values["API_SECRET_KEY"]["origin"] == "environment"
    assert "geheim" not in answer.text
    assert "sk-1" not in answer.text


async def test_a_masked_address_is_not_saved_as_it_is_shown(lab):
    lab.env_file.write_text("REDIS_URL=redis://:geheim@host/0\n")
    answer = await save(lab.client(), REDIS_URL="redis://***@host/0")
    assert answer.status_code == 422
    assert "geheim" in lab.env_file.read_text()


async def test_several_are_saved_together_and_what_waits_for_a_restart_is_named(lab):
    lab.env_file.write_text("KB_TOP_K=9\n")
    client = lab.client()
    saved = (await save(client, TURN_BARGE_IN_MS=250, API_PORT="9005", CALL_RECORDING=True, KB_TOP_K=None)).json()
    assert sorted(saved["changed"]) == ["API_PORT", "CALL_RECORDING", "KB_TOP_K", "TURN_BARGE_IN_MS"]
    assert saved["needs_restart"] == ["API_PORT"]
    port = saved["values"]["API_PORT"]
    assert (port["value"], port["origin"], port["is_set"], port["pending"]) == (9005, "file", True, True)
    assert saved["values"]["KB_TOP_K"]["origin"] == "default"
    assert lab.env_file.read_text() == "TURN_BARGE_IN_MS=250\nAPI_PORT=9005\nCALL_RECORDING=true\n"
    alarms = (await client.get("/api/system")).json()["alarms"]
    assert ("restart_needed", "Ждут перезапуска: API_PORT") in [(alarm["code"], alarm["text"]) for alarm in alarms]


@pytest.mark.parametrize(
    ("values", "status", "detail"),
    [
        ({"KB_TOP_K": 4, "LLM_TEMPERATURE": 9}, 422, "LLM_TEMPERATURE='9': нужно число от 0 до 2"),
        ({"KB_TOP_K": "хм"}, 422, "KB_TOP_K='хм': нужно целое число от 1 до 20"),
        ({"TURN_SPECULATE_SILENCE_MS": 2000}, 422, "нужно меньше, чем TURN_END_SILENCE_MS"),
        ({"RECORDING_NOTICE": "a\nKB_TOP_K=1"}, 422, "в одну строку"),
        ({"NO_SUCH": 1}, 404, "Таких настроек нет: 'NO_SUCH'"),
        ({"API_SECRET_KEY": "x"}, 409, "задано в окружении процесса"),
        ({}, 422, "ни одной настройки"),
    ],
)
async def test_wrong_values_change_nothing(lab, values, status, detail):
    lab.env_file.write_text("KB_TOP_K=9\n")
    client = lab.client()
    answer = await save(client, **values)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]
    assert lab.env_file.read_text() == "KB_TOP_K=9\n"
    assert (await client.get("/api/settings")).json()["kb_top_k"] == 9


async def test_a_new_key_waits_for_the_restart(lab):
    lab.env_file.write_text("API_SECRET_KEY=old\n")
    client = lab.client(API_SECRET_KEY="")
    old = {"X-API-Key": "old"}
    body = {"values": {"API_SECRET_KEY": "new", "API_HOST": "0.0.0.0"}}
    assert (await client.post("/api/settings/values", json=body, headers=old)).status_code == 200
    assert (await client.post("/api/settings", json={"kb_top_k": 4}, headers=old)).status_code == 200
    assert (await client.post("/api/settings", json={"kb_top_k": 4}, headers={"X-API-Key": "new"})).status_code == 401


async def test_saving_takes_the_key(lab):
    for path in ("/api/settings", "/api/model-settings", "/api/settings/values"):
        assert (await lab.client().post(path, json={"values": {"KB_TOP_K": 4}})).status_code == 401
    assert lab.env_file.read_text() == ""


async def test_a_colleagues_change_of_the_settings_is_not_undone_unseen(lab):
    client = lab.client()
    seen = await client.get("/api/settings/values")
    tag = seen.headers["etag"]

    def saving(**values):
        return client.post("/api/settings/values", json={"values": values}, headers={**KEY, "If-Match": tag})

    assert (await saving(KB_TOP_K=5)).status_code == 200
    refused = await saving(KB_TOP_K=7)
    assert (refused.status_code, refused.json()["code"]) == (409, "settings_changed")
    now = await client.get("/api/settings/values")
    values, before = now.json()["values"], seen.json()["values"]
    assert [name for name in values if values[name]["tag"] != before[name]["tag"]] == ["KB_TOP_K"]
    tag = now.headers["etag"]
    assert (await saving(KB_TOP_K=7)).headers["etag"] != tag


async def test_a_secret_that_was_changed_has_another_tag_and_an_edited_file_counts(lab):
    client = lab.client()
    before = await client.get("/api/settings/values")
    lab.env_file.write_text("OPENAI_API_KEY=sk-2\n")
    refused = await client.post(
        "/api/settings/values",
        json={"values": {"KB_TOP_K": 5}},
        headers={**KEY, "If-Match": f"W/{before.headers['etag']}"},
    )
    assert refused.status_code == 409
    tags = [answer.json()["values"]["OPENAI_API_KEY"]["tag"] for answer in (before, await client.get(before.url.path))]
    assert tags[0] != tags[1]
    assert lab.env_file.read_text() == "OPENAI_API_KEY=sk-2\n"


async def test_settings_that_wait_for_a_restart_are_those_of_the_start_everywhere(lab):
    """The index, the search and the other units know only the old base: the panel must not show another."""
    for name, title in (("one", "Прежняя"), ("two", "Новая")):
        (lab.folder / name).mkdir()
        (lab.folder / name / "general.md").write_text(f"# {title}\nТекст.\n", encoding="utf-8")
    data = lab.folder / "data"
    lab.env_file.write_text(f"KNOWLEDGE_BASE_PATH={lab.folder}/one/general.md\nDATA_DIR={data}\nKB_TOP_K=3\n")
    parts = lab.parts(DATA_DIR="")
    client = lab.client(parts)
    lab.env_file.write_text(
        f"KNOWLEDGE_BASE_PATH={lab.folder}/two/general.md\nDATA_DIR={lab.folder}/elsewhere\nKB_TOP_K=7\n"
    )
    parts.source.reload()
    assert (await client.get("/api/settings")).json()["kb_top_k"] == 7
    assert "Прежняя" in (await client.get("/kb")).json()["text"]
    made = await client.post("/api/kb/drafts", headers=KEY, json={"kb": "general", "text": "# Луна\nДалеко.\n"})
    await client.post("/api/prompts", headers=KEY, json={"greeting": "Алло"})
    assert (await client.get(f"/api/kb/drafts/{made.json()['id']}")).json()["base"]
    assert not (lab.folder / "elsewhere").exists()


def test_what_is_in_force_is_of_the_start_where_a_restart_is_needed(tmp_path):
    started = load_settings(None, {"DATA_DIR": str(tmp_path / "one"), "KB_TOP_K": "3", "API_PORT": "1234"})
    now = load_settings(None, {"DATA_DIR": str(tmp_path / "two"), "KB_TOP_K": "7", "API_PORT": "4321"})
    given = in_force(started, now)
    assert (given.paths, given.api.port, given.knowledge.top_k) == (started.paths, 1234, 7)


async def test_nothing_is_saved_into_a_file_that_was_emptied_by_accident(lab):
    lab.env_file.write_text("KB_TOP_K=3\nLLM_TEMPERATURE=0.1\n")
    parts = lab.parts()
    lab.env_file.write_text("")
    refused = await save(lab.client(parts), KB_TOP_K=5)
    assert (refused.status_code, refused.json()["code"]) == (409, "settings_lost")
    assert parts.settings.knowledge.top_k == 3


async def test_the_last_variable_of_the_file_may_be_taken_out_of_it(lab):
    lab.env_file.write_text("KB_TOP_K=9\n")
    parts = lab.parts()
    saved = await post(lab.client(parts), "/api/settings/values", {"reset": ["KB_TOP_K"]})
    assert saved.status_code == 200
    assert parts.settings.knowledge.top_k == 3
