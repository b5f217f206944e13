"""One canonical text per JSON value, and its SHA-256: equal values give equal digests in every process."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8. Raises: ValueError for NaN and infinities, which JSON does not have."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def digest_of(value: Any) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()
