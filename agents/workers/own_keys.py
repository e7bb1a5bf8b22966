"""A model owner's keys for training on encrypted weights: made once, the secret part sealed to itself."""

from __future__ import annotations

from agents.core.errors import BadObject, StopAgent
from agents.learning.data.canonical import digest
from agents.learning.family import NO_KEYS, Family, KeyPair
from agents.learning.plans.base import Plan
from agents.vault.sealing import Sealed, open_sealed, seal
from agents.workers.base import Tools

PUBLIC_FILE = "keys.public"
SECRET_FILE = "keys.sealed"


def make_keys(tools: Tools, family: Family) -> KeyPair:
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


def load_keys(tools: Tools, family: Family) -> KeyPair:
    """The keys that a family's plan was published with; `NO_KEYS` in plain text.

    Raises:
        StopAgent: they are gone or damaged.
    """
    if not family.encrypted:
        return NO_KEYS
    try:
        keys = _kept(tools, family.plan)
    except BadObject:
        keys = None
    if keys is None:
        raise StopAgent(f"{tools.home.path(SECRET_FILE)} is gone or damaged: restore it from a backup")
    return keys


def _kept(tools: Tools, plan: Plan) -> KeyPair | None:
    public, sealed = tools.home.read(PUBLIC_FILE), tools.home.read(SECRET_FILE)
    if public is None or sealed is None:
        return None
    return KeyPair(open_sealed(tools.key, Sealed(sealed), _context(plan, public)), public)


def _context(plan: Plan, public: bytes) -> bytes:
    """A secret part belongs to one public part and to one plan."""
    return b"holdfast/keys/" + plan.with_keys("").digest() + digest(public)
