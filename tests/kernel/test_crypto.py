"""Keys and seals: bound to person and field, gone when destroyed, loud when touched."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Fault, Node, Refused
from puhui.kernel.crypto import (
    DRAW_BYTES,
    Keys,
    canonical_json,
    copy_subject_keys,
    destroy_subject_key,
    hash_password,
    load_keys,
    new_subject_key,
    open_sealed,
    paste_subject_keys,
    random_bytes,
    read_subject_key,
    seal,
    store_subject_keys,
    verify_password,
    verify_signature,
)
from puhui.kernel.store import change

KEYS = Keys(b"k" * 32)
OTHER = Keys(b"o" * 32)


def fault_of(work: Callable[[], object]) -> str:
    with pytest.raises(Fault) as caught:
        work()
    return caught.value.code


def touched(sealed: str) -> list[str]:
    """Every way to change the stored text a little."""
    data = base64.b64decode(sealed)
    flipped = [
        base64.b64encode(data[:n] + bytes([data[n] ^ 1]) + data[n + 1 :]).decode()
        for n in range(len(data))
    ]
    cut = [base64.b64encode(data[:n]).decode() for n in (0, 5, 12, 20, len(data) - 1)]
    return [*flipped, *cut, "no base64 at all", sealed[1:], sealed + "!", "é"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_what_is_sealed_is_opened(text: str) -> None:
    key = new_subject_key(KEYS, "party-1")
    assert open_sealed(key, "name", seal(key, "name", text)) == text


def test_equal_texts_do_not_look_equal() -> None:
    key = new_subject_key(KEYS, "party-1")
    assert seal(key, "name", "王") != seal(key, "name", "王")


def test_a_seal_is_bound_to_its_field_and_its_person() -> None:
    key, other = new_subject_key(KEYS, "party-1"), new_subject_key(KEYS, "party-2")
    sealed = seal(key, "phone", "13800000000")
    assert fault_of(lambda: open_sealed(key, "name", sealed)) == "kernel.field_damaged"
    assert fault_of(lambda: open_sealed(other, "phone", sealed)) == "kernel.field_damaged"
    for text in touched(sealed):
        assert fault_of(lambda text=text: open_sealed(key, "phone", text)) == (
            "kernel.field_damaged"
        )


def test_a_persons_key_is_bound_to_the_person_and_the_node() -> None:
    key = new_subject_key(KEYS, "party-1")
    assert len(KEYS.unwrap("party-1", key.wrapped)) == 32
    assert fault_of(lambda: KEYS.unwrap("party-2", key.wrapped)) == "kernel.key_damaged"
    assert fault_of(lambda: OTHER.unwrap("party-1", key.wrapped)) == "kernel.key_damaged"
    for text in touched(key.wrapped):
        assert fault_of(lambda text=text: KEYS.unwrap("party-1", text)) == "kernel.key_damaged"


def test_a_destroyed_key_never_comes_back(node: Node) -> None:
    key = new_subject_key(node.keys, "party-1")
    sealed = seal(key, "name", "王小明")
    with change(node.store) as tx:
        store_subject_keys(tx, (key,))
        store_subject_keys(tx, (new_subject_key(node.keys, "party-1"),))
    with node.read() as tx:
        assert open_sealed(read_subject_key(tx, node.keys, "party-1"), "name", sealed) == "王小明"
        assert read_subject_key(tx, node.keys, "party-2") is None
        copied = copy_subject_keys(tx)
    with change(node.store) as tx:
        destroy_subject_key(tx, "party-1")
    with node.read() as tx:
        assert read_subject_key(tx, node.keys, "party-1") is None
        assert open_sealed(None, "name", sealed) is None
        assert copy_subject_keys(tx) == [("party-1", None)]
    with change(node.store) as tx:
        store_subject_keys(tx, (key,))
        paste_subject_keys(tx, copied)
    with node.read() as tx:
        assert read_subject_key(tx, node.keys, "party-1") is None, "erased stays erased"


def test_keys_of_a_node_all_follow_from_its_master() -> None:
    same = Keys(b"k" * 32)
    assert (same.fingerprint, same.public_key) == (KEYS.fingerprint, KEYS.public_key)
    assert same.index("phone", "1") == KEYS.index("phone", "1") != OTHER.index("phone", "1")
    assert KEYS.index("phone", "1") != KEYS.index("name", "1")
    assert same.digest(b"x") == KEYS.digest(b"x") != OTHER.digest(b"x")
    assert KEYS.fingerprint != OTHER.fingerprint
    with pytest.raises(AssertionError):
        Keys(b"short")


def test_signatures() -> None:
    signature = KEYS.sign(b"a contract")
    assert verify_signature(KEYS.public_key, b"a contract", signature)
    assert not verify_signature(KEYS.public_key, b"another", signature)
    assert not verify_signature(OTHER.public_key, b"a contract", signature)
    for wrong in ("", "no base64", base64.b64encode(b"x" * 64).decode()):
        assert not verify_signature(KEYS.public_key, b"a contract", wrong)
        assert not verify_signature(wrong, b"a contract", signature)


def test_passwords() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "RFC 9106, second choice"
    assert verify_password(hashed, "correct horse")
    assert not verify_password(hashed, "correct horsf")
    assert not verify_password("no hash", "correct horse")


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    made = load_keys(home)
    assert (home / "master.key").stat().st_mode & 0o777 == 0o600
    assert os.listdir(home) == ["master.key"], "nothing is left beside it"
    assert load_keys(home).fingerprint == made.fingerprint
    assert load_keys(home, may_make=False).fingerprint == made.fingerprint
    with pytest.raises(Refused) as caught:
        load_keys(tmp_path / "other", may_make=False)
    assert caught.value.code == "kernel.wrong_keys"
    assert not (tmp_path / "other" / "master.key").exists()


@pytest.mark.parametrize("content", [b"", b"short", b"!!!!", b"\xff\xfe\x00", b"QUJD\n"])
def test_a_damaged_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "master.key").write_bytes(content)
    with pytest.raises(Refused) as caught:
        load_keys(tmp_path)
    assert caught.value.code == "kernel.bad_master_key"


def test_the_environment_may_give_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUHUI_MASTER_KEY", base64.b64encode(b"k" * 32).decode())
    assert load_keys(tmp_path, may_make=False).fingerprint == KEYS.fingerprint
    assert not (tmp_path / "master.key").exists()
    monkeypatch.setenv("PUHUI_MASTER_KEY", "wrong")
    with pytest.raises(Refused) as caught:
        load_keys(tmp_path)
    assert caught.value.code == "kernel.bad_master_key"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_is_json_and_canonical(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_canonical_json_knows_no_nan() -> None:
    with pytest.raises(ValueError):
        canonical_json(float("nan"))


def test_no_byte_that_was_drawn_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system gives numbered blocks of eight bytes here, so that each is known again."""
    drawn = 0

    def numbered(count: int) -> bytes:
        nonlocal drawn
        blocks = range(drawn, drawn + -(-count // 8))
        drawn = blocks.stop
        return b"".join(block.to_bytes(8, "big") for block in blocks)[:count]

    monkeypatch.setattr("puhui.kernel.crypto.os.urandom", numbered)
    draw = type(random_bytes)()
    given: list[bytes] = []
    sizes = (8, 16, DRAW_BYTES - 8, DRAW_BYTES, DRAW_BYTES + 8, 0, 4 * DRAW_BYTES, 32)
    for count in sizes * 20:
        made = draw(count)
        assert len(made) == count
        given += [made[n : n + 8] for n in range(0, count, 8)]
    assert len(set(given)) == len(given)


def test_random_bytes_of_many_threads_differ() -> None:
    given: list[list[bytes]] = [[] for _ in range(8)]
    begin = threading.Barrier(8)

    def draw(mine: list[bytes]) -> None:
        begin.wait(30)
        mine += [random_bytes(12 + n % 9) for n in range(3000)]

    threads = [threading.Thread(target=draw, args=(mine,)) for mine in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heads = {made[:12] for mine in given for made in mine}
    assert len(heads) == 8 * 3000


def test_a_forked_process_draws_bytes_of_its_own() -> None:
    """Also where another thread was drawing at that moment, and in a child of the child."""

    def fork_and_draw(depth: int, told: int) -> None:
        with random_bytes._lock:
            child = os.fork()
        if child == 0:
            try:
                os.write(told, random_bytes(16))
                if depth > 1:
                    fork_and_draw(depth - 1, told)
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    random_bytes(1)
    hear, told = os.pipe()
    fork_and_draw(3, told)
    mine = random_bytes(16)
    os.close(told)
    with os.fdopen(hear, "rb") as heard:
        theirs = heard.read()
    blocks = {mine, *(theirs[n : n + 16] for n in range(0, len(theirs), 16))}
    assert (len(theirs), len(blocks)) == (48, 4)
