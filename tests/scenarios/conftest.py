"""The flag that writes snapshots anew."""


def pytest_addoption(parser):
    parser.addoption(
        "--update-scenarios", action="store_true", help="write the events that came into the scenarios' files"
    )
