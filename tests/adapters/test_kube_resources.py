"""The port Resources on the wire: paging, expiry, lost answers, conflicts, what is sent and what is not."""

from typing import Any

import pytest

from navixy_operator.adapters.kube.resources import KubeResources
from navixy_operator.core.vocabulary import Kind
from navixy_operator.errors import ConfigurationError, InvalidSpec, KubernetesForbidden, KubernetesUnavailable
from navixy_operator.ports import Resource
from support.kube_wire import Say, scripted, status

BASE = "/apis/dataforwarding.io/v1alpha1"
GONE = status(404, "NotFound")
CONFLICT = status(409, "Conflict")


def item(name: str = "x", version: str = "1", uid: str = "u-1", **more: Any) -> dict[str, Any]:
    """One object as the API server gives it."""
    meta = {"name": name, "namespace": "n", "uid": uid, "resourceVersion": version, "managedFields": [{"manager": "m"}]}
    return {"kind": "NavixyCustomer", "metadata": meta | more.pop("metadata", {}), "spec": {"state": "active"}} | more


def page(*names: str, go_on: str = "") -> Say:
    """One page of a list."""
    return Say(200, {"metadata": {"continue": go_on}, "items": [item(name) for name in names]})


def one(**more: Any) -> Resource:
    """The object as read before the test's script begins."""
    return Resource(
        kind=Kind.CUSTOMER, namespace="n", name="x", uid="u-1", resource_version="1", generation=1, created_at="",
        labels=more.get("labels", {}), annotations=more.get("annotations", {}),
        finalizers=more.get("finalizers", ()), deleting=False,
        spec=more.get("spec", {"state": "active"}), status=more.get("status", {}),
    )  # fmt: skip


async def test_pages_are_put_together() -> None:
    """The continue token leads from page to page, over all namespaces where none is named."""
    async with scripted(page("a", "b", go_on="t1"), page("c", go_on="t2"), page()) as wire:
        found = await KubeResources(wire.client).list(Kind.CYCLE, "")
        assert [resource.name for resource in found] == ["a", "b", "c"]
        assert [asked.path for asked in wire.asked] == [f"{BASE}/synccycles"] * 3
        assert [asked.query.get("continue") for asked in wire.asked] == [None, "t1", "t2"]
        assert {asked.query["limit"] for asked in wire.asked} == {"500"}


async def test_an_expired_page_starts_the_list_over() -> None:
    """No object is seen twice, none is missed."""
    async with scripted(page("a", go_on="t"), status(410, "Expired"), page("a", go_on="t"), page("b")) as wire:
        found = await KubeResources(wire.client).list(Kind.CUSTOMER, "n")
        assert [resource.name for resource in found] == ["a", "b"]


async def test_a_list_that_always_expires_ends() -> None:
    """Bounded: an error, not a loop."""
    async with scripted(status(410, "Expired")) as wire:
        with pytest.raises(KubernetesUnavailable, match="expired 3 times"):
            await KubeResources(wire.client).list(Kind.CUSTOMER, "n")
        assert len(wire.asked) == 3


async def test_an_object_is_cut_to_what_is_used() -> None:
    """Every field of the port, and absent ones as empty."""
    meta = {
        "generation": 3,
        "creationTimestamp": "2025-01-01T00:00:00Z",
        "deletionTimestamp": "2025-01-02T00:00:00Z",
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
        "finalizers": ["f"],
    }
    async with scripted(Say(200, item(metadata=meta, status={"phase": "p"})), Say(200, item())) as wire:
        resources = KubeResources(wire.client)
        full, bare = [await resources.get(Kind.CUSTOMER, "n", "x") for _ in range(2)]
        assert full == Resource(
            kind=Kind.CUSTOMER, namespace="n", name="x", uid="u-1", resource_version="1", generation=3,
            created_at="2025-01-01T00:00:00Z", labels={"a": "b"}, annotations={"c": "d"}, finalizers=("f",),
            deleting=True, spec={"state": "active"}, status={"phase": "p"},
        )  # fmt: skip
        assert bare is not None
        assert (bare.labels, bare.finalizers, bare.deleting, bare.status) == ({}, (), False, {})


@pytest.mark.parametrize("name", ["", ".", "..", "../syncs/y", "A", "x/status", "x?y", "é", "x" * 254])
async def test_a_name_that_cannot_be_is_not_asked_for(name: str) -> None:
    """What a person types reaches no other path."""
    async with scripted(Say(500)) as wire:
        assert await KubeResources(wire.client).get(Kind.CUSTOMER, "n", name) is None
        assert wire.asked == []


async def test_create_sends_spec_and_labels() -> None:
    """One request, with our name as its field manager."""
    async with scripted(Say(201, item())) as wire:
        made = await KubeResources(wire.client).create(
            Kind.CUSTOMER, "n", "x", spec={"state": "active"}, labels={"l": "1"}
        )
        assert made is not None
        assert made.uid == "u-1"
        (asked,) = wire.asked
        assert (asked.method, asked.path) == ("POST", f"{BASE}/namespaces/n/navixycustomers")
        assert asked.query == {"fieldManager": "navixy-operator"}
        assert asked.body == {
            "apiVersion": "dataforwarding.io/v1alpha1",
            "kind": "NavixyCustomer",
            "metadata": {"name": "x", "namespace": "n", "labels": {"l": "1"}},
            "spec": {"state": "active"},
        }


