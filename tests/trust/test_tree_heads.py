"""Heads are believed by their signature, and a file of them by what its leaves lead to."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from trust.head_sinks import FolderSink
from trust.merkle import EMPTY, Peaks, grow, leaf_hash
from trust.tree_heads import (
    HeadKeyError,
    HeadLine,
    HeadSigner,
    HeadVerifier,
    TreeHead,
    new_signing_key,
    read_known,
)

HERE, THERE = "northwind", "southridge"
AT = "2026-11-02T09:00:00Z"
SIGNER = HeadSigner.from_pem(new_signing_key().encode())
STRANGER = HeadSigner.from_pem(new_signing_key().encode())
LEAVES = [leaf_hash(str(number).encode()) for number in range(20)]


def line_of(
    after: int, size: int, *, tenant: str = HERE, signer: HeadSigner = SIGNER, leaves: list[bytes] | None = None
) -> HeadLine:
    every = LEAVES if leaves is None else leaves
    peaks = grow(EMPTY, every[:size])
    head = TreeHead(tenant, size, peaks.root().hex(), AT)
    return HeadLine(after, tuple(every[after:size]), peaks, signer.sign(head))


def read(*lines: HeadLine | str, tenant: str = HERE) -> tuple[int, list[str], int]:
    texts = [line if isinstance(line, str) else line.to_json() for line in lines]
    known, faults = read_known(texts, tenant, SIGNER.public)
    assert all(LEAVES[place] == leaf for place, leaf in known.leaves.items() if not faults)
    return len(known.leaves), faults, known.size


def test_a_line_is_written_and_read_back() -> None:
    line = line_of(3, 9)
    assert HeadLine.from_json(line.to_json()) == line
    assert "\n" not in line.to_json()


@pytest.mark.parametrize(
    "change", [{"size": 8}, {"root": "00" * 32}, {"at": "2026-11-02T09:00:01Z"}, {"tenant": THERE}]
)
def test_a_signature_holds_for_exactly_its_head(change: dict[str, object]) -> None:
    signed = line_of(0, 9).signed
    assert SIGNER.public.holds(signed)
    assert not SIGNER.public.holds(replace(signed, head=replace(signed.head, **change)))  # type: ignore[arg-type]


def test_only_known_keys_are_believed() -> None:
    signed = line_of(0, 3, signer=STRANGER).signed
    assert not SIGNER.public.holds(signed)
    assert not SIGNER.public.holds(replace(signed, key=SIGNER.key_name)), "the name of a key is no signature"
    assert SIGNER.public.joined(STRANGER.public).holds(signed)
    again = HeadVerifier.from_pems([STRANGER.public_pem().encode()])
    assert again.holds(signed)
    assert not again.holds(replace(signed, signature="no base64"))


def test_a_key_of_another_kind_is_refused() -> None:
    other = generate_private_key(SECP256R1())
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for pem in (private, b"", b"-----BEGIN"):
        with pytest.raises(HeadKeyError):
            HeadSigner.from_pem(pem)
    for pem in (public, b"", private):
        with pytest.raises(HeadKeyError):
            HeadVerifier.from_pems([pem])


def test_lines_that_follow_each_other_say_all() -> None:
    assert read(line_of(0, 3), line_of(3, 4), line_of(4, 20)) == (20, [], 20)
    assert read() == (0, [], 0)


def test_two_processes_may_say_the_same_twice() -> None:
    assert read(line_of(0, 3), line_of(3, 9), line_of(3, 7), line_of(9, 12), line_of(7, 12)) == (12, [], 12)


def test_a_line_that_was_cut_off_is_passed_over() -> None:
    half = line_of(3, 9).to_json()[:100]
    assert read(line_of(0, 3), half, line_of(3, 12)) == (12, [], 12)
    assert read(line_of(0, 3), "", "\n", "\xff", "[" * 5_000) == (3, [], 3)


@pytest.mark.parametrize("text", ["null", "[]", "{}", line_of(0, 3).to_json().replace('"size":3', '"size":2')])
def test_a_whole_line_that_says_something_else_is_a_fault(text: str) -> None:
    assert read(line_of(0, 3), text)[1] == ["line 2 of the exported heads is not one that this service writes"]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([line_of(0, 3), line_of(9, 12)], "line 2 of the exported heads does not follow from those before it"),
        ([line_of(3, 9)], "line 1 of the exported heads does not follow"),
        ([line_of(0, 3, signer=STRANGER)], "line 1 of the exported heads is not signed by a known key"),
        ([line_of(0, 3, tenant=THERE)], "line 1 of the exported heads is about another tenant"),
        (
            [line_of(0, 3), line_of(0, 3, leaves=LEAVES[::-1])],
            "line 2 of the exported heads contradicts an earlier one",
        ),
        (
            [line_of(0, 3), line_of(0, 5, leaves=LEAVES[::-1])],
            "line 2 of the exported heads contradicts an earlier one",
        ),
        (
            [replace(line_of(0, 3), leaves=tuple(LEAVES[1:4]))],
            "line 1 of the exported heads has hashes that do not lead",
        ),
        ([replace(line_of(0, 3), leaves=())], "line 1 of the exported heads has hashes that do not lead"),
        (
            [replace(line_of(0, 2), peaks=Peaks(2, (LEAVES[3],)))],
            "line 1 of the exported heads has peaks that do not lead",
        ),
    ],
    ids=["gap", "start gone", "stranger", "other tenant", "fork", "later fork", "leaves", "no leaves", "peaks"],
)
def test_a_file_that_was_tampered_with_says_so(lines: list[HeadLine], fault: str) -> None:
    _, faults, _ = read(*lines)
    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_after_a_gap_heads_and_later_leaves_still_count() -> None:
    known, faults = read_known(
        [line_of(0, 3).to_json(), line_of(6, 9).to_json(), line_of(9, 12).to_json()], HERE, SIGNER.public
    )
    assert len(faults) == 1
    assert sorted(known.leaves) == [0, 1, 2, 9, 10, 11]
    assert sorted(known.roots) == [3, 9, 12]


def test_a_folder_keeps_one_file_per_tenant_and_only_adds(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "heads")
    assert (sink.tenants(), list(sink.read(HERE)), sink.last(HERE)) == ([], [], None)
    names = [HERE, THERE, "../odd name/..", "."]
    for name in names:
        sink.append(name, line_of(0, 3, tenant=name))
    first = (tmp_path / "heads" / "northwind.jsonl").read_bytes()
    sink.append(HERE, line_of(3, 20))
    assert (tmp_path / "heads" / "northwind.jsonl").read_bytes().startswith(first)
    assert sink.tenants() == sorted(names)
    assert sorted(path.parent.name for path in tmp_path.rglob("*.jsonl")) == ["heads"] * 4
    assert read(*sink.read(HERE)) == (20, [], 20)
    assert sink.last(HERE) == line_of(3, 20)
    assert sink.last(THERE) == line_of(0, 3, tenant=THERE)


def test_a_folder_goes_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    many = [leaf_hash(bytes([number % 256, number // 256])) for number in range(3_000)]
    sink.append(HERE, line_of(0, 3_000, leaves=many))  # longer than what is read at once
    with (tmp_path / "northwind.jsonl").open("a") as file:
        file.write(line_of(3, 9).to_json()[:50])
    assert sink.last(HERE) == line_of(0, 3_000, leaves=many)
    sink.append(HERE, line_of(3_000, 3_000, leaves=many))
    assert [json.loads(line)["size"] for line in sink.read(HERE) if line.endswith("}\n")] == [3_000, 3_000]
