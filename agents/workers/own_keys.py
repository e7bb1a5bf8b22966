"""A model owner's keys for training on encrypted weights: made once, the secret part sealed to itself."""

from __future__ import annotations

from typing import TypeVar

from agents.core.errors import BadObject, StopAgent
from agents.learning.data.canonical import digest
from agents.learning.family import EncryptedFamily, KeyPair
from agents.learning.plans.encrypted import EncryptedPlan
from agents.vault.sealing import Sealed, open_sealed, seal
from agents.workers.base import Tools

P = TypeVar("P", bound=EncryptedPlan)

PUBLIC_FILE = "keys.public"
SECRET_FILE = "keys.sealed"


def make_keys(tools: Tools, family: EncryptedFamily) -> KeyPair:
    """The keys of this home for a family's plan: those that it has, else fresh ones.

    The secret part is written last. A crash before it leaves none, and no plan that names the public part.
    """
    try:
        kept = _kept(tools, family.plan)
    except BadObject:  # of a plan that never was published: its owner has changed its mind since
        kept = None
    if kept is not None:
        return kept
    keys = family.keys()
    tools.home.write(PUBLIC_FILE, keys.public)
    sealed = seal(tools.key.public_key, keys.secret, _context(family.plan, keys.public))
    tools.home.write(SECRET_FILE, sealed.blob)
    return keys


def load_keys(tools: Tools, plan: EncryptedPlan) -> KeyPair:
    """The keys that a plan was published with.

    Raises:
        StopAgent: they are gone or damaged.
    """
    try:
        keys = _kept(tools, plan)
    except BadObject:
        keys = None
    if keys is None:
        raise StopAgent(f"{tools.home.path(SECRET_FILE)} is gone or damaged: restore it from a backup")
    return keys


def with_keys(plan: P, keys: str) -> P:
    """The plan, naming these keys."""
    return plan.model_copy(update={"encryption": plan.encryption.model_copy(update={"keys": keys})})


def _kept(tools: Tools, plan: EncryptedPlan) -> KeyPair | None:
    public, sealed = tools.home.read(PUBLIC_FILE), tools.home.read(SECRET_FILE)
    if public is None or sealed is None:
        return None
    return KeyPair(open_sealed(tools.key, Sealed(sealed), _context(plan, public)), public)


def _context(plan: EncryptedPlan, public: bytes) -> bytes:
    """A secret part belongs to one public part and to one plan."""
    return b"holdfast/keys/" + with_keys(plan, "").digest() + digest(public)
