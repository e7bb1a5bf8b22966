"""The life of a model, as the paper counts it (III-B): one data owner, one cloud owner, one model owner.

All three are new members, the dataset has one subset with one replica, training takes one round; training
itself is left out. Every id, seed, digest and receipt can be told before anything is on the chain, so all
transactions are signed ahead.

A stage is what may be in one block. Who answers another's act has seen it in a block: so a life takes as
many blocks as it has stages, and no order inside a block is relied upon, but that of one account's nonces.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from agents.core import calls
from agents.core.assets import Report
from agents.core.calls import Call
from agents.core.enums import Role
from agents.core.events import DatasetTerms
from agents.core.hashing import data_receipt, next_tip, training_receipt
from agents.core.ids import Address, couple_id, dataset_id, instance_id, model_id
from agents.vault.packages import SEALED_LOCATION_BYTES
from benchmarks.signing import address_of

FINNEY = 10**15
TERMS = DatasetTerms(
    subsets=1,
    subsets_per_round=1,
    max_replicas=1,
    round_price=10 * FINNEY,
    job_price=1 * FINNEY,
    instance_bond=5 * FINNEY,
    miss_penalty=1 * FINNEY,
    couple_bond=20 * FINNEY,
    answer_window_seconds=86_400,
    draw_window_seconds=86_400,
    report_window_seconds=86_400,
    settle_window_seconds=86_400,
    couple_window_seconds=604_800,
    ends_at=4_102_444_800,  # 2100-01-01
)
DEPOSITS = {
    Role.DATA_OWNER: TERMS.couple_bond,
    Role.CLOUD_OWNER: TERMS.instance_bond,
    Role.MODEL_OWNER: TERMS.escrow_per_round,
}
ROLES = tuple(DEPOSITS)


@dataclass(frozen=True, slots=True)
class LifeStep:
    """One transaction of a life.

    Attributes:
        stage: it may be sent once all steps of earlier stages are in blocks; from 0.
        calls: what it makes of the market; several are joined by ``multicall``.
    """

    stage: int
    role: Role
    calls: tuple[Call, ...]

    @property
    def kind(self) -> str:
        """The names of its calls."""
        return " + ".join(call.function for call in self.calls)

    @property
    def value(self) -> int:
        """The coins that go along, in wei."""
        return sum(call.value for call in self.calls)


@dataclass(frozen=True, slots=True)
class Life:
    """The members of one life; lives with other names have other members."""

    name: str

    def secret(self, role: Role) -> bytes:
        """The private key of its member in this role."""
        return self._digest(f"key {role.name}")

    def address(self, role: Role) -> Address:
        """The account of its member in this role."""
        return address_of(self.secret(role))

    def joined(self, domain: bytes) -> tuple[LifeStep, ...]:
        """Its steps in as few transactions and blocks as there can be: a member's consecutive calls are one.

        Args:
            domain: what receipts of the market begin with.
        """
        call = self._calls(domain)
        plan = (
            (0, Role.DATA_OWNER, "createDO"),
            (0, Role.CLOUD_OWNER, "createCO"),
            (0, Role.MODEL_OWNER, "createMO"),
            (1, Role.DATA_OWNER, "createDS createCI"),
            (2, Role.CLOUD_OWNER, "joinCI"),
            (2, Role.MODEL_OWNER, "createMod requestTC"),
            (3, Role.DATA_OWNER, "verifyCI approveTC"),
            (4, Role.MODEL_OWNER, "startRound"),
            (5, Role.DATA_OWNER, "drawRound"),
            (6, Role.CLOUD_OWNER, "updateTJ"),
            (7, Role.MODEL_OWNER, "settleRound completeTC"),
        )
        return tuple(
            LifeStep(stage, role, tuple(call[name] for name in names.split())) for stage, role, names in plan
        )

    def apart(self, domain: bytes) -> tuple[LifeStep, ...]:
        """Its steps as the paper has them: fifteen transactions, each one call, each a stage of its own.

        Args:
            domain: what receipts of the market begin with.
        """
        call = self._calls(domain)
        return tuple(LifeStep(stage, ACTORS[name], (call[name],)) for stage, name in enumerate(ACTORS))

    def _calls(self, domain: bytes) -> dict[str, Call]:
        owner, cloud_owner, model_owner = (self.address(role) for role in ROLES)
        ds, mod, tc = dataset_id(owner, 1), model_id(model_owner, 1), couple_id(model_owner, 1)
        ci = instance_id(ds, 0, 1)
        weights, location = self._digest("weights"), self._digest("location")
        sealed = (location * 3)[:SEALED_LOCATION_BYTES]
        do_seed, mo_seed = self._digest("seed of the data owner"), self._digest("seed of the model owner")
        data, nonce = self._digest("data"), self._digest("nonce")
        model, round_nonce = self._digest("model"), self._digest("nonce of the round")
        held = data_receipt(domain, ds, 0, cloud_owner, data, nonce)
        trained = training_receipt(domain, tc, 1, ci, cloud_owner, model, round_nonce)
        made = (
            *(calls.register(role, self._digest(role.name) * 2, DEPOSITS[role]) for role in ROLES),
            calls.create_ds(TERMS, data, location),
            calls.create_ci(ds, [0], [cloud_owner], [sealed]),
            calls.join_ci(ci, held, nonce),
            calls.verify_ci([ci], [True]),
            calls.create_mod("linear", weights, location),
            calls.request_tc(mod, ds, 1, next_tip(mo_seed)),
            calls.approve_tc(tc, next_tip(do_seed)),
            calls.start_round(tc, mo_seed, weights, location),
            calls.draw_round(tc, do_seed),
            calls.update_tj(tc, ci, 1, trained, round_nonce, sealed),
            calls.settle_round(tc, 0, model, [Report(ci, cloud_owner, trained, round_nonce, sealed)]),
            calls.complete_tc(tc, model),
        )
        return {call.function: call for call in made}

    def _digest(self, what: str) -> bytes:
        return sha256(f"{self.name}: {what}".encode()).digest()


ACTORS = {
    "createDO": Role.DATA_OWNER,
    "createCO": Role.CLOUD_OWNER,
    "createMO": Role.MODEL_OWNER,
    "createDS": Role.DATA_OWNER,
    "createCI": Role.DATA_OWNER,
    "joinCI": Role.CLOUD_OWNER,
    "verifyCI": Role.DATA_OWNER,
    "createMod": Role.MODEL_OWNER,
    "requestTC": Role.MODEL_OWNER,
    "approveTC": Role.DATA_OWNER,
    "startRound": Role.MODEL_OWNER,
    "drawRound": Role.DATA_OWNER,
    "updateTJ": Role.CLOUD_OWNER,
    "settleRound": Role.MODEL_OWNER,
    "completeTC": Role.MODEL_OWNER,
}
"""Who makes each of the paper's fifteen transactions, in the order of a life."""