async def test_create_sends_annotations() -> None:
    """Where there are any."""
    async with scripted(Say(201, item())) as wire:
        await KubeResources(wire.client).create(
            Kind.CUSTOMER, "n", "x", spec={}, labels={}, annotations={"dataforwarding.io/pin": "hold"}
        )
        (asked,) = wire.asked
        assert asked.body["metadata"]["annotations"] == {"dataforwarding.io/pin": "hold"}


async def test_a_created_object_whose_answer_was_lost_is_none() -> None:
    """The repeat meets its own first try."""
    async with scripted(Say(drop=True), status(409, "AlreadyExists")) as wire:
        assert await KubeResources(wire.client).create(Kind.CUSTOMER, "n", "x", spec={}, labels={}) is None


async def test_a_refused_spec_is_invalid() -> None:
    """The API server's words name the field."""
    async with scripted(status(422, "Invalid", "spec.state: Unsupported value")) as wire:
        with pytest.raises(InvalidSpec, match=r"spec\.state"):
            await KubeResources(wire.client).create(Kind.CUSTOMER, "n", "x", spec={}, labels={})


async def test_no_difference_no_request() -> None:
    """An unchanged customer costs nothing; labels of others are not ours to change."""
    async with scripted(Say(500)) as wire:
        resources = KubeResources(wire.client)
        before = one(status={"a": {"b": [1]}}, labels={"dataforwarding.io/sync": "s", "team": "t"})
        labels = {"dataforwarding.io/sync": "s"}
        assert await resources.update(before, spec={"state": "active"}, labels=labels) is before
        assert await resources.write_status(before, {"a": {"b": [1]}}) is before
        assert wire.asked == []


async def test_update_sends_the_differences() -> None:
    """Removed keys as null, our own label removed, a stranger's left."""
    async with scripted(Say(200, item(version="2"))) as wire:
        before = one(
            spec={"state": "active", "gateways": 1, "old": True},
            labels={"dataforwarding.io/sync": "s", "team": "t"},
        )
        after = await KubeResources(wire.client).update(
            before, spec={"state": "active", "gateways": 2}, labels={"dataforwarding.io/eligible": "true"}
        )
        assert after is not None
        assert after.resource_version == "2"
        (asked,) = wire.asked
        assert asked.headers["Content-Type"] == "application/merge-patch+json"
        assert asked.body == {
            "spec": {"gateways": 2, "old": None},
            "metadata": {
                "labels": {"dataforwarding.io/sync": None, "dataforwarding.io/eligible": "true"},
                "resourceVersion": "1",
            },
        }


async def test_status_goes_to_its_subresource() -> None:
    """And only what differs."""
    async with scripted(Say(200, item())) as wire:
        before = one(status={"phase": "a", "kept": 1})
        await KubeResources(wire.client).write_status(before, {"phase": "b", "kept": 1})
        (asked,) = wire.asked
        assert asked.path == f"{BASE}/namespaces/n/navixycustomers/x/status"
        assert asked.body == {"status": {"phase": "b"}, "metadata": {"resourceVersion": "1"}}


async def test_a_conflict_compares_with_what_is_there_now() -> None:
    """Somebody else wrote: the difference is taken anew, theirs included."""
    fresh = item(version="7", status={"phase": "b", "theirs": 1})
    async with scripted(CONFLICT, Say(200, fresh), Say(200, item(version="8"))) as wire:
        after = await KubeResources(wire.client).write_status(one(), {"phase": "b", "mine": 2})
        assert after is not None
        assert after.resource_version == "8"
        assert wire.asked[2].body == {"status": {"theirs": None, "mine": 2}, "metadata": {"resourceVersion": "7"}}


async def test_a_write_whose_answer_was_lost_is_not_made_twice() -> None:
    """The repeat conflicts with its own first try; what is there is what was wanted."""
    async with scripted(Say(drop=True), CONFLICT, Say(200, item(version="2", status={"phase": "b"}))) as wire:
        after = await KubeResources(wire.client).write_status(one(), {"phase": "b"})
        assert after is not None
        assert after.resource_version == "2"
        assert [asked.method for asked in wire.asked] == ["PATCH", "PATCH", "GET"]


async def test_annotate_sends_the_differences() -> None:
    """Set, removed, and left as they are; nothing without a difference."""
    async with scripted(Say(200, item(version="2"))) as wire:
        resources = KubeResources(wire.client)
        before = one(annotations={"kept": "1", "same": "2", "old": "3"})
        assert await resources.annotate(before, {"same": "2", "absent": None}) is before
        assert wire.asked == []
        after = await resources.annotate(before, {"same": "2", "old": None, "new": "4", "absent": None})
        assert after is not None
        assert after.resource_version == "2"
        (asked,) = wire.asked
        assert asked.path == f"{BASE}/namespaces/n/navixycustomers/x"
        assert asked.body == {"metadata": {"annotations": {"old": None, "new": "4"}, "resourceVersion": "1"}}


