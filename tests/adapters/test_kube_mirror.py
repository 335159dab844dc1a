"""The mirror of a watched collection: what it holds, when it is trusted, and that a list is answered from it."""

import asyncio
from contextlib import suppress

import orjson
import pytest

from navixy_operator.adapters.kube.mirror import SILENCE_SECONDS, Mirror
from navixy_operator.adapters.kube.resources import KubeResources
from navixy_operator.core.vocabulary import API_VERSION, Kind
from navixy_operator.ports import Resource
from support.builders import resource
from support.kube_wire import Say, scripted, status


def at(version: int, name: str = "a", uid: str = "u1") -> Resource:
    """A customer in that version."""
    return resource(Kind.CUSTOMER, name, resource_version=str(version), uid=uid)


def held(mirror: Mirror) -> list[tuple[str, str]] | None:
    """Names and versions, or None while it is not to be trusted."""
    found = mirror.current()
    return None if found is None else [(item.name, item.resource_version) for item in found]


def test_it_is_trusted_only_while_the_watch_is_heard_of() -> None:
    """Not before a list, not after a silence, not after the watch broke off; again when it is heard of."""
    now = 0.0
    mirror = Mirror(lambda: now)
    assert held(mirror) is None
    mirror.begin([at(5)])
    now = SILENCE_SECONDS
    assert held(mirror) == [("a", "5")]
    now = SILENCE_SECONDS + 1
    assert held(mirror) is None
    mirror.heard()
    assert held(mirror) == [("a", "5")]
    mirror.lost()
    assert held(mirror) is None


def test_events_and_our_own_writes_meet_in_any_order() -> None:
    """The newer version stays, whichever comes first; a deletion takes only the object it is about."""
    mirror = Mirror()
    mirror.begin([at(5), at(6, "b")])
    mirror.put(at(9))
    mirror.changed("MODIFIED", at(7))
    assert held(mirror) == [("a", "9"), ("b", "6")]
    mirror.changed("MODIFIED", at(10))
    mirror.put(at(12, uid="u2"))
    mirror.changed("DELETED", at(11))
    assert held(mirror) == [("a", "12"), ("b", "6")]
    mirror.changed("DELETED", at(13, uid="u2"))
    assert held(mirror) == [("b", "6")]


def test_a_new_list_forgets_what_is_gone() -> None:
    """Deletions that a broken watch missed do not stay."""
    mirror = Mirror()
    mirror.begin([at(5), at(6, "b")])
    mirror.begin([at(8)])
    assert held(mirror) == [("a", "8")]


def told(changes: list[tuple[str, Resource]]) -> list[tuple[str, str, str]]:
    """Changes as words: the change, the name, the version."""
    return [(change, item.name, item.resource_version) for change, item in changes]


def test_a_later_list_tells_what_was_missed() -> None:
    """What vanished as it was last known, what is new or changed as it is; the first list tells nothing."""
    mirror = Mirror()
    assert mirror.begin([at(5), at(6, "b"), at(7, "c"), at(8, "d")], "10") == []
    mirror.changed("MODIFIED", at(11, "c"))
    now = [at(5), at(15, "c"), at(16, "d", uid="u2"), at(17, "e")]
    assert told(mirror.begin(now, "20")) == [
        ("DELETED", "b", "6"),
        ("DELETED", "d", "8"),
        ("MODIFIED", "c", "15"),
        ("ADDED", "d", "16"),
        ("ADDED", "e", "17"),
    ]
    assert mirror.begin(now, "21") == []


def test_our_own_deletion_is_no_news() -> None:
    """What we deleted while the watch was broken is not told of again."""
    mirror = Mirror()
    mirror.begin([at(5), at(6, "b")], "10")
    mirror.gone(at(6, "b"))
    assert mirror.begin([at(5)], "20") == []


