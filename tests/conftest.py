"""For all tests: no network beyond this machine."""

from pytest_socket import socket_allow_hosts


def pytest_runtest_setup():
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)
