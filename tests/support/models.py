"""What the core writes against what the API server keeps: the models silently drop what they do not know."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from navixy_operator.api.common import Model
from navixy_operator.api.customer import NavixyCustomerSpec, NavixyCustomerStatus
from navixy_operator.api.cycle import SyncCycleStatus
from navixy_operator.api.sync import NavixySyncStatus
from navixy_operator.core.outcome import Settled
from navixy_operator.core.status import customer_spec, customer_status
from support.builders import NOW, row, snapshot_of

SPEC: Final = customer_spec(snapshot_of([row()]).customers["acme"], "main")


def differences(written: Any, kept: Any, path: str = "") -> list[str]:
    """Where the second is not what the first says; what the second has besides (defaults) does not count."""
    if isinstance(written, Mapping) and isinstance(kept, Mapping):
        return [d for key, value in written.items() for d in differences(value, kept.get(key), f"{path}.{key}")]
    if isinstance(written, Sequence) and not isinstance(written, str) and isinstance(kept, Sequence):
        if len(written) == len(kept):
            return [d for n, value in enumerate(written) for d in differences(value, kept[n], f"{path}[{n}]")]
        return [f"{path}: {len(written)} entries become {len(kept)}"]
    same = written == kept and isinstance(written, bool) == isinstance(kept, bool)
    return [] if same else [f"{path}: {written!r} becomes {kept!r}"]


def fits(model: type[Model], written: Mapping[str, Any]) -> bool:
    """Whether the model takes all of it, unchanged. Raises AssertionError with the places where not."""
    found = differences(written, model.model_validate(dict(written)).to_json())
    assert not found, found
    return True


def fits_customer(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """A NavixyCustomer's spec and status."""
    return fits(NavixyCustomerSpec, spec) and fits(NavixyCustomerStatus, status)


def fits_cycle(status: Mapping[str, Any]) -> bool:
    """A SyncCycle's status."""
    return fits(SyncCycleStatus, status)


def fits_sync(status: Mapping[str, Any]) -> bool:
    """A NavixySync's status."""
    return fits(NavixySyncStatus, status)


def write(
    settled: Settled, previous: Mapping[str, Any] | None = None, *, cycle: str | None = "c-1", **options: Any
) -> dict[str, Any]:
    """The status of the customer ``acme``, checked against the model."""
    status = customer_status(previous or {}, settled, cycle=cycle, **{"generation": 1, "now": NOW, **options})
    assert fits_customer(SPEC, status)
    return status
