"""The last line of defence of the log: what looks like a secret, or was registered as one, is not written."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from structlog.typing import EventDict, WrappedLogger

MASK: Final = "***"
REMEMBERED: Final = 256  # registered secrets; rotated ones push out the oldest, but for those to keep
SHORTEST: Final = 6  # characters; masking shorter ones would eat ordinary words
DEEPEST: Final = 6  # levels of nested values that are looked into

_WHOLE: Final = re.compile(r"(?i)(token|password|passwd|authorization|credential|api_?key|(?:navixy_?)?hash)$")
_PARTLY: Final = re.compile(r"(?i)hash|token|password|url|dsn|^(event|exception|error|message|stack)$")
_HEX_32: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32}(?![0-9A-Za-z])")
_USERINFO: Final = re.compile(r"(?<=://)([^/@:\s]*):[^/\s]*@")
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_ASSIGNED: Final = re.compile(r"(?i)\b(token|password|passwd|pwd|hash|secret)=[^\s&;,'\"]+")
_PLAIN: Final = re.compile(r"[0-9A-Za-z._:+-]*")
"""What has no URL, no space and no ``=``: nothing for the three patterns above, as most values of a line."""

_is_secret: Final = lru_cache(1024)(lambda key: _WHOLE.search(key) is not None)
_may_hold_one: Final = lru_cache(1024)(lambda key: _PARTLY.search(key) is not None)


class Masker:
    """A structlog processor; ``add`` registers a value that no line may contain."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, bool] = OrderedDict()

    def add(self, value: str, *, keep: bool = False) -> None:
        """Register a secret: masked from now on wherever it stands. ``keep``: for the whole life of the process."""
        if len(value) < SHORTEST:
            return
        self._known[value] = keep or self._known.get(value, False)
        self._known.move_to_end(value)
        rotated = [known for known, kept in self._known.items() if not kept]
        for oldest in rotated[:-REMEMBERED]:
            del self._known[oldest]

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        """Mask every value of the event."""
        return {key: value if key.startswith("_") else self._masked(key, value, 0) for key, value in event.items()}

    def values(self, details: Mapping[str, object]) -> dict[str, object]:
        """The same details with every value masked, as plain JSON."""
        return {key: self._masked(key, value, 0) for key, value in details.items()}

    def text(self, value: str, key: str = "message") -> str:
        """One text, masked as the value of ``key`` would be."""
        if _is_secret(key):
            return MASK
        if _PLAIN.fullmatch(value) is None:
            value = _USERINFO.sub(rf"\1:{MASK}@", value)
            value = _BEARER.sub(rf"\1 {MASK}", value)
            value = _ASSIGNED.sub(rf"\1={MASK}", value)
        if _may_hold_one(key):
            value = _HEX_32.sub(MASK, value)
        for secret in self._known:
            if secret in value:
                value = value.replace(secret, MASK)
        return value

    def _masked(self, key: str, value: object, depth: int) -> object:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self.text(value, key)
        if depth >= DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return {str(name): self._masked(str(name), inner, depth + 1) for name, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._masked(key, inner, depth + 1) for inner in value]
        return self.text(repr(value), key)  # a foreign object shows itself only through its masked repr
