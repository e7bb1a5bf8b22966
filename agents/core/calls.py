"""The market's transactions as messages: what a role wants sent, for the chain layer to encode and sign.

One constructor a transaction, named as in the interface; amounts in wei, hashes and seeds 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from agents.core.assets import Report
from agents.core.enums import FlagReason, Role
from agents.core.events import DatasetTerms
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the market: `function` by its ABI name, its arguments, and the coins that go along."""

    function: str
    arguments: tuple[object, ...]
    value: int = 0


_REGISTER = {Role.DATA_OWNER: "createDO", Role.CLOUD_OWNER: "createCO", Role.MODEL_OWNER: "createMO"}


def register(role: Role, encryption_key: bytes, deposit_wei: int = 0) -> Call:
    """createDO, createCO or createMO, with an opening balance."""
    return Call(_REGISTER[role], (encryption_key,), deposit_wei)


def deposit(amount: int) -> Call:
    """Adds coins to the sender's balance."""
    return Call("deposit", (), amount)


def withdraw(amount: int) -> Call:
    """Takes coins out of the sender's balance."""
    return Call("withdraw", (amount,))


def create_ds(terms: DatasetTerms, metadata_hash: bytes, metadata_location: bytes) -> Call:
    """Offers a dataset."""
    return Call("createDS", (astuple(terms), metadata_hash, metadata_location))


def create_ci(
    ds: DatasetId, subsets: Sequence[int], cloud_owners: Sequence[Address], sealed_locations: Sequence[bytes]
) -> Call:
    """Names cloud owners for replicas."""
    return Call("createCI", (ds, list(subsets), list(cloud_owners), list(sealed_locations)))


def join_ci(ci: InstanceId, data_hash: bytes, nonce: bytes) -> Call:
    """Declares that the sender holds the data."""
    return Call("joinCI", (ci, data_hash, nonce))


def refuse_ci(ci: InstanceId) -> Call:
    """Declines a replica."""
    return Call("refuseCI", (ci,))


def verify_ci(cis: Sequence[InstanceId], ok: Sequence[bool]) -> Call:
    """Accepts or rejects data receipts."""
    return Call("verifyCI", (list(cis), list(ok)))


def retire_ci(ci: InstanceId) -> Call:
    """Leaves the pool."""
    return Call("retireCI", (ci,))


def release_ci(ci: InstanceId) -> Call:
    """Frees an instance that time has passed by."""
    return Call("releaseCI", (ci,))


def create_mod(model_type: str, plan_hash: bytes, plan_location: bytes) -> Call:
    """Registers a model."""
    return Call("createMod", (model_type, plan_hash, plan_location))


def request_tc(mod: ModelId, ds: DatasetId, max_rounds: int, seed_tip: bytes, quorum: int = 0) -> Call:
    """Asks to train a model on a dataset."""
    return Call("requestTC", (mod, ds, max_rounds, seed_tip, quorum))


def approve_tc(tc: CoupleId, seed_tip: bytes) -> Call:
    """Agrees to a request."""
    return Call("approveTC", (tc, seed_tip))


def decline_tc(tc: CoupleId) -> Call:
    """Declines a request."""
    return Call("declineTC", (tc,))


def cancel_tc(tc: CoupleId) -> Call:
    """Takes a request back."""
    return Call("cancelTC", (tc,))


def start_round(tc: CoupleId, mo_seed: bytes, model_hash: bytes, model_location: bytes) -> Call:
    """Starts the next round."""
    return Call("startRound", (tc, mo_seed, model_hash, model_location))


def draw_round(tc: CoupleId, do_seed: bytes) -> Call:
    """Opens the data owner's seed and draws."""
    return Call("drawRound", (tc, do_seed))


def update_tj(
    tc: CoupleId, ci: InstanceId, round_: int, receipt: bytes, nonce: bytes, sealed_location: bytes
) -> Call:
    """Reports a trained model."""
    return Call("updateTJ", (tc, ci, round_, receipt, nonce, sealed_location))


def flag_tj(tc: CoupleId, ci: InstanceId, round_: int, reason: FlagReason) -> Call:
    """Answers that the job cannot be trained."""
    return Call("flagTJ", (tc, ci, round_, int(reason)))


def settle_round(tc: CoupleId, subset: int, digest: bytes, reports: Sequence[Report]) -> Call:
    """Opens a subset's digest."""
    return Call("settleRound", (tc, subset, digest, [(r.ci, r.hash, r.nonce) for r in reports]))


def close_round(tc: CoupleId, subsets: Sequence[int]) -> Call:
    """Voids subsets that nobody settled."""
    return Call("closeRound", (tc, list(subsets)))


def complete_tc(tc: CoupleId, final_model_hash: bytes) -> Call:
    """Ends training."""
    return Call("completeTC", (tc, final_model_hash))


def expire_request(tc: CoupleId) -> Call:
    """Clears a request that nobody answered."""
    return Call("expireRequest", (tc,))


def expire_draw(tc: CoupleId) -> Call:
    """Ends a couple whose data owner withheld its seed."""
    return Call("expireDraw", (tc,))


def expire_tc(tc: CoupleId) -> Call:
    """Ends a couple that can start no more rounds."""
    return Call("expireTC", (tc,))
