"""The name of a customer's resource (design section 2)."""

import hashlib
import re
from functools import lru_cache
from typing import Final

MAX_LENGTH: Final = 63
REMEMBERED: Final = 2**15  # names, for every pass asks for all of them
DIGEST_LENGTH: Final = 10
_FOREIGN: Final = re.compile(r"[^a-z0-9.-]+")
_LABEL_EDGES: Final = re.compile(r"-*\.[-.]*")
_DIGESTED: Final = re.compile(rf"(?:^|-)[0-9a-f]{{{DIGEST_LENGTH}}}$")


@lru_cache(REMEMBERED)
def resource_name(customer_ref: str) -> str:
    """The reference as a DNS-1123 subdomain of at most 63 characters.

    Where that changes or cuts the reference, the first 10 hex characters of its SHA-256 are appended, and so they are
    where the reference itself ends like that: two references never share a name.
    """
    slug = _LABEL_EDGES.sub(".", _FOREIGN.sub("-", customer_ref.lower())).strip("-.")
    if slug == customer_ref and len(slug) <= MAX_LENGTH and not _DIGESTED.search(slug):
        return slug
    digest = hashlib.sha256(customer_ref.encode()).hexdigest()[:DIGEST_LENGTH]
    stem = slug[: MAX_LENGTH - DIGEST_LENGTH - 1].rstrip("-.")
    return f"{stem}-{digest}" if stem else digest
