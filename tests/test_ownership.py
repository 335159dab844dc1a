"""Which NavixySync owns an F1.1: the oldest that names it, however the URL is written."""

from typing import Any

import pytest

from navixy_operator.core.vocabulary import Kind
from navixy_operator.ownership import owner_of, same_service
from navixy_operator.ports import Resource
from support.builders import resource

URL = "https://f11.example.com/base"


def sync(name: str, created: str = "2026-01-01T00:00:00Z", url: str = URL, **fields: Any) -> Resource:
    """A NavixySync that names an F1.1."""
    return resource(Kind.SYNC, name, spec={"forwarding": {"url": url}}, created_at=created, **fields)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        URL + "/",
        " https://f11.example.com/base ",
        "HTTPS://F11.Example.COM/base",
        "https://f11.example.com:443/base",
        "https://f11.example.com./base",
    ],
)
def test_the_same_service(url: str) -> None:
    """Case of the host, default port, trailing slash and dot do not make another service."""
    assert same_service(url) == same_service(URL)


@pytest.mark.parametrize(
    "url",
    [
        "http://f11.example.com/base",
        "https://f11.example.com:8443/base",
        "https://f12.example.com/base",
        "https://f11.example.com/Base",
        "https://f11.example.com",
        "https://f11.example.com:x/base",
        "https://[::1/base",
        "",
    ],
)
def test_another_service(url: str) -> None:
    """Scheme, host, port or path make another one; what is no URL is none."""
    assert same_service(url) != same_service(URL)


def test_the_oldest_owns() -> None:
    """In any order, in any namespace; of the same age the one with the smaller uid."""
    older, younger = sync("b", "2026-01-01T00:00:00Z"), sync("a", "2026-01-01T00:00:01Z", namespace="other")
    assert owner_of(URL, [younger, older]) is older
    assert owner_of(URL, [older, younger]) is older
    twins = [sync("x", uid="2"), sync("y", uid="1")]
    assert owner_of(URL, twins) is twins[1]


def test_who_is_going_owns_nothing() -> None:
    """A NavixySync that is being deleted stands in nobody's way, nor does one of another F1.1 or without any."""
    left = sync("c", "2026-01-03T00:00:00Z")
    others = [sync("a", deleting=True), sync("b", url="https://f12.example.com"), resource(Kind.SYNC, "empty")]
    assert owner_of(URL, [*others, left]) is left
    assert owner_of(URL, others) is None


def test_of_two_made_in_one_second_the_one_at_work_stays() -> None:
    """A second one that appears within the second of creation does not take the connections over."""
    at_work = sync("z", uid="z", status={"lastCycle": {"name": "first"}})
    owner = owner_of(URL, [sync("a", uid="a"), at_work])
    assert owner is at_work
