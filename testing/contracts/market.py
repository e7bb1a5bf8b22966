"""A market to test: its people, and datasets brought where a test wants them.

Nothing is remembered here: all state is read from the chain, so that reverting to a snapshot takes it back.

    market = LiveMarket.open()
    dataset = market.dataset_with(replicas=3, subsets=4, subsets_per_round=2)
    couple = couple_in(CouplePhase.TRAINING, dataset, rounds=5)

Amounts are small and distinct, so that a sum tells what it is made of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import count
from typing import Any

from agents.core.enums import InstanceStatus, Role
from agents.core.events import DatasetTerms
from agents.core.hashing import data_receipt, receipt_domain
from agents.core.ids import DatasetId, InstanceId, ModelId, dataset_of, model_id, subset_of
from agents.vault.packages import SEALED_LOCATION_BYTES
from testing.backend import TERMS
from testing.contracts.chain import chain
from testing.contracts.logs import event, events

OPENING_BALANCE = 1_000_000
LOCATION = sha256(b"an object").digest()
SEALED_LOCATION = (LOCATION * 3)[:SEALED_LOCATION_BYTES]


def commit(label: str, receipt_of: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """A receipt and its nonce, neither with a zero byte.

    Receipts differ from chain to chain, and zero bytes are cheaper: so gas is the same on all.
    """
    nonces = (sha256(f"{label} {attempt}".encode()).digest() for attempt in count())
    return next((receipt, nonce) for nonce in nonces if 0 not in nonce + (receipt := receipt_of(nonce)))


def encryption_key(member: Any) -> bytes:
    """A stand-in of the right length: the market looks at nothing else."""
    return sha256(member.address.encode()).digest() * 2


@dataclass(frozen=True)
class LiveMarket:
    """One deployed market and the accounts that act in it.

    Attributes:
        cloud_owners: sixteen; each registers when it is first named for a replica.
        stranger: never registers.
    """

    contract: Any
    data_owner: Any
    model_owner: Any
    stranger: Any
    cloud_owners: tuple[Any, ...]

    @classmethod
    def open(cls) -> LiveMarket:
        """Deploys; registers the DO, and the MO with a model."""
        _, data_owner, model_owner, stranger, *cloud_owners = chain().accounts
        market = cls(chain().deploy_market(), data_owner, model_owner, stranger, tuple(cloud_owners))
        market.register(data_owner, Role.DATA_OWNER)
        market.register(model_owner, Role.MODEL_OWNER)
        market.contract.createMod("linear", sha256(b"a plan").digest(), LOCATION, {"from": model_owner})
        return market

    @property
    def domain(self) -> bytes:
        """What this market's receipts begin with."""
        return receipt_domain(chain().id, self.contract.address)

    @property
    def mod(self) -> ModelId:
        """The MO's first model."""
        return model_id(self.model_owner.address, 1)

    def register(self, member: Any, role: Role, balance: int = OPENING_BALANCE) -> Any:
        """Registers a member with a balance, unless it is one already."""
        if self.contract.roleOf(member) != Role.NONE:
            return None
        create = {
            Role.DATA_OWNER: self.contract.createDO,
            Role.CLOUD_OWNER: self.contract.createCO,
            Role.MODEL_OWNER: self.contract.createMO,
        }[role]
        return create(encryption_key(member), {"from": member, "value": balance})

    def dataset(self, **terms: int) -> LiveDataset:
        """A dataset on offer, with `TERMS` but for those given; no instance yet."""
        agreed = replace(TERMS, **terms)
        tx = self.contract.createDS(
            astuple(agreed), sha256(b"a table").digest(), LOCATION, {"from": self.data_owner}
        )
        return LiveDataset(self, event(tx).ds, agreed)

    def dataset_with(self, replicas: int = 3, **terms: int) -> LiveDataset:
        """A dataset with this many verified instances of each subset; the i-th replica is at the i-th CO."""
        dataset = self.dataset(**{"max_replicas": replicas, **terms})
        dataset.verify(*dataset.join(*dataset.name(*self.cloud_owners[:replicas])))
        return dataset


