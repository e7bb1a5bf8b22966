"""Puts an agent together from its settings, and runs it until it is told to stop."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import TypeVar

from agents.chain import views
from agents.chain.access import HttpAccess
from agents.chain.chain_time import ChainTime
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.fees import FeeLimits
from agents.chain.history import EventStream
from agents.chain.remote_signer import RemoteSigner
from agents.chain.sender import Sender
from agents.chain.waiting import finish, send_and_wait
from agents.chain.wallet import Keys, RemoteWallet, Wallet
from agents.core.calls import Call, retire_ci, withdraw
from agents.core.errors import BadInput
from agents.core.ids import Address, DatasetId, InstanceId
from agents.roles.acts import Identity, Party
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import CloudOwnerPolicy, DataOwnerPolicy, ModelOwnerPolicy
from agents.roles.terms import weaknesses
from agents.runtime.executor import ExecutorLimits
from agents.runtime.mirror_check import MirrorCheck
from agents.runtime.process_pool import ProcessPool
from agents.runtime.runner import Runner
from agents.runtime.settings import (
    AgentSettings,
    CloudOwnerSettings,
    DataOwnerSettings,
    MemberSettings,
    ModelOwnerSettings,
    WalletSettings,
)
from agents.runtime.stop import StopSignal
from agents.storage.files import Home
from agents.storage.journal import Journal
from agents.storage.moving import refuse_moved
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.vault.local_store import LocalStore
from agents.workers.base import Tools, Worker
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.data_owner import DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker

log = logging.getLogger(__name__)

P = TypeVar("P")

JOURNAL_FILE = "journal.sqlite"
CHAIN_FILE = "chain.sqlite"
NUMBER_FILE = "model.number"


Parts = tuple[Party, Worker]
"""What makes an agent: what it decides, and what does its work."""


@dataclass(frozen=True)
class AgentContext:
    """An agent's keys and connections."""

    wallet: Keys
    client: MarketClient
    identity: Identity
    tools: Tools
    time: ChainTime


def unlock(settings: WalletSettings) -> Keys:
    """Opens the wallet, once its home is private.

    Raises:
        BadInput: no wallet there, or a wrong password, or a home that was moved to another machine.
    """
    if settings.home.is_dir():
        Home(settings.home).make_private()
    refuse_moved(settings.home)
    signer = signer_of(settings)
    if signer is None:
        return Wallet.load(settings.wallet, settings.read_password())
    return RemoteWallet.load(signer, settings.wallet, settings.read_password())


def signer_of(settings: WalletSettings) -> RemoteSigner | None:
    """The program that signs; None where the wallet's file does.

    Raises:
        BadInput: the setting names no such program.
    """
    if settings.signer_address is None:
        return None
    return RemoteSigner.connect(
        settings.signer, Address(settings.signer_address), HttpAccess(settings.signer_ca)
    )


def enrol(settings: MemberSettings, wallet: Keys) -> AgentContext:
    """Connects a wallet with the market and the store.

    Raises:
        BadInput: no deployment there.
        WrongNetwork: the node serves another chain, or the market is not on it.
        NodeUnavailable: the node does not answer.
    """
    client = MarketClient.connect(
        settings.rpc, Deployment.load(settings.deployment), settings.timeout_seconds, settings.node_access
    )
    key = SecretKey.from_seed(wallet.derive(ENCRYPTION_PURPOSE))
    domain = client.read(views.receipt_domain())
    identity = Identity(wallet.address, key.public_key.encoded, wallet.derive, domain)
    chain_time = ChainTime()
    tools = Tools(Home(settings.home), LocalStore(settings.store), key, chain_time, domain)
    return AgentContext(wallet, client, identity, tools, chain_time)


def data_owner(settings: DataOwnerSettings, member: AgentContext) -> Parts:
    """The parts of a data owner. It is warned of terms under which a cheat would be free."""
    for weakness in weaknesses(settings.dataset_terms):
        log.warning("%s", weakness)
    _warn_if_alone(settings.members)
    role = _made(
        DataOwner,
        settings,
        identity=member.identity,
        cloud_owners=settings.dealt,
        policy=_made(DataOwnerPolicy, settings),
    )
    worker = _made(
        DataOwnerWorker,
        settings,
        tools=member.tools,
        terms=settings.dataset_terms,
        derive=member.wallet.derive,
    )
    return role, worker


def cloud_owner(settings: CloudOwnerSettings, member: AgentContext) -> Parts:
    """The parts of a cloud owner."""
    _warn_if_alone(settings.members)
    role = _made(CloudOwner, settings, identity=member.identity, policy=_made(CloudOwnerPolicy, settings))
    return role, _made(CloudOwnerWorker, settings, tools=member.tools)


