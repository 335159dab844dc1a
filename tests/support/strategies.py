"""Hypothesis strategies: rows as a database could give them, worlds as F1.1 and the API server could show them."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from navixy_operator.core.model import Connection, CustomerRow
from navixy_operator.core.pins import NO_PIN, Pin, PinReading
from navixy_operator.core.roster import Known
from navixy_operator.core.vocabulary import ConnectionState, Origin, PinMode
from support.builders import NOW, PASSING, PERMANENT, hash_of, print_of

quick: Final = settings(
    derandomize=True, max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
"""The same examples each time, no files left behind."""

REFS: Final = ("acme", "ACME", "beta", "Ä/b_c", "x" * 70)
OWNERS: Final = ("one", "two", "three")
"""Names that hashes are made of."""


def _view(found: bytes) -> memoryview:
    return memoryview(found)


anything: Final[st.SearchStrategy[object]] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**300)
    | st.floats()
    | st.decimals()
    | st.just(Decimal("1E+999999"))
    | st.text(st.characters())  # surrogates included
    | st.binary()
    | st.binary().map(_view)
    | st.dates()
    | st.sampled_from(["navixy", " Navixy ", "active", *map(hash_of, OWNERS), hash_of("one").upper()])
    | st.sampled_from(OWNERS).map(lambda owner: hash_of(owner).encode()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
"""What no driver should give, and some do."""


@st.composite
def untyped_rows(draw: st.DrawFn) -> list[CustomerRow]:
    """Rows of anything, most of them Navixy's."""
    columns = st.tuples(anything, st.just("navixy") | anything, anything, anything, anything, anything)
    return [CustomerRow(number, *found) for number, found in enumerate(draw(st.lists(columns, max_size=6)), 1)]


@st.composite
def rows(draw: st.DrawFn) -> list[CustomerRow]:
    """Rows with every kind of defect, duplicates of references and hashes among them."""
    columns = st.tuples(
        st.sampled_from((*REFS, *REFS, None, " ")),
        st.sampled_from(("navixy", "navixy", " NAVIXY", "other", None)),
        st.sampled_from(("active", "active", "Active ", "suspended", "removed", "unknown", None)),
        st.sampled_from((*map(hash_of, (*OWNERS, *REFS)), None, "malformed")),
        st.sampled_from((1, 3, 0, None, -1, "many")),
    )
    found = draw(st.lists(columns, max_size=7))
    return [CustomerRow(number, *cells) for number, cells in enumerate(found, 1)]


_prints: Final = st.sampled_from((None, *map(print_of, (*OWNERS, *REFS))))

_ends: Final = st.sampled_from((None, None, NOW + timedelta(hours=1)))

pins: Final = st.just(NO_PIN) | st.builds(PinReading, st.builds(Pin, st.sampled_from(PinMode), until=_ends))
"""Manual overrides that count, most often none."""

known: Final = st.dictionaries(
    st.sampled_from((*REFS, "gone")),
    st.builds(
        Known,
        _prints,
        _prints,
        stuck=st.sampled_from((None, "c-0", "c-1", "c-2")),
        pins=pins,
        deleted=st.sampled_from((False, False, False, True)),
    ),
    max_size=4,
)
"""Resources of earlier cycles, with what people say on them."""


@st.composite
def connections(draw: st.DrawFn) -> list[Connection]:
    """What F1.1 lists: any number for each customer, of nobody, of strangers, manual or not, of like age or not."""
    fields = st.tuples(
        st.sampled_from((*REFS, *REFS, "gone", "stranger", None)),
        st.sampled_from(ConnectionState),
        st.integers(0, 2),
        st.sampled_from((Origin.AUTOMATIC, Origin.AUTOMATIC, Origin.AUTOMATIC, Origin.MANUAL)),
        _prints,
        st.sampled_from((None, PASSING, PERMANENT)),
    )
    return [
        Connection(
            f"c-{place}", ref, state, NOW.replace(minute=age), NOW.replace(minute=age), origin, fingerprint, error
        )
        for place, (ref, state, age, origin, fingerprint, error) in enumerate(draw(st.lists(fields, max_size=9)))
    ]
