"""Keys of a node, sealed personal fields with a key per person, signatures and passwords."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import CheckConstraint, Column, Table, Text, bindparam, select, update

from puhui.kernel.errors import Fault, Refused
from puhui.kernel.store import Transaction, metadata, upsert

NONCE_BYTES = 12

SUBJECT_KEY = Table(
    "subject_key",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("wrapped", Text, CheckConstraint("wrapped IS NULL OR length(wrapped) > 0")),
)
"""One sealed key per person; destroyed by emptying ``wrapped``. Never in the journal."""

_ADD = upsert(SUBJECT_KEY, ["subject"], {})
_READ = select(SUBJECT_KEY.c.wrapped).where(SUBJECT_KEY.c.subject == bindparam("subject"))
_DESTROY = (
    update(SUBJECT_KEY).where(SUBJECT_KEY.c.subject == bindparam("subject_")).values(wrapped=None)
)
_ALL = select(SUBJECT_KEY.c.subject, SUBJECT_KEY.c.wrapped).order_by(SUBJECT_KEY.c.subject)


class _Draw:
    """Bytes from the system's generator, drawn many at a time; none is ever given out twice.

    A draw costs a system call and lets the interpreter go, and each act needs a few bytes.
    """

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._bytes = b""

    def __call__(self, count: int) -> bytes:
        with self._lock:
            if len(self._bytes) < count:
                self._bytes = os.urandom(max(count, DRAW_BYTES))
            given, self._bytes = self._bytes[:count], self._bytes[count:]
        return given


DRAW_BYTES = 1024
random_bytes = _Draw()
"""``random_bytes(count)``: bytes for salts, nonces and keys that nobody can guess."""


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


class Keys:
    """The secrets of a node, all derived from one master secret of 32 bytes (HKDF-SHA256)."""

    __slots__ = ("_digest_key", "_index_key", "_signing", "_wrapping", "fingerprint", "public_key")

    def __init__(self, master: bytes) -> None:
        assert len(master) == 32, "a master secret has 32 bytes"

        def derived(label: str) -> bytes:
            return HKDF(hashes.SHA256(), 32, None, f"puhui {label}".encode()).derive(master)

        self._digest_key = derived("digest")
        self._index_key = derived("index")
        self._wrapping = AESGCM(derived("wrap"))
        self._signing = Ed25519PrivateKey.from_private_bytes(derived("sign"))
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self.public_key: str = _b64(self._signing.public_key().public_bytes(*raw))
        self.fingerprint: str = hashlib.sha256(derived("fingerprint")).hexdigest()[:32]

    def index(self, kind: str, value: str) -> str:
        """A keyed look-up hash (hex): equal values are found without being readable."""
        text = f"{kind}\x1f{value}".encode()
        return hmac.digest(self._index_key, text, "sha256").hex()

    def digest(self, data: bytes) -> str:
        """A keyed digest (hex) of an act's input: guessing a phone number does not match it."""
        return hashlib.blake2b(data, key=self._digest_key, digest_size=32).hexdigest()

    def sign(self, data: bytes) -> str:
        """An Ed25519 signature by this node, base64."""
        return _b64(self._signing.sign(data))

    def wrap(self, subject: str, raw: bytes) -> str:
        """Seal under the node's own key what is of ``subject``: its key, or what it typed."""
        nonce = random_bytes(NONCE_BYTES)
        return _b64(nonce + self._wrapping.encrypt(nonce, raw, subject.encode()))

    def unwrap(self, subject: str, wrapped: str) -> bytes:
        """Open what was sealed so. Fault ``kernel.key_damaged`` when it was tampered with."""
        try:
            data = base64.b64decode(wrapped, validate=True)
            return self._wrapping.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], subject.encode())
        except (InvalidTag, ValueError):
            raise Fault("kernel.key_damaged", f"The key of {subject} cannot be opened.") from None