def model_owner(settings: ModelOwnerSettings, member: AgentContext) -> Parts:
    """The parts of a model owner."""
    ds = DatasetId(int(settings.dataset, 16)) if settings.dataset else None
    _claim(member.tools.home, settings.number)
    if not settings.samples.exists():
        log.warning("there are no samples at %s yet: get them from the data owner", settings.samples)
    if ds is None:
        _warn_if_alone(settings.members)
    role = _made(
        ModelOwner, settings, identity=member.identity, policy=_made(ModelOwnerPolicy, settings), ds=ds
    )
    worker = _made(
        ModelOwnerWorker,
        settings,
        tools=member.tools,
        receipt_domain=member.identity.receipt_domain,
        plan_file=settings.plan,
    )
    return role, worker


def _claim(home: Home, number: int) -> None:
    """Makes a home that of one model.

    Raises:
        BadInput: it is another's, whose plan and weights would be taken for this one's.
    """
    claimed = home.read(NUMBER_FILE)
    if claimed is None:
        home.write(NUMBER_FILE, b"%d" % number)
    elif claimed != b"%d" % number:
        raise BadInput(
            f"{home.folder} is the home of model {claimed.decode(errors='replace')}: give model {number} a "
            "home of its own, with a copy of the wallet (--home)"
        )


def _warn_if_alone(members: Sequence[str]) -> None:
    if not members:
        log.warning("no members are set, so this agent deals with nobody: name some, or anyone (--members)")


def _made(kind: Callable[..., P], settings: AgentSettings, **given: object) -> P:
    """A part of an agent: settings are told to it by their names, and what is given besides."""
    told = signature(kind).parameters.keys() & type(settings).model_fields.keys()
    return kind(**{name: getattr(settings, name) for name in told} | given)


def run(settings: AgentSettings, member: AgentContext, role: Party, worker: Worker, stop: StopSignal) -> None:
    """Runs an agent until `stop` is set.

    Raises:
        StopAgent, BadInput: it cannot go on.
    """
    journal = Journal(settings.home / JOURNAL_FILE)
    database = ChainDatabase(settings.home / CHAIN_FILE)
    limits = _made(ExecutorLimits, settings)
    executor = ProcessPool(worker, limits, time.monotonic, database.leave)
    try:
        Runner(
            role,
            executor,
            EventStream(member.client, database, settings.confirmations, settings.evidence),
            Sender(
                member.client,
                member.wallet,
                database,
                FeeLimits(settings.max_fee, settings.max_fee_urgent, settings.max_tip),
            ),
            journal,
            time.monotonic,
            settings.poll_seconds,
            limits.job_seconds,
            check=MirrorCheck(member.client, member.wallet.address),
            tell_time=member.time.set,
        ).run(stop)
    finally:
        executor.close()
        database.close()
        journal.close()


def take_out(settings: MemberSettings, member: AgentContext, amount: int | None = None) -> int:
    """Withdraws `amount` wei of the member's free balance, by default all of it.

    Returns:
        What was withdrawn.

    Raises:
        Refused: the balance is smaller.
        BadInput: the agent itself is running, or the amount is none.
    """
    if amount is not None and not 0 <= amount < 2**256:
        raise BadInput(f"{amount} wei is no amount: name what to withdraw, 0 or more")
    with _sender(settings, member) as sender:
        if amount is None:
            finish(sender)  # what is on its way out already is not there any more
        wanted = member.client.read(views.balance_of(member.wallet.address)) if amount is None else amount
        if wanted:
            _send(sender, withdraw(wanted))
    return wanted


def retire(settings: MemberSettings, member: AgentContext, instances: Sequence[InstanceId]) -> None:
    """Takes instances of a cloud owner, or of a data owner's dataset, out of the pool.

    Raises:
        Refused: one of them is not there, not the member's, or gone already; those before it are retired.
        BadInput: the agent itself is running.
    """
    with _sender(settings, member) as sender:
        for ci in instances:
            _send(sender, retire_ci(ci))


@contextmanager
def _sender(settings: MemberSettings, member: AgentContext) -> Iterator[Sender]:
    """A sender for a command."""
    database = ChainDatabase(settings.home / CHAIN_FILE)
    try:
        yield Sender(member.client, member.wallet, database)
    finally:
        database.close()


def _send(sender: Sender, call: Call) -> None:
    for outcome in send_and_wait(sender, [call]):
        if outcome.refusal is not None:
            raise outcome.refusal


@contextmanager
def stopped_by_signals() -> Iterator[StopSignal]:
    """What Ctrl-C and SIGTERM set, so that an agent finishes its step and ends."""
    stop = StopSignal()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
