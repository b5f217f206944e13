"""A Merkle tree over a list that only grows, as RFC 9162 (section 2.1) defines it: roots, and proofs about them.

A tree is never kept whole. What is kept are its perfect parts: the subtree of `2**level` leaves that starts at a
multiple of its width never changes once it is full. A leaf that is appended completes as many of them as its place has
trailing ones, so each leaf carries those (`completed`), the tree's end carries the few that its root is made of
(`Peaks`), and every proof is put together from a logarithmic number of them.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

NodeName = tuple[int, int]
"""Level and place: the subtree over leaves `place * 2**level` up to the next multiple of `2**level`."""


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Peaks:
    """The end of a tree: the roots of the perfect subtrees it consists of, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> tuple["Peaks", tuple[bytes, ...]]:
        """The tree with one leaf more, and what that leaf completes: itself, then ever larger subtrees."""
        completed, left = [leaf], list(self.hashes)
        for _ in range(_trailing_ones(self.size)):
            completed.append(node_hash(left.pop(), completed[-1]))
        return Peaks(self.size + 1, (*left, completed[-1])), tuple(completed)

    def root(self) -> bytes:
        if not self.hashes:
            return EMPTY_ROOT
        *left, root = self.hashes
        for peak in reversed(left):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> "Peaks":
        """Raises: ValueError if a tree of that size has another number of peaks."""
        hashes = split_hashes(stored)
        if size < 0 or len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not end in {len(hashes)} peaks")
        return cls(size, hashes)


EMPTY = Peaks()


def grow(peaks: Peaks, leaves: Sequence[bytes]) -> Peaks:
    """The tree with these leaves more."""
    for leaf in leaves:
        peaks, _ = peaks.append(leaf)
    return peaks


def split_hashes(stored: bytes) -> tuple[bytes, ...]:
    """Raises: ValueError if the bytes are no sequence of hashes."""
    if len(stored) % HASH_BYTES:
        raise ValueError(f"{len(stored)} bytes are no sequence of hashes")
    return tuple(stored[start : start + HASH_BYTES] for start in range(0, len(stored), HASH_BYTES))


def owner_of(node: NodeName) -> int:
    """The place of the leaf that completed a perfect subtree."""
    level, place = node
    return ((place + 1) << level) - 1


def peaks_of(size: int) -> list[NodeName]:
    """The perfect subtrees that a tree of this size consists of, largest first."""
    return _cover(0, size)


def inclusion_path(index: int, size: int) -> list[list[NodeName]]:
    """What proves that the leaf at `index` is in the tree of `size`: per step the subtrees that its hash is made of.

    Raises: ValueError if the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return [_cover(start, end) for start, end in _inclusion(index, 0, size)]


def consistency_path(first: int, second: int) -> list[list[NodeName]]:
    """What proves that the tree of `second` leaves begins with that of `first`, in the form of `inclusion_path`.

    Empty if there is nothing to prove: from the empty tree, and from a tree to itself.
    Raises: ValueError if `second` is the smaller one.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} leaves cannot begin with one of {first}")
    if first in (0, second):
        return []
    return [_cover(start, end) for start, end in _consistency(first, 0, second, is_whole=True)]


def build_proof(path: Sequence[Sequence[NodeName]], hash_of: Callable[[NodeName], bytes]) -> list[bytes]:
    """The hashes of a path, from the hashes of the perfect subtrees that it names."""
    return [_join([hash_of(node) for node in step]) for step in path]


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a proof of inclusion leads to (RFC 9162, 2.1.3.2). Raises: ValueError for a wrong length."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    place, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            raise ValueError("the proof is too long")
        if place & 1 or place == last:
            found = node_hash(one, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, one)
        place, last = place >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return found


def is_included(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    try:
        return root_of_inclusion(leaf, index, size, proof) == root
    except ValueError:
        return False


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the second tree begins with the first (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    steps = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not steps:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for one in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, one)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _inclusion(index: int, start: int, end: int) -> list[tuple[int, int]]:
    """Ranges of leaves, innermost first."""
    ranges: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def _consistency(first: int, start: int, end: int, *, is_whole: bool) -> list[tuple[int, int]]:
    """Ranges of leaves, innermost first. `is_whole`: the first tree's root is known to whoever checks."""
    if first == end:
        return [] if is_whole else [(start, end)]
    middle = start + _split(end - start)
    if first <= middle:
        return [*_consistency(first, start, middle, is_whole=is_whole), (middle, end)]
    return [*_consistency(first, middle, end, is_whole=False), (start, middle)]


def _cover(start: int, end: int) -> list[NodeName]:
    """The perfect subtrees that a range which starts at a split consists of, largest first."""
    found: list[NodeName] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def _join(hashes: Sequence[bytes]) -> bytes:
    return Peaks(0, tuple(hashes)).root()


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _trailing_ones(number: int) -> int:
    return (~number & (number + 1)).bit_length() - 1