def verify_signature(public_key: str, data: bytes, signature: str) -> bool:
    """Whether ``signature`` (base64) over ``data`` was made by the holder of ``public_key``."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        key.verify(base64.b64decode(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def load_keys(home: Path, *, may_make: bool = True) -> Keys:
    """The node's keys: from ``PUHUI_MASTER_KEY`` (base64), else from ``home/master.key``.

    The file is made at the first start with mode 600 and is durable before anything is sealed;
    where ``may_make`` is false it must be there.
    Refused: ``kernel.bad_master_key``, ``kernel.wrong_keys`` where it is missing.
    """
    path = home / "master.key"
    try:
        text = os.environ.get("PUHUI_MASTER_KEY")
        if text is None:
            if not may_make and not path.exists():
                raise Refused(
                    "kernel.wrong_keys", f"The master key of this store, {path}, is gone."
                )
            text = _read_or_make(path)
        master = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        master = b""
    if len(master) != 32:
        raise Refused("kernel.bad_master_key", "The master key is not 32 bytes in base64.")
    return Keys(master)


def _read_or_make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # The name appears only once the content is on disk: two first starts agree on one key.
        part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, _b64(random_bytes(32)).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(part, path)
        except FileExistsError:
            pass  # another first start was quicker, and its key is the one that holds
        finally:
            os.unlink(part)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return path.read_text("ascii")


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The key of one person: open for use, and sealed as it is stored."""

    subject: str
    wrapped: str
    cipher: AESGCM


def new_subject_key(keys: Keys, subject: str) -> SubjectKey:
    """A fresh key for ``subject``, made before the act that stores it."""
    raw = random_bytes(32)
    return SubjectKey(subject, keys.wrap(subject, raw), AESGCM(raw))


def seal(key: SubjectKey, field: str, text: str) -> str:
    """Encrypt one field of a person (AES-256-GCM, bound to subject and field), base64."""
    nonce = random_bytes(NONCE_BYTES)
    bound = f"{key.subject}\x1f{field}".encode()
    return _b64(nonce + key.cipher.encrypt(nonce, text.encode(), bound))


def open_sealed(key: SubjectKey | None, field: str, sealed: str) -> str | None:
    """Decrypt one field; None when the person's key was destroyed.

    Fault: ``kernel.field_damaged`` when the stored bytes were changed.
    """
    if key is None:
        return None
    bound = f"{key.subject}\x1f{field}".encode()
    try:
        data = base64.b64decode(sealed, validate=True)
        return key.cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound).decode()
    except (InvalidTag, ValueError):
        raise Fault("kernel.field_damaged", f"{field} of {key.subject} was changed.") from None


def store_subject_keys(tx: Transaction, subject_keys: Sequence[SubjectKey]) -> None:
    """Keep the sealed keys of new persons; one that is there already stays."""
    rows = [{"subject": key.subject, "wrapped": key.wrapped} for key in subject_keys]
    tx.run_many(_ADD, rows)


def read_subject_key(tx: Transaction, keys: Keys, subject: str) -> SubjectKey | None:
    """The key of ``subject``, or None when there is none (any more)."""
    row = tx.one(_READ, subject=subject)
    if row is None or row.wrapped is None:
        return None
    return SubjectKey(subject, row.wrapped, AESGCM(keys.unwrap(subject, row.wrapped)))


def copy_subject_keys(tx: Transaction) -> list[tuple[str, str | None]]:
    """All sealed keys, for replay into another store; destroyed ones are None."""
    return [(row.subject, row.wrapped) for row in tx.all(_ALL)]


def paste_subject_keys(tx: Transaction, copied: Sequence[tuple[str, str | None]]) -> None:
    """Store sealed keys copied from another store of the same node."""
    tx.run_many(_ADD, [{"subject": subject, "wrapped": wrapped} for subject, wrapped in copied])


def destroy_subject_key(tx: Transaction, subject: str) -> None:
    """Erase a person: whatever is sealed under the key can never be opened again."""
    tx.run(_DESTROY, subject_=subject)


def hash_password(password: str) -> str:
    """An Argon2id hash (RFC 9106, second recommended parameters); slow, so never inside an act."""
    from argon2 import PasswordHasher  # loaded where used: passwords are rare

    return PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4).hash(password)


def verify_password(hashed: str, password: str) -> bool:
    """Whether ``password`` is the one that was hashed."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _encoder() -> Callable[[object], str]:
    """The encoder of canonical JSON: the compiled one made once, where Python has it."""
    encoder = json.JSONEncoder(
        sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    chunks = make(
        None, encoder.default, json.encoder.encode_basestring, None, ":", ",", True, False, False
    )
    return lambda value: "".join(chunks(value, 0))


canonical_json = _encoder()
"""JSON with sorted names and no spaces: equal values have equal text."""