@dataclass(frozen=True)
class LiveDataset:
    """A dataset on the chain."""

    market: LiveMarket
    ds: DatasetId
    terms: DatasetTerms

    def name(self, *cloud_owners: Any, subsets: tuple[int, ...] | None = None) -> list[InstanceId]:
        """Names each of these COs for one replica of each subset, of all by default."""
        for cloud_owner in cloud_owners:
            self.market.register(cloud_owner, Role.CLOUD_OWNER)
        indices = range(self.terms.subsets) if subsets is None else subsets
        places = [(index, cloud_owner) for index in indices for cloud_owner in cloud_owners]
        tx = self.market.contract.createCI(
            self.ds,
            [index for index, _ in places],
            [cloud_owner for _, cloud_owner in places],
            [SEALED_LOCATION] * len(places),
            {"from": self.market.data_owner},
        )
        return [named.ci for named in events(tx)]  # type: ignore[union-attr]

    def join(self, *cis: InstanceId) -> list[InstanceId]:
        """Each instance's CO declares that it holds the data: one transaction a CO."""
        by_owner: dict[Any, list[InstanceId]] = {}
        for ci in cis:
            by_owner.setdefault(self.owner_of(ci), []).append(ci)
        for cloud_owner, joining in by_owner.items():
            declare = self.market.contract.joinCI
            calls = [declare.encode_input(ci, *self.receipt(ci, cloud_owner)) for ci in joining]
            self.market.contract.multicall(calls, {"from": cloud_owner})
        return list(cis)

    def verify(self, *cis: InstanceId, ok: bool = True) -> Any:
        """The DO's word on receipts."""
        return self.market.contract.verifyCI(cis, [ok] * len(cis), {"from": self.market.data_owner})

    def retire(self, ci: InstanceId) -> Any:
        """The instance's CO leaves."""
        return self.market.contract.retireCI(ci, {"from": self.owner_of(ci)})

    def receipt(self, ci: InstanceId, cloud_owner: Any = None) -> tuple[bytes, bytes]:
        """The data receipt and nonce of an honest CO, by default the instance's own."""
        subset, owner = subset_of(ci), (cloud_owner or self.owner_of(ci)).address
        digest = sha256(b"subset %d" % subset).digest()
        receipt = partial(data_receipt, self.market.domain, dataset_of(ci), subset, owner, digest)
        return commit(f"data {ci}", receipt)

    def owner_of(self, ci: InstanceId) -> Any:
        """The account of an instance's CO."""
        return chain().account(self.instance(ci)["cloudOwner"])

    def instance(self, ci: InstanceId) -> Any:
        """The instance as the market knows it, by field name."""
        return self.market.contract.cloudInstance(ci)

    def standing(self, ci: InstanceId) -> tuple[str, int, int, int, int, int]:
        """Its CO, status, counts of pool changes at which it entered and left, bond, and since when."""
        known = self.instance(ci)
        numbers = (int(known[name]) for name in ("status", "verifiedAt", "leftAt", "bond", "since"))
        return (str(known["cloudOwner"]), *numbers)  # type: ignore[return-value]

    def status(self, ci: InstanceId) -> InstanceStatus:
        """Where the instance stands."""
        return InstanceStatus(self.instance(ci)["status"])

    def instances(self, subset: int = 0) -> list[InstanceId]:
        """The instances that hold a place in a subset, in the order in which a settlement walks them."""
        return [InstanceId(int(ci)) for ci in self.market.contract.instancesOf(self.ds, subset)]

    @property
    def pool(self) -> tuple[int, int]:
        """How often the pool has changed, and how many subsets it covers."""
        version, covered = self.market.contract.datasetPool(self.ds)
        return int(version), int(covered)
