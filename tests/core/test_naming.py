"""Names of resources: valid, stable, and never shared by two references."""

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.core.naming import DIGEST_LENGTH, MAX_LENGTH, resource_name
from support.strategies import quick

SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
DIGESTED: Final = re.compile(rf"(.+-)?[0-9a-f]{{{DIGEST_LENGTH}}}")
DIGEST_LIKE: Final = "0123456789abcdef"[:DIGEST_LENGTH]

refs: Final = (
    st.text(st.sampled_from("abAB01-._/ ÄЖ"), min_size=1, max_size=8)
    | st.text(st.sampled_from("ab.-"), min_size=40, max_size=80)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1024)
)


@pytest.mark.parametrize("ref", ["acme", "a", "0", "acme-7", "shop.acme", "a--b", "x" * MAX_LENGTH, "acme-0123"])
def test_plain_names_are_left_alone(ref: str) -> None:
    """What is a DNS-1123 name already needs no digest."""
    assert resource_name(ref) == ref


@pytest.mark.parametrize(
    ("ref", "stem"),
    [
        pytest.param("ACME", "acme", id="upper case"),
        pytest.param("a_b/c d", "a-b-c-d", id="separators"),
        pytest.param("Клиент 7", "7", id="Cyrillic"),
        pytest.param("Клиент", "", id="nothing left"),
        pytest.param("-acme-", "acme", id="edges"),
        pytest.param("a..b", "a.b", id="empty label"),
        pytest.param("a-.-b", "a.b", id="edges of labels"),
        pytest.param("x" * (MAX_LENGTH + 1), "x" * (MAX_LENGTH - DIGEST_LENGTH - 1), id="too long"),
        pytest.param("x" * (MAX_LENGTH - DIGEST_LENGTH - 2) + ".." + "y" * 99,
                     "x" * (MAX_LENGTH - DIGEST_LENGTH - 2), id="cut at a dot"),
        pytest.param(f"acme-{DIGEST_LIKE}", f"acme-{DIGEST_LIKE}", id="ends like a digest"),
        pytest.param(DIGEST_LIKE, DIGEST_LIKE, id="is like a digest"),
        pytest.param("İstanbul", "i-stanbul", id="lower case of another length"),
    ],
)  # fmt: skip
def test_changed_names_carry_a_digest(ref: str, stem: str) -> None:
    """What is changed or cut, and what could be mistaken for that, gets a digest of the original."""
    name = resource_name(ref)
    digest = name.removeprefix(f"{stem}-") if stem else name
    assert re.fullmatch(rf"[0-9a-f]{{{DIGEST_LENGTH}}}", digest)


def test_names_are_stable_over_releases() -> None:
    """A name that moved would make every customer's resource anew: this one is written down."""
    assert resource_name("ACME GmbH / Köln") == "acme-gmbh-k-ln-df16e0f6fe"


@quick
@given(refs)
def test_every_name_is_valid(ref: str) -> None:
    """A DNS-1123 subdomain of at most 63 characters, the same each time; only plain references go without a digest."""
    name = resource_name(ref)
    assert SUBDOMAIN.fullmatch(name)
    assert len(name) <= MAX_LENGTH
    assert resource_name(ref) == name
    assert (name == ref) is not bool(DIGESTED.fullmatch(name))


@quick
@given(st.lists(refs, min_size=2, max_size=8, unique=True))
def test_two_references_never_share_a_name(found: list[str]) -> None:
    """Nor do their variants in case and separators, nor the names themselves taken as references."""
    variants = {*found, *map(str.upper, found), *(f"{ref}-" for ref in found), *map(resource_name, found)}
    assert len({resource_name(ref) for ref in variants}) == len(variants)