def test_our_own_writes_outlast_a_list_that_is_older() -> None:
    """A list takes a while: what was created and changed meanwhile is neither lost nor told as deleted."""
    mirror = Mirror()
    mirror.put(at(12, "new"))
    assert mirror.begin([at(5)], "10") == []
    assert held(mirror) == [("a", "5"), ("new", "12")]
    mirror.put(at(22))
    mirror.put(at(23, "other"))
    assert told(mirror.begin([at(18), at(12, "new"), at(19, "b")], "20")) == [("ADDED", "b", "19")]
    assert held(mirror) == [("a", "22"), ("b", "19"), ("new", "12"), ("other", "23")]


def test_an_object_is_known_though_the_watch_is_lost() -> None:
    """As it was last told of; by its namespace and name."""
    mirror = Mirror()
    mirror.begin([at(5)])
    mirror.lost()
    assert mirror.get("default", "a") == at(5)
    assert mirror.get("other", "a") is None


def customer(name: str, version: str, namespace: str = "n") -> dict[str, object]:
    """One NavixyCustomer as the API server writes it."""
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "resourceVersion": version,
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"apiVersion": API_VERSION, "kind": Kind.CUSTOMER, "metadata": metadata, "spec": {"customerRef": name}}


async def test_a_list_of_what_is_watched_asks_the_api_server_for_nothing() -> None:
    """One list and one watch; then lists, with our own write and what others did, without a request."""
    listed = Say(body={"metadata": {"resourceVersion": "7"}, "items": [customer("a", "5")]})
    event = {"type": "ADDED", "object": customer("b", "8")}
    stream = Say(body=orjson.dumps(event) + b"\n")
    created = Say(body=customer("c", "9"), status=201)
    async with scripted(listed, stream, Say(hang=True), created) as wire:
        resources = KubeResources(wire.client)
        seen = asyncio.Event()
        task = asyncio.create_task(resources.watch(Kind.CUSTOMER, "n", lambda *_: seen.set()))
        async with asyncio.timeout(5):
            await seen.wait()
            while len(wire.asked) < 3:
                wire.arrived.clear()
                await wire.arrived.wait()
        await resources.create(Kind.CUSTOMER, "n", "c", spec={"customerRef": "c"}, labels={})
        asked = len(wire.asked)
        assert [item.name for item in await resources.list(Kind.CUSTOMER, "n")] == ["a", "b", "c"]
        assert len(wire.asked) == asked
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_a_watch_missed_is_told_after_its_new_list() -> None:
    """The version is too old: a list, and its differences; then the watch goes on from there."""
    first = Say(body={"metadata": {"resourceVersion": "7"}, "items": [customer("a", "5"), customer("b", "6")]})
    second = Say(body={"metadata": {"resourceVersion": "20"}, "items": [customer("b", "15"), customer("c", "16")]})
    async with scripted(first, status(410, "Expired"), second, Say(hang=True)) as wire:
        resources, seen = KubeResources(wire.client), []
        task = asyncio.create_task(
            resources.watch(Kind.CUSTOMER, "n", lambda change, item: seen.append((change, item)))
        )
        async with asyncio.timeout(5):
            while len(wire.asked) < 4:
                wire.arrived.clear()
                await wire.arrived.wait()
        assert told(seen) == [("DELETED", "a", "5"), ("MODIFIED", "b", "15"), ("ADDED", "c", "16")]
        assert wire.asked[3].query["resourceVersion"] == "20"
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("watched", ["n", ""])
async def test_the_first_list_of_a_watch_is_for_all_who_want_it(watched: str) -> None:
    """Asked for before the watch has its list: one list in all, also where the watch is of every namespace."""
    items = [customer("a", "5"), *([] if watched else [customer("b", "6", namespace="other")])]
    listed = Say(body={"metadata": {"resourceVersion": "7"}, "items": items})
    async with scripted(listed, Say(hang=True)) as wire, asyncio.timeout(5):
        resources = KubeResources(wire.client)
        task = asyncio.create_task(resources.watch(Kind.CUSTOMER, watched, lambda *_: None))
        await asyncio.sleep(0)
        for found in await asyncio.gather(*(resources.list(Kind.CUSTOMER, "n") for _ in range(3))):
            assert [item.name for item in found] == ["a"]
        assert len([each for each in wire.asked if "watch" not in each.query]) == 1
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_watch_without_a_list_keeps_nobody_waiting(cancelled: bool) -> None:  # noqa: FBT001 - a table
    """It is ended before it has its list, or refused: who waited asks for a list of its own."""
    first = Say(hang=True) if cancelled else status(403, "Forbidden")
    listed = Say(body={"metadata": {"resourceVersion": "7"}, "items": [customer("a", "5")]})
    async with scripted(first, listed, listed, Say(hang=True)) as wire, asyncio.timeout(5):
        resources = KubeResources(wire.client)
        task = asyncio.create_task(resources.watch(Kind.CUSTOMER, "n", lambda *_: None))
        await asyncio.sleep(0)
        wanted = asyncio.create_task(resources.list(Kind.CUSTOMER, "n"))
        await wire.arrived.wait()
        if cancelled:
            task.cancel()
        assert [item.name for item in await wanted] == ["a"]
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("watched", ["n", ""])
async def test_a_peek_asks_the_api_server_for_nothing(watched: str) -> None:
    """What a watch of the namespace, or of all, told last, also when it is lost; nothing without a watch."""
    listed = Say(body={"metadata": {"resourceVersion": "7"}, "items": [customer("a", "5")]})
    async with scripted(listed, Say(hang=True)) as wire:
        resources = KubeResources(wire.client)
        assert resources.peek(Kind.CUSTOMER, "n", "a") is None
        task = asyncio.create_task(resources.watch(Kind.CUSTOMER, watched, lambda *_: None))
        async with asyncio.timeout(5):
            while len(wire.asked) < 2:
                wire.arrived.clear()
                await wire.arrived.wait()
        known = resources.peek(Kind.CUSTOMER, "n", "a")
        assert known is not None
        assert known.resource_version == "5"
        assert resources.peek(Kind.CUSTOMER, "n", "b") is None
        assert resources.peek(Kind.CYCLE, "n", "a") is None
        assert len(wire.asked) == 2
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("namespace", ["n", ""])
async def test_without_a_watch_a_list_is_a_list(namespace: str) -> None:
    """The command line watches nothing: every list is asked for."""
    listed = Say(body={"metadata": {"resourceVersion": "7"}, "items": [customer("a", "5")]})
    async with scripted(listed, listed) as wire:
        resources = KubeResources(wire.client)
        for _ in range(2):
            assert len(await resources.list(Kind.CUSTOMER, namespace)) == 1
        assert len(wire.asked) == 2


