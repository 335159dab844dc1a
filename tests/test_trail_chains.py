"""Facts to entries: the chain of a run never restarts, memory is bounded, and nothing secret gets through."""

import json
from dataclasses import replace

import pytest

from navixy_operator.adapters.masking import Masker
from navixy_operator.chronicle import Chronicle, aside
from navixy_operator.core.audit import GENESIS, Entry, content_of, link
from navixy_operator.core.fact import Fact
from navixy_operator.core.vocabulary import EventName
from navixy_operator.trail.chains import Chains, canonical
from support.builders import hash_of
from support.fakes import FakeClock


class Told:
    """Chronicles whose facts become entries, of which the last is kept; each is linked to the one before it."""

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        self.heads: dict[str, str] = {}
        self.last: Entry | None = None

    def heard(self, fact: Fact) -> None:
        """As the trail hears it."""
        self.last = entry = self.chains.entry(fact)
        before = self.heads.get(entry.run.id, GENESIS)
        assert entry.digest == link(before, entry.seq, entry.at, entry.event, content_of(entry))
        self.heads[entry.run.id] = entry.digest

    def chronicle(self, name: str) -> Chronicle:
        """A new run."""
        return aside(FakeClock(), [self.heard], name, "default", "main")


def test_a_run_that_goes_on_is_never_forgotten() -> None:
    """However many others are told of between two of its words: its chain goes on. The others' are forgotten."""
    told = Told(Chains(dict, kept=5))
    quiet = [told.chronicle(f"quiet-{number}") for number in range(8)]
    for chronicle in quiet:
        chronicle.tell(EventName.SYNCHRONIZATION_STARTED)
    for number in range(50):
        told.chronicle(f"short-{number}").tell(EventName.DRIFT_REPAIRED)
    for chronicle in quiet:
        chronicle.tell(EventName.SYNCHRONIZATION_COMPLETED)
    assert [told.chains.head(chronicle.run.id) for chronicle in quiet] == list(told.heads.values())[:8]
    remembered = sum(told.chains.head(run_id) is not None for run_id in told.heads)
    assert len(quiet) <= remembered <= len(quiet) + 5


def test_a_run_that_ended_is_remembered_for_a_while() -> None:
    """Its digest is asked for after its last word, and other facts may come with another object for the same run."""
    told = Told(Chains(dict))
    chronicle = told.chronicle("c-1")
    for _ in range(3):
        chronicle.tell(EventName.CONNECTION_CLOSED, customer="acme")
        chronicle.run = replace(chronicle.run)
    run_id = chronicle.run.id
    del chronicle
    assert told.chains.head(run_id) == told.heads[run_id]


@pytest.mark.parametrize(
    ("details", "shown"),
    [
        ({"b": 1, "a": {"d": None, "c": [1.5, True]}}, '{"a":{"c":[1.5,true],"d":null},"b":1}'),
        ({"text": 'ü"\n\0'}, '{"text":"ü\\"\\n\\u0000"}'),
        ({"half": "\ud83d"}, '{"half":"\\ud83d"}'),
        ({"huge": 2**70}, '{"huge":1180591620717411303424}'),
        ({}, "{}"),
    ],
)
def test_details_are_canonical(details: dict[str, object], shown: str) -> None:
    """Sorted, without spaces, and readable by every JSON parser."""
    assert canonical(details) == shown
    assert json.loads(shown) == details


def test_nothing_secret_gets_into_an_entry() -> None:
    """Neither what is known to be a secret, nor what looks like one, wherever it stands."""
    masker = Masker()
    masker.add("tok-12345678")
    told = Told(Chains(masker.values))
    stolen = hash_of("acme")
    told.chronicle("c-1").tell(
        EventName.CONNECTION_ESTABLISHED,
        customer="of tok-12345678",
        navixy_hash="anything",
        problem=f"see postgresql://user:geheim99@host/x and {stolen}",
        error=f"no {stolen}",
        nested=[{"token": "tok-12345678", "note": "tok-12345678"}],
    )
    entry = told.last
    assert entry is not None
    text = repr(entry)
    assert not [secret for secret in ("tok-12345678", "geheim99", "anything") if secret in text]
    assert stolen not in json.loads(entry.details)["error"]
    assert entry.customer == "of ***"
