"""The process's settings, from environment variables."""

from pathlib import Path

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
        "ALERT_REPEAT_SECONDS": "30",
        "AUDIT_DATABASE_URL": "postgresql+psycopg://u@127.0.0.1/audit",
        "AUDIT_SPOOL_MEGABYTES": "8",
        "DATA_DIRECTORY": "/data",
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
        alert_repeat_seconds=30,
        audit_url="postgresql+psycopg://u@127.0.0.1/audit",
        audit_spool_megabytes=8,
        data_directory=Path("/data"),
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
        ("ALERT_REPEAT_SECONDS", "0"),
        ("ALERT_REPEAT_SECONDS", "3601"),
        ("AUDIT_SPOOL_MEGABYTES", "0"),
        ("AUDIT_SPOOL_MEGABYTES", "1e3"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_bad_values_name_their_variable(name: str, value: str) -> None:
    """The message says which variable, and what it may be."""
    with pytest.raises(InvalidSpec, match=name):
        Settings.from_environment({name: value})


def test_the_audit_url_may_come_from_a_file(tmp_path: Path) -> None:
    """As a Secret is mounted; one that is optional and not there gives the default, beside the spool."""
    url = tmp_path / "url"
    given = {"AUDIT_DATABASE_URL_FILE": str(url), "DATA_DIRECTORY": str(tmp_path)}
    absent = Settings.from_environment(given)
    assert absent.audit_database_url == f"sqlite:///{tmp_path}/audit.db"
    assert absent.spool_directory == tmp_path / "spool"
    url.write_text("postgresql+psycopg://u:secret@127.0.0.1/audit\n")
    there = Settings.from_environment(given)
    assert there.audit_database_url == "postgresql+psycopg://u:secret@127.0.0.1/audit"
    assert "secret" not in repr(there)


def test_two_audit_urls_are_one_too_many(tmp_path: Path) -> None:
    """Which of them counts, a person must say; neither value is told."""
    url = tmp_path / "url"
    url.write_text("sqlite:///b")
    both = {"AUDIT_DATABASE_URL": "sqlite:///a", "AUDIT_DATABASE_URL_FILE": str(url)}
    with pytest.raises(InvalidSpec, match="both set"):
        Settings.from_environment(both)
    with pytest.raises(InvalidSpec, match="AUDIT_DATABASE_URL_FILE"):
        Settings.from_environment({"AUDIT_DATABASE_URL_FILE": str(tmp_path)})
