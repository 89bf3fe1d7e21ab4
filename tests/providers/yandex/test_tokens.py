"""A token that is renewed beside the calls, in virtual time."""

import asyncio

import pytest
from fakes.virtual_time import run_virtual

from voxbot.domain.errors import ProviderAuthError, ProviderUnavailableError
from voxbot.providers.yandex.tokens import FreshToken, RenewedToken

HOUR_S = 3600


class Issuer:
    """Gives tokens 1, 2, 3 …; `failures` are raised first, one a request."""

    def __init__(self, life_s=12 * HOUR_S, latency_s=0.1):
        self.life_s = life_s
        self.latency_s = latency_s
        self.failures = []
        self.asked_at_s = []

    async def fetch(self):
        self.asked_at_s.append(round(asyncio.get_running_loop().time(), 1))
        await asyncio.sleep(self.latency_s)
        if self.failures:
            raise self.failures.pop(0)
        return FreshToken(str(len(self.asked_at_s)), self.life_s)


def renewed(issuer):
    return RenewedToken(issuer.fetch, chance=lambda: 0.0)


def down():
    return ProviderUnavailableError("yandex", "down")


def run(scenario, **issuer_options):
    """Run `scenario(token, issuer)` in virtual time; give the issuer."""

    async def main():
        issuer = Issuer(**issuer_options)
        token = renewed(issuer)
        try:
            await scenario(token, issuer)
        finally:
            await token.close()
        return issuer

    return run_virtual(main())


def test_all_who_ask_at_once_share_one_request():
    async def scenario(token, issuer):
        assert await asyncio.gather(*(token.value() for _ in range(20))) == ["1"] * 20

    assert run(scenario).asked_at_s == [0]


def test_it_is_renewed_every_hour_and_nobody_waits_for_that():
    async def scenario(token, issuer):
        loop = asyncio.get_running_loop()
        await token.value()
        for _ in range(1000):
            await asyncio.sleep(10)
            before_s = loop.time()
            await token.value()
            assert loop.time() == before_s
        assert await token.value() == "3"

    assert run(scenario).asked_at_s == [0, 3600.1, 7200.2]


def test_a_short_lived_one_is_renewed_well_before_it_expires():
    async def scenario(token, issuer):
        await token.value()
        await asyncio.sleep(80)
        assert await token.value() == "2"

    assert run(scenario, life_s=100).asked_at_s == [0, 70.1]


def test_the_old_one_serves_while_renewing_fails():
    async def scenario(token, issuer):
        await token.value()
        issuer.failures = [down() for _ in range(3)]
        await asyncio.sleep(HOUR_S + 3)
        assert await token.value() == "1"
        await asyncio.sleep(60)
        assert await token.value() == "5"

    assert run(scenario).asked_at_s == [0, 3600.1, 3602.2, 3606.3, 3614.4]


def test_one_that_has_expired_is_fetched_by_who_needs_it():
    async def scenario(token, issuer):
        await token.value()
        issuer.failures = [down() for _ in range(100)]
        await asyncio.sleep(100)
        issuer.failures = []
        assert int(await token.value()) > 1

    run(scenario, life_s=100)


def test_one_that_is_still_valid_serves_to_its_end_while_its_issuer_hangs():
    async def scenario(token, issuer):
        loop = asyncio.get_running_loop()
        await token.value()
        issuer.latency_s, issuer.failures = 5.0, [down() for _ in range(100)]
        await asyncio.sleep(592)
        asked_s = loop.time()
        assert await token.value() == "1"
        assert loop.time() == asked_s
        issuer.failures = []
        await asyncio.sleep(7)
        assert await token.value() != "1", "who needed the token has asked for the next one"

    run(scenario, life_s=600)


def test_the_first_request_is_repeated_and_then_fails_for_all_who_wait():
    async def scenario(token, issuer):
        issuer.failures = [down() for _ in range(3)]
        results = await asyncio.gather(token.value(), token.value(), return_exceptions=True)
        assert [type(result) for result in results] == [ProviderUnavailableError] * 2
        assert await token.value() == "4"

    assert run(scenario).asked_at_s == [0, 0.3, 1.0, 1.1]


def test_a_refused_account_is_not_asked_again():
    async def scenario(token, issuer):
        issuer.failures = [ProviderAuthError("yandex", "no")]
        with pytest.raises(ProviderAuthError):
            await token.value()

    assert run(scenario).asked_at_s == [0]


def test_who_gives_up_waiting_does_not_stop_the_others():
    async def scenario(token, issuer):
        hasty, patient = asyncio.create_task(token.value()), asyncio.create_task(token.value())
        await asyncio.sleep(0.05)
        hasty.cancel()
        assert await patient == "1"
        assert hasty.cancelled()

    assert run(scenario).asked_at_s == [0]


def test_a_revoked_one_is_replaced_but_a_new_one_that_is_refused_is_not():
    async def scenario(token, issuer):
        await token.value()
        assert not token.refused("1")
        await asyncio.sleep(60)
        assert token.refused("1")
        assert await token.value() == "2"
        assert not token.refused("2")

    assert run(scenario).asked_at_s == [0, 60.1]


def test_all_whose_requests_a_revoked_one_spoilt_get_the_same_new_one():
    """Refused while the new one is being fetched, and when it is there and young."""

    async def scenario(token, issuer):
        assert await token.value() == "1"
        await asyncio.sleep(60)

        async def request(delay_s):
            await asyncio.sleep(delay_s)
            sent = await token.value()
            await asyncio.sleep(0.05)
            assert sent != "1" or token.refused(sent)
            return await token.value()

        assert await asyncio.gather(*(request(0.02 * number) for number in range(10))) == ["2"] * 10

    assert run(scenario).asked_at_s == [0, 60.1]


def test_a_bug_under_a_request_is_an_error_of_the_house_and_renewing_goes_on():
    async def scenario(token, issuer):
        issuer.failures = [ValueError("a bug") for _ in range(3)]
        with pytest.raises(ProviderUnavailableError, match="ValueError"):
            await token.value()
        assert await token.value() == "4"
        issuer.failures = [ValueError("a bug")]
        await asyncio.sleep(HOUR_S + 10)
        assert await token.value() == "6"

    run(scenario)


def test_a_token_is_not_shown():
    assert "secret" not in repr(FreshToken("secret", 1))
