"""Rows of which some columns are sealed: attributes that read and write like any other once the row has its key."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from crm.errors import ErasedError
from crm.sealing import DataKey


class SealedRow:
    """Mixed into a mapped class whose sealed columns are declared as bytes beside a `Sealed` for each.

    A new row keeps what it is given until `take_key`; one that was loaded is opened when it is read.
    """

    sealed_by: ClassVar[tuple[str, ...]]
    """The columns that say which row it is: what is sealed is bound to them."""

    def take_key(self, key: DataKey | None) -> None:
        """Let the row be read and written; None if the key was shredded."""
        self.__dict__["_key"] = key
        for name, value in self.__dict__.pop("_waiting", {}).items():
            setattr(self, name, value)

    def data_key(self) -> DataKey:
        """Raises: ErasedError; RuntimeError if the row has not been given its key."""
        if "_key" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__} was used without its key")
        key = self.__dict__["_key"]
        if not isinstance(key, DataKey):
            raise ErasedError("thread")
        return key

    @property
    def is_erased(self) -> bool:
        return self.__dict__.get("_key") is None

    def purpose(self, name: str) -> Sequence[str]:
        table: str = self.__tablename__  # type: ignore[attr-defined]
        return (table, *(str(getattr(self, column)) for column in self.sealed_by), name)


class Sealed:
    """A JSON value that is kept in the column named `sealed_<name>`; an empty column reads as None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._column = name, f"sealed_{name}"

    def __get__(self, row: SealedRow | None, owner: type) -> Any:
        if row is None:
            return self
        waiting = row.__dict__.get("_waiting", {})
        if self._name in waiting:
            return waiting[self._name]
        sealed = getattr(row, self._column)
        opened = row.__dict__.setdefault("_opened", {})
        if self._name not in opened or opened[self._name][0] is not sealed:
            opened[self._name] = (sealed, self._open(row, sealed))
        return opened[self._name][1]

    def __set__(self, row: SealedRow, value: Any) -> None:
        if "_key" not in row.__dict__:
            row.__dict__.setdefault("_waiting", {})[self._name] = value
            return
        sealed = seal_json(row.data_key(), value, row.purpose(self._name))
        setattr(row, self._column, sealed)
        row.__dict__.setdefault("_opened", {})[self._name] = (sealed, value)

    def _open(self, row: SealedRow, sealed: bytes | None) -> Any:
        key = row.data_key()
        return None if sealed is None else open_json(key, sealed, row.purpose(self._name))


def seal_json(key: DataKey, value: Any, purpose: Sequence[str]) -> bytes | None:
    """None stays None. Raises: TypeError, ValueError for what is not JSON."""
    return None if value is None else key.seal(to_bytes(value), *purpose)


def open_json(key: DataKey, sealed: bytes, purpose: Sequence[str]) -> Any:
    """Raises: SealError."""
    return from_bytes(key.open(sealed, *purpose))


def to_bytes(value: Any) -> bytes:
    """JSON, strictly. Raises: TypeError, ValueError."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(
        "utf-8", "surrogatepass"
    )


def from_bytes(text: bytes) -> Any:
    return json.loads(text.decode("utf-8", "surrogatepass"))
