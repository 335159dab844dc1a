"""What can happen: frozen values, each of which says what it is in a few words."""

from dataclasses import dataclass, field

from faults.facts import Row

JSON = str | int | float


@dataclass(frozen=True, slots=True)
class PutRows:
    """Rows written to the customer database, new or changed."""

    why: str
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        return f"{self.why}: {' '.join(row.ref for row in self.rows)}"


@dataclass(frozen=True, slots=True)
class DropRows:
    """Rows deleted from the customer database."""

    rows: tuple[Row, ...]

    def __str__(self) -> str:
        return f"rows deleted: {' '.join(row.ref for row in self.rows)}"


@dataclass(frozen=True, slots=True)
class Database:
    """The whole database ``empty``, ``broken``, or ``back``."""

    what: str

    def __str__(self) -> str:
        return f"database {self.what}"


@dataclass(frozen=True, slots=True)
class SetPin:
    """A pin set or changed; ``seconds``: how long it lasts; ``delay``: seconds to wait before."""

    ref: str
    number: int
    mode: str
    seconds: float | None = None
    delay: float = 0.0

    def __str__(self) -> str:
        lasting = "" if self.seconds is None else f" for {self.seconds:g} s"
        return f"pin {self.number}: {self.ref} {self.mode}{lasting}" + (
            f", {self.delay:g} s later" if self.delay else ""
        )


@dataclass(frozen=True, slots=True)
class TakePin:
    """A pin removed."""

    ref: str

    def __str__(self) -> str:
        return f"unpin {self.ref}"


@dataclass(frozen=True, slots=True)
class Manually:
    """F1.3 opens (with this hash), closes, or hands back a customer's connection."""

    what: str
    ref: str
    hash: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"F1.3 {self.what} {self.ref}"


@dataclass(frozen=True, slots=True)
class Lose:
    """Connections that end by themselves: ``disconnected`` or ``failed``."""

    refs: tuple[str, ...]
    state: str = "disconnected"

    def __str__(self) -> str:
        return f"{self.state} by itself: {' '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class FailNext:
    """The customer's next connections fail, so many of them."""

    ref: str
    times: int

    def __str__(self) -> str:
        return f"next {self.times} of {self.ref} fail"


@dataclass(frozen=True, slots=True)
class Weather:
    """Settings of F1.1 from now on; the others are as they were at the start."""

    why: str
    settings: tuple[tuple[str, JSON], ...] = ()

    def __str__(self) -> str:
        return f"F1.1 {self.why}" + "".join(f" {name}={value}" for name, value in self.settings)


@dataclass(frozen=True, slots=True)
class Strike:
    """Single faults of F1.1."""

    kind: str
    route: str
    times: int
    fields: tuple[tuple[str, JSON], ...] = ()

    def __str__(self) -> str:
        return f"F1.1 strikes {self.times} {self.route}: {self.kind}" + "".join(f" {n}={v}" for n, v in self.fields)


@dataclass(frozen=True, slots=True)
class Declare:
    """A customer declared by hand, with its Secret."""

    ref: str
    hash: str = field(repr=False)
    state: str = "active"

    def __str__(self) -> str:
        return f"declare {self.ref} {self.state}"


@dataclass(frozen=True, slots=True)
class Undeclare:
    """A declaration deleted."""

    ref: str

    def __str__(self) -> str:
        return f"undeclare {self.ref}"


@dataclass(frozen=True, slots=True)
class DeleteResource:
    """The NavixyCustomer of somebody from the database deleted by hand."""

    ref: str

    def __str__(self) -> str:
        return f"delete resource {self.ref}"


@dataclass(frozen=True, slots=True)
class RunCycle:
    """A SyncCycle on demand; ``seconds``: how long to wait at the most until it has ended."""

    name: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"cycle {self.name}" + (" to its end" if self.seconds else "")


@dataclass(frozen=True, slots=True)
class Approve:
    """The newest held closes approved, if any are held for being too many."""

    def __str__(self) -> str:
        return "approve"


@dataclass(frozen=True, slots=True)
class RestartApiServer:
    """The API server stopped and started; what follows goes on meanwhile."""

    def __str__(self) -> str:
        return "API server restarts"


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to the operator, which is started again at once; with a name, so long into a new cycle."""

    cycle: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"kill, {self.seconds:g} s into cycle {self.cycle}" if self.cycle else "kill"


Action = (
    PutRows
    | DropRows
    | Database
    | SetPin
    | TakePin
    | Manually
    | Lose
    | FailNext
    | Weather
    | Strike
    | Declare
    | Undeclare
    | DeleteResource
    | RunCycle
    | Approve
    | RestartApiServer
    | Kill
)
