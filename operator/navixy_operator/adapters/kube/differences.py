"""What a merge patch must say so that an object, as it is now, becomes what is wanted. Pure; empty: nothing to do."""

from collections.abc import Mapping, Sequence
from typing import Any

from navixy_operator.adapters.kube.merge import merge_patch
from navixy_operator.core.vocabulary import GROUP
from navixy_operator.ports import Resource

Body = dict[str, Any]


def content_difference(now: Resource, spec: Mapping[str, Any], labels: Mapping[str, str]) -> Body:
    """Spec and labels are these. Labels of other groups are their owners' and stay."""
    body: Body = {}
    if changed := merge_patch(now.spec, spec):
        body["spec"] = changed
    ours = {key: value for key, value in now.labels.items() if key in labels or key.startswith(f"{GROUP}/")}
    if changed := merge_patch(ours, labels):
        body["metadata"] = {"labels": changed}
    return body


def status_difference(now: Resource, status: Mapping[str, Any]) -> Body:
    """The status is this."""
    changed = merge_patch(now.status, status)
    return {"status": changed} if changed else {}


def annotations_difference(now: Resource, annotations: Mapping[str, str | None]) -> Body:
    """These annotations are set, those that are None are absent; all others stay."""
    changed = {key: value for key, value in annotations.items() if now.annotations.get(key) != value}
    return {"metadata": {"annotations": changed}} if changed else {}


def finalizers_difference(now: Resource, seen: Sequence[str], wanted: Sequence[str]) -> Body:
    """What ``wanted`` has more or less than ``seen``, the finalizers that the caller knew of, is so.

    A patch sends the whole list: a finalizer that another writer added meanwhile is its owner's and stays.
    """
    kept = [each for each in now.finalizers if each in wanted or each not in seen]
    finalizers = kept + [each for each in wanted if each not in seen and each not in kept]
    return {"metadata": {"finalizers": finalizers}} if finalizers != list(now.finalizers) else {}
