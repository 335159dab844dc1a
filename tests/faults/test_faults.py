"""Whatever happens to it, the operator ends where the rules say, and does no harm on the way."""

import pytest

from faults.schedule import schedule
from faults.story import tell
from support.operator import Site

pytestmark = [pytest.mark.server, pytest.mark.e2e, pytest.mark.faults]


async def test_a_seed(faulty_site: Site, seed: int) -> None:
    """A drawn schedule of changes, pins, faults, restarts and kills; then two cycles, and all is as it should be."""
    plan = schedule(seed)
    print(plan)  # noqa: T201 - pytest shows it when the seed fails
    if found := await tell(faulty_site, plan):
        pytest.fail(
            f"seed {seed}, replayed by `make test-faults ARGS='--seed {seed}'`; evidence in "
            f"{faulty_site.operator.log.parent}:\n- " + "\n- ".join(found),
            pytrace=False,
        )
