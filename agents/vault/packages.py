"""What members hand each other through the object store: sealed objects, found through sealed locations.

For one reader (a data package for a CO, a trained model for the MO) the object is sealed to the reader's key,
and so is its location, the object's id. The sealed location rides in an event: its bytes do not tell which
object the event speaks of. For many readers (weights for the COs of a round) the object is an envelope, and
its plain id is the location.

The context, if given, binds an object to its purpose; the location needs none, for it leads to nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agents.vault.envelope import Envelope, open_envelope, seal_to_many
from agents.vault.keys import PublicKey, SecretKey
from agents.vault.sealing import SEAL_OVERHEAD_BYTES, Sealed, open_sealed, seal
from agents.vault.store import MAX_OBJECT_BYTES, OBJECT_ID_BYTES, ObjectId, ObjectStore, Putter

SEALED_LOCATION_BYTES: Final = SEAL_OVERHEAD_BYTES + OBJECT_ID_BYTES  # 94: three words of an event


def seal_location(object_id: ObjectId, public_key: PublicKey) -> Sealed:
    """The id of an object, readable by one member: `SEALED_LOCATION_BYTES` long."""
    return seal(public_key, object_id.digest)


def open_location(sealed_location: Sealed, secret_key: SecretKey) -> ObjectId:
    """The id in a sealed location.

    Raises:
        BadObject: not sealed to this key, altered, or not an id.
    """
    return ObjectId(open_sealed(secret_key, sealed_location))


def put_sealed(store: Putter, data: bytes, public_key: PublicKey, context: bytes = b"") -> Sealed:
    """Store ``data`` for one reader; return the sealed location for the event.

    Raises:
        BadInput: too large for the store, or a context over 255 bytes.
        StoreUnavailable: the store did not take it.
    """
    return seal_location(store.put(seal(public_key, data, context).blob), public_key)


def fetch_sealed(
    store: ObjectStore,
    sealed_location: Sealed,
    secret_key: SecretKey,
    context: bytes = b"",
    most: int = MAX_OBJECT_BYTES,
) -> bytes:
    """The data that `put_sealed` stored; no object of more than ``most`` bytes is read.

    Raises:
        BadObject: location or object is not for this key, altered, or of another context.
        StoreFault: the store did not deliver the object.
    """
    sealed = Sealed(store.get(open_location(sealed_location, secret_key), most))
    return open_sealed(secret_key, sealed, context)


def put_shared(
    store: Putter, data: bytes, public_keys: Iterable[PublicKey], context: bytes = b""
) -> ObjectId:
    """Store ``data`` for several readers; return the object's id, which any of them may know.

    Raises:
        BadInput: no reader, more than 4096, or too large for the store.
        StoreUnavailable: the store did not take it.
    """
    return store.put(seal_to_many(public_keys, data, context).blob)


def fetch_shared(
    store: ObjectStore,
    object_id: ObjectId,
    secret_key: SecretKey,
    context: bytes = b"",
    most: int = MAX_OBJECT_BYTES,
) -> bytes:
    """The data that `put_shared` stored; no object of more than ``most`` bytes is read.

    Raises:
        BadObject: not an envelope, not for this key, altered, or of another context.
        StoreFault: the store did not deliver the object.
    """
    return open_envelope(secret_key, Envelope(store.get(object_id, most)), context)
