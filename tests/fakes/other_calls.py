"""The same call again with other ids, customers and mobiles: many calls out of one sample."""

import re
from datetime import datetime, timedelta

from fakes.call_host import CUSTOMER


def other_call(post, number, token=None):
    """The same event of call `number` (below 100), of another enterprise if `token` is given."""
    at_s, path, body = post
    other = {key: _other(value, number) for key, value in body.items()}
    return at_s, path, {**other, "Token": token or body["Token"]}


def _other(value, number):
    if isinstance(value, list):
        return [_other(item, number) for item in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"17948(\d{5})\.", lambda found: f"{int(found[0][:-1]) + 20000 * number}.", value)
    value = re.sub(r"37529000(\d{4})", rf"3752{number:02}00\g<1>", value)
    value = re.sub(r"(-\w{8});([12])", rf"\g<1>{number:02};\g<2>", value)
    return f"{value}{number:02}" if value.count("-") == 4 else value


def later(posts, by_s, customer=CUSTOMER, *, number=0):
    """The same call at another time, of another customer. Local channels have the same names, as after a restart.

    `number` (below 100) tells channels of calls of one time apart.
    """
    return [
        (at_s + by_s, path, {key: _later(key, value, by_s, customer, number) for key, value in body.items()})
        for at_s, path, body in posts
    ]


def _later(key, value, by_s, customer, number):
    if isinstance(value, list):
        return [_later(key, item, by_s, customer, number) for item in value]
    if not isinstance(value, str):
        return value
    if key in ("DateReceived", "StartTime", "EndTime") and value:
        return str(datetime.fromisoformat(value) + timedelta(seconds=by_s))
    value = re.sub(r"^(17948\d{5})\.(\d+)$", lambda made: f"{int(made[1]) + by_s}.{int(made[2]) + 100 * number}", value)
    value = value.replace(CUSTOMER, customer)
    if key == "Channel" and number:
        value = re.sub(r"(-\w{6})\w\w(;[12])?$", rf"\g<1>{number:02}\g<2>", value)
    return f"{value}-{by_s}-{number}" if key == "BridgeUniqueid" else value