async def test_finalizers_are_sent_whole() -> None:
    """No request when they are as wanted."""
    async with scripted(Say(200, item(version="2", metadata={"finalizers": ["f", "g"]}))) as wire:
        resources = KubeResources(wire.client)
        before = one(finalizers=("f",))
        assert await resources.set_finalizers(before, ("f",)) is before
        assert wire.asked == []
        after = await resources.set_finalizers(before, ("f", "g"))
        assert after is not None
        assert after.finalizers == ("f", "g")
        (asked,) = wire.asked
        assert asked.body == {"metadata": {"finalizers": ["f", "g"], "resourceVersion": "1"}}


async def test_a_finalizer_that_another_added_meanwhile_stays() -> None:
    """After a conflict only our own difference is made."""
    fresh = item(version="7", metadata={"finalizers": ["f", "theirs"]})
    async with scripted(CONFLICT, Say(200, fresh), Say(200, item(version="8"))) as wire:
        assert await KubeResources(wire.client).set_finalizers(one(finalizers=("f",)), ("g",)) is not None
        assert wire.asked[0].body["metadata"]["finalizers"] == ["g"]
        assert wire.asked[2].body["metadata"] == {"finalizers": ["theirs", "g"], "resourceVersion": "7"}


@pytest.mark.parametrize(("left", "gone"), [([], True), (["theirs"], False)])
async def test_the_last_finalizer_is_the_end(left: list[str], gone: bool) -> None:  # noqa: FBT001 - a table
    """The API server answers with the object that it has just removed."""
    answer = item(version="2", metadata={"deletionTimestamp": "2025-01-02T00:00:00Z", "finalizers": left})
    async with scripted(Say(200, answer)) as wire:
        after = await KubeResources(wire.client).set_finalizers(one(finalizers=("f", *left)), left)
        assert (after is None) is gone


@pytest.mark.parametrize("script", [[GONE], [CONFLICT, GONE], [CONFLICT, Say(200, item(uid="u-2"))]], ids=len)
async def test_writes_to_what_is_gone_or_replaced_are_none(script: list[Say]) -> None:
    """An object made anew under the same name is another's."""
    async with scripted(*script) as wire:
        assert await KubeResources(wire.client).write_status(one(), {"phase": "b"}) is None
        assert len(wire.asked) == len(script)


async def test_a_writer_that_never_rests_is_an_error() -> None:
    """Bounded."""
    async with scripted(*[CONFLICT, Say(200, item(version="2"))] * 20) as wire:
        with pytest.raises(KubernetesUnavailable, match="all the time"):
            await KubeResources(wire.client).write_status(one(), {"phase": "b"})


@pytest.mark.parametrize(
    "script",
    [[Say(200, {})], [GONE], [CONFLICT, GONE], [CONFLICT, Say(200, item(uid="u-2"))], [Say(drop=True), GONE]],
    ids=["done", "gone", "gone meanwhile", "replaced", "answer lost"],
)
async def test_delete(script: list[Say]) -> None:
    """The uid goes along; that the object is gone already is what was wanted."""
    async with scripted(*script) as wire:
        await KubeResources(wire.client).delete(one())
        assert wire.asked[0].method == "DELETE"
        assert wire.asked[0].body["preconditions"] == {"uid": "u-1"}


async def test_a_missing_crd_is_named() -> None:
    """At start, with the command that mends it."""
    async with scripted(Say(404, b"404 page not found")) as wire:
        with pytest.raises(ConfigurationError, match=r"CRD .*dataforwarding\.io is not installed.*apply -f crds/"):
            await KubeResources(wire.client).assert_served(["n"])


async def test_a_crd_that_came_with_an_upgrade_is_named() -> None:
    """The others are there; kopf would watch nothing of this one, for ever."""
    async with scripted(page(), page(), page(), Say(404, b"404 page not found")) as wire:
        with pytest.raises(ConfigurationError, match=r"the CRD investigations\.dataforwarding\.io is not installed"):
            await KubeResources(wire.client).assert_served(["n"])


async def test_a_missing_permission_is_named() -> None:
    """With the namespace."""
    async with scripted(status(403, "Forbidden", "no")) as wire:
        with pytest.raises(KubernetesForbidden, match="in namespace far"):
            await KubeResources(wire.client).assert_served(["far"])


async def test_every_kind_in_every_namespace_is_tried() -> None:
    """One small list each."""
    async with scripted(page()) as wire:
        await KubeResources(wire.client).assert_served(["a", "b"])
        assert len({asked.path for asked in wire.asked}) == 2 * len(Kind)
        assert {asked.query["limit"] for asked in wire.asked} == {"1"}
