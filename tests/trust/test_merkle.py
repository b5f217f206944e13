"""The tree agrees with RFC 9162's own definition at every size, and no proof holds for another history."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust import merkle
from trust.merkle import NodeName, Peaks

SIZES = 130


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word; over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


class Tree:
    """A list of leaves with what each completed, as a table keeps it."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = list(leaves)
        self.completed: list[tuple[bytes, ...]] = []
        self.peaks = [Peaks()]
        for leaf in leaves:
            peaks, completed = self.peaks[-1].append(leaf)
            self.peaks.append(peaks)
            self.completed.append(completed)

    def hash_of(self, node: NodeName) -> bytes:
        return self.completed[merkle.owner_of(node)][node[0]]

    def root(self, size: int) -> bytes:
        return self.peaks[size].root()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return merkle.build_proof(merkle.inclusion_path(index, size), self.hash_of)

    def consistency(self, first: int, second: int) -> list[bytes]:
        return merkle.build_proof(merkle.consistency_path(first, second), self.hash_of)


def leaves_of(name: str, count: int) -> list[bytes]:
    return [merkle.leaf_hash(f"{name} {number}".encode()) for number in range(count)]


TREE = Tree(leaves_of("entry", SIZES))


def test_every_root_is_the_defined_one() -> None:
    for size in range(SIZES + 1):
        assert TREE.root(size) == defined_root(TREE.leaves[:size])


def test_known_answers() -> None:
    """The test vectors that implementations of Certificate Transparency share."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree([merkle.leaf_hash(bytes.fromhex(one)) for one in inputs])
    assert tree.root(0).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.root(1).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree.root(8).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_the_peaks_are_stored_and_read_back() -> None:
    for size in range(SIZES + 1):
        peaks = TREE.peaks[size]
        assert Peaks.from_bytes(size, peaks.to_bytes()) == peaks
        assert [TREE.hash_of(node) for node in merkle.peaks_of(size)] == list(peaks.hashes)
    for size, stored in ((3, b""), (1, bytes(64)), (1, bytes(31)), (-1, bytes(32))):
        with pytest.raises(ValueError, match=r"peaks|sequence"):
            Peaks.from_bytes(size, stored)


def test_an_append_hashes_what_it_completes_and_nothing_else() -> None:
    assert sum(len(completed) - 1 for completed in TREE.completed) == SIZES - SIZES.bit_count()
    for size in range(SIZES):
        assert len(TREE.completed[size]) == len(TREE.peaks[size].hashes) - len(TREE.peaks[size + 1].hashes) + 2


def test_every_leaf_is_proved_in_every_tree_and_no_other_is() -> None:
    foreign = merkle.leaf_hash(b"another entry")
    for size in range(1, SIZES + 1):
        root = TREE.root(size)
        for index in range(size):
            proof, leaf = TREE.inclusion(index, size), TREE.leaves[index]
            assert merkle.is_included(leaf, index, size, root, proof)
            assert len(proof) <= (size - 1).bit_length()
            assert not merkle.is_included(foreign, index, size, root, proof)
            assert not merkle.is_included(leaf, index, size, TREE.root(size - 1), proof)
            assert not merkle.is_included(leaf, (index + 1) % size, size, root, proof) or size == 1
            assert not merkle.is_included(leaf, index, size, root, [*proof, root])
            assert not proof or not merkle.is_included(leaf, index, size, root, proof[:-1])


def test_every_tree_is_proved_to_begin_with_every_smaller_one() -> None:
    for second in range(SIZES + 1):
        for first in range(second + 1):
            proof = TREE.consistency(first, second)
            assert merkle.is_consistent(first, TREE.root(first), second, TREE.root(second), proof)
            if 0 < first < second:
                wrong = TREE.root(first - 1)
                assert not merkle.is_consistent(first, wrong, second, TREE.root(second), proof)
                assert not merkle.is_consistent(first, TREE.root(first), second, wrong, proof)
                assert not merkle.is_consistent(first, TREE.root(first), second, TREE.root(second), proof[:-1])
                assert not merkle.is_consistent(first, TREE.root(first), second, TREE.root(second), [*proof, wrong])


@pytest.mark.parametrize("changed", [0, 1, 6, 7, 40, 63, 64, 99])
def test_a_rewritten_history_has_no_proof(changed: int) -> None:
    """Whoever changes one entry and builds the whole tree anew cannot make it continue the tree that was known."""
    rewritten = Tree([*TREE.leaves[:changed], merkle.leaf_hash(b"rewritten"), *TREE.leaves[changed + 1 : 100]])
    for first in range(1, 101):
        for second in range(first, 101):
            honest = merkle.is_consistent(
                first, TREE.root(first), second, rewritten.root(second), rewritten.consistency(first, second)
            )
            assert honest is (first <= changed)
            if first > changed:
                assert not merkle.is_consistent(
                    first, TREE.root(first), second, rewritten.root(second), TREE.consistency(first, second)
                )


@given(st.data())
def test_a_proof_with_one_bit_changed_proves_nothing(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, SIZES))
    first = data.draw(st.integers(1, second - 1))
    index = data.draw(st.integers(0, second - 1))
    bit = data.draw(st.integers(0, 255))
    for proof, holds in (
        (
            TREE.inclusion(index, second),
            lambda p: merkle.is_included(TREE.leaves[index], index, second, TREE.root(second), p),
        ),
        (
            TREE.consistency(first, second),
            lambda p: merkle.is_consistent(first, TREE.root(first), second, TREE.root(second), p),
        ),
    ):
        place = data.draw(st.integers(0, len(proof) - 1))
        flipped = (int.from_bytes(proof[place]) ^ (1 << bit)).to_bytes(32)
        assert holds(proof)
        assert not holds([*proof[:place], flipped, *proof[place + 1 :]])


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (-1, 5), (5, 5)], ids=["empty", "past the end", "negative", "at the end"]
)
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_path(index, size)
    assert not merkle.is_included(TREE.leaves[0], index, size, TREE.root(1), [])


def test_a_tree_does_not_begin_with_a_larger_one() -> None:
    with pytest.raises(ValueError, match="cannot begin"):
        merkle.consistency_path(5, 4)
    assert not merkle.is_consistent(5, TREE.root(5), 4, TREE.root(4), [])
    assert not merkle.is_consistent(3, TREE.root(3), 4, TREE.root(4), [])


def test_proofs_chain_from_head_to_head() -> None:
    heads = [3, 8, 9, 31, 32, 100, 130]
    for first, second in pairwise(heads):
        assert merkle.is_consistent(first, TREE.root(first), second, TREE.root(second), TREE.consistency(first, second))
