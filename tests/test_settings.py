"""The process's settings, from environment variables."""

import pytest

from navixy_operator.errors import InvalidSpec
from navixy_operator.settings import Settings


def test_defaults() -> None:
    """Nothing needs to be set."""
    assert Settings.from_environment({}) == Settings()
    assert not Settings().everywhere


@pytest.mark.parametrize(
    ("text", "names", "everywhere"),
    [
        ("", (), False),
        ("a", ("a",), False),
        (" a, b ,,", ("a", "b"), False),
        ("*", ("*",), True),
        ("a,*", ("a", "*"), True),
    ],
)
def test_namespaces(text: str, names: tuple[str, ...], everywhere: bool) -> None:  # noqa: FBT001 - the value under test
    """Names with commas between, spaces do not matter, a star is all."""
    settings = Settings.from_environment({"WATCH_NAMESPACES": text})
    assert (settings.namespaces, settings.everywhere) == (names, everywhere)


def test_all_of_them() -> None:
    """Every variable has its setting; words may be in any case."""
    environment = {
        "HEALTH_PORT": "0",
        "HEALTH_HOST": "127.0.0.1",
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "Console",
        "POD_NAME": "pod-1",
        "LEASE_NAMESPACE": " here ",
        "LEADER_ELECTION_SECONDS": "60",
        "OTHER": "ignored",
    }
    assert Settings.from_environment(environment) == Settings(
        health_port=0,
        health_host="127.0.0.1",
        log_level="DEBUG",
        log_json=False,
        identity="pod-1",
        lease_namespace="here",
        leader_election_seconds=60,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEALTH_PORT", "65536"),
        ("HEALTH_PORT", "-1"),
        ("HEALTH_PORT", "http"),
        ("HEALTH_PORT", ""),
        ("HEALTH_PORT", "8080.0"),
        ("LEADER_ELECTION_SECONDS", "2"),
        ("LEADER_ELECTION_SECONDS", "601"),
        ("LEADER_ELECTION_SECONDS", "7.5"),
        ("LEADER_ELECTION_SECONDS", ""),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_bad_values_name_their_variable(name: str, value: str) -> None:
    """The message says which variable, and what it may be."""
    with pytest.raises(InvalidSpec, match=name):
        Settings.from_environment({name: value})