async def test_all_that_watches_have_told_of_is_known_without_a_request() -> None:
    """Of every namespace that is watched, of that kind alone, also while a watch is lost; nothing without a watch."""
    lists = [
        Say(body={"metadata": {"resourceVersion": "7"}, "items": [customer("a", "5")]}),
        Say(body={"metadata": {"resourceVersion": "8"}, "items": [customer("b", "6")]}),
    ]
    async with scripted(*lists, Say(hang=True), Say(hang=True)) as wire:
        resources = KubeResources(wire.client)
        assert resources.told_of(Kind.CUSTOMER) is None
        tasks = [asyncio.create_task(resources.watch(Kind.CUSTOMER, place, lambda *_: None)) for place in ("n", "m")]
        async with asyncio.timeout(5):
            while len(wire.asked) < 4:
                wire.arrived.clear()
                await wire.arrived.wait()
        resources._mirrors[Kind.CUSTOMER, "n"].lost()
        assert sorted(item.name for item in resources.told_of(Kind.CUSTOMER) or ()) == ["a", "b"]
        assert resources.told_of(Kind.CYCLE) is None
        assert len(wire.asked) == 4
        tasks[0].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[0]
        assert len(resources.told_of(Kind.CUSTOMER) or ()) == 1
        resources._mirrors[Kind.CUSTOMER, "new"] = Mirror()
        assert resources.told_of(Kind.CUSTOMER) is None, "not all of them have had their list"
        tasks[1].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[1]
