"""Each kind of account sends what the service takes from it, and is told what to do when it does not."""

import pytest
from fakes.yandex_account import API_KEY, FOLDER, OAUTH_TOKEN
from fakes.yandex_cloud import yandex_cloud

from voxbot.domain.errors import ConfigError, ProviderAuthError, ProviderRateLimitError, ProviderUnavailableError
from voxbot.providers.yandex.auth import create_auth
from voxbot.settings.loader import load_settings


def auth(**environ):
    return create_auth(load_settings(None, environ).yandex)


@pytest.fixture
async def cloud():
    async with yandex_cloud() as double:
        yield double


async def sent(environ):
    account = auth(**environ)
    try:
        return dict(await account.metadata())
    finally:
        await account.close()


async def test_an_api_key_goes_without_a_folder():
    assert await sent({"YANDEX_API_KEY": "k", "YANDEX_FOLDER_ID": FOLDER}) == {"authorization": "Api-Key k"}


async def test_a_personal_account_exchanges_its_token_and_names_its_folder(cloud):
    environ = cloud.environment(YANDEX_AUTH="oauth", OAUTH_TOKEN=OAUTH_TOKEN)
    assert await sent(environ) == {"authorization": "Bearer t1.user-token-1", "x-folder-id": FOLDER}


async def test_a_machine_of_the_cloud_asks_its_metadata_and_names_no_folder(cloud):
    assert await sent(cloud.environment(YANDEX_AUTH="metadata")) == {"authorization": "Bearer t1.service-token-1"}


async def test_a_given_token_names_the_folder_that_is_set():
    assert await sent({"YANDEX_IAM_TOKEN": "t"}) == {"authorization": "Bearer t"}
    both = await sent({"YANDEX_IAM_TOKEN": "t", "YANDEX_FOLDER_ID": FOLDER})
    assert both == {"authorization": "Bearer t", "x-folder-id": FOLDER}


@pytest.mark.parametrize(
    ("environ", "authorization"),
    [
        ({"YANDEX_API_KEY": "k", "YANDEX_IAM_TOKEN": "t"}, "Api-Key k"),
        ({"YANDEX_IAM_TOKEN": "t", "OAUTH_TOKEN": "o"}, "Bearer t"),
        ({"YANDEX_API_KEY": "k", "YANDEX_IAM_TOKEN": "t", "YANDEX_AUTH": "iam"}, "Bearer t"),
    ],
)
async def test_of_several_the_one_that_needs_least_is_used_unless_one_is_named(environ, authorization):
    assert (await sent(environ))["authorization"] == authorization


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "YANDEX_API_KEY"),
        ({"OAUTH_TOKEN": "o"}, "YANDEX_FOLDER_ID"),
        ({"YANDEX_AUTH": "oauth", "YANDEX_API_KEY": "k"}, "OAUTH_TOKEN"),
        ({"YANDEX_API_KEY": "secret\u200bkey"}, "YANDEX_API_KEY"),
    ],
)
def test_what_is_missing_is_named(environ, named):
    with pytest.raises(ConfigError, match=named) as caught:
        auth(**environ)
    assert "secret" not in str(caught.value)


async def test_a_refused_oauth_token_is_explained_and_not_shown(cloud):
    environ = cloud.environment(YANDEX_AUTH="oauth", OAUTH_TOKEN="y0_wrong-secret")
    with pytest.raises(ProviderAuthError, match="OAUTH_TOKEN") as caught:
        await sent(environ)
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["oauth", "metadata"])
@pytest.mark.parametrize(("status", "error"), [(500, ProviderUnavailableError), (429, ProviderRateLimitError)])
async def test_a_service_of_tokens_that_stays_down_is_an_error_of_the_house(cloud, kind, status, error):
    cloud.iam.statuses.clear()
    cloud.iam.statuses.append(status)
    with pytest.raises(error):
        await sent(cloud.environment(YANDEX_AUTH=kind, OAUTH_TOKEN=OAUTH_TOKEN))
    assert cloud.iam.asked == 3


async def test_a_hiccup_of_the_service_of_tokens_is_not_noticed(cloud):
    cloud.iam.statuses.extendleft([503])
    assert (await sent(cloud.environment(YANDEX_AUTH="metadata")))["authorization"].startswith("Bearer ")


@pytest.mark.parametrize("life_s", ["soon", None, "600", float("nan")])
async def test_a_token_whose_life_cannot_be_read_is_used_all_the_same(cloud, life_s):
    cloud.iam.told_life = life_s
    assert (await sent(cloud.environment(YANDEX_AUTH="metadata")))["authorization"].startswith("Bearer ")


async def test_nobody_there_is_an_error_of_the_house():
    with pytest.raises(ProviderUnavailableError, match="только в Yandex Cloud"):
        await sent({"YANDEX_AUTH": "metadata", "YANDEX_METADATA_URL": "http://127.0.0.1:9"})


async def test_secrets_are_not_in_the_settings_shown():
    settings = load_settings(None, {"YANDEX_API_KEY": API_KEY, "OAUTH_TOKEN": OAUTH_TOKEN})
    assert API_KEY not in repr(settings)
    assert OAUTH_TOKEN not in repr(settings)
