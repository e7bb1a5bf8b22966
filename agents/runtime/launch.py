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
from agents.core.ids import Address, InstanceId
from agents.observe.sentry import Sentry
from agents.observe.watch import Watch
from agents.portfolio.known import CHAIN_FILE, JOURNAL_FILE
from agents.portfolio.parties import DatasetPortfolio, ModelPortfolio
from agents.portfolio.workers import DatasetsWorker, ModelsWorker
from agents.roles.acts import Identity, Party
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import CloudOwnerPolicy, DataOwnerPolicy, ModelOwnerPolicy
from agents.runtime.executor import ExecutorLimits
from agents.runtime.mirror_check import MirrorCheck
from agents.runtime.pace import Pace
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
from agents.workers.base import Tools, Worker
from agents.workers.cloud_owner import CloudOwnerWorker

log = logging.getLogger(__name__)

P = TypeVar("P")


PARTIAL_FOLDER = "partial"

ROLE_NAMES: dict[type[AgentSettings], str] = {
    DataOwnerSettings: "data-owner",
    CloudOwnerSettings: "cloud-owner",
    ModelOwnerSettings: "model-owner",
}

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
    home, place, author = Home(settings.home), settings.store_place, bytes.fromhex(wallet.address[2:])
    store = place.of_member(author, home.path(PARTIAL_FOLDER))
    tools = Tools(home, store, key, chain_time, domain, author, place.is_remote)
    return AgentContext(wallet, client, identity, tools, chain_time)


def data_owner(settings: DataOwnerSettings, member: AgentContext) -> Parts:
    """The parts of a data owner.

    Raises:
        BadInput: the home is of a version that had one dataset a home.
    """
    _refuse_old(member.tools.home, _OF_ONE_DATASET)
    _warn_if_alone(settings.members)
    role = _made(
        DataOwner,
        settings,
        identity=member.identity,
        offered=(),
        policy=_made(DataOwnerPolicy, settings),
        looks_after=member.tools.copies,
    )
    worker = _made(DatasetsWorker, settings, tools=member.tools, derive=member.wallet.derive)
    return DatasetPortfolio(role, settings.home), worker


def cloud_owner(settings: CloudOwnerSettings, member: AgentContext) -> Parts:
    """The parts of a cloud owner."""
    _warn_if_alone(settings.members)
    role = _made(
        CloudOwner,
        settings,
        identity=member.identity,
        policy=_made(CloudOwnerPolicy, settings),
        looks_after=member.tools.copies,
    )
    return role, _made(CloudOwnerWorker, settings, tools=member.tools)


def model_owner(settings: ModelOwnerSettings, member: AgentContext) -> Parts:
    """The parts of a model owner.

    Raises:
        BadInput: the home is of a version that had one model a home.
    """
    _refuse_old(member.tools.home, _OF_ONE_MODEL)
    role = _made(
        ModelOwner,
        settings,
        identity=member.identity,
        wanted=(),
        policy=_made(ModelOwnerPolicy, settings),
        looks_after=member.tools.copies,
    )
    worker = _made(ModelsWorker, settings, tools=member.tools, receipt_domain=member.identity.receipt_domain)
    return ModelPortfolio(role, settings.home), worker


_OF_ONE_DATASET, _OF_ONE_MODEL = ("description.json", "split"), ("model.number", "plan.json")
"""Files in the homes of earlier versions."""


def _refuse_old(home: Home, files: Sequence[str]) -> None:
    for name in files:
        if home.path(name).exists():
            raise BadInput(
                f"{home.path(name)} is of a version that had one dataset or model a home: end what is under "
                "way with that version, and give this one a home of its own, with a copy of the wallet"
            )


def _warn_if_alone(members: Sequence[str]) -> None:
    if not members:
        log.warning("no members are set, so this agent deals with nobody: name some, or anyone (--members)")


def _made(kind: Callable[..., P], settings: AgentSettings, **given: object) -> P:
    """A part of an agent: settings are told to it by their names, and what is given besides."""
    told = signature(kind).parameters.keys() & type(settings).model_fields.keys()
    return kind(**{name: getattr(settings, name) for name in told} | given)


def run(settings: AgentSettings, member: AgentContext, role: Party, worker: Worker, stop: StopSignal) -> None:
    """Runs an agent until `stop` is set, with a sentry beside it.

    Raises:
        StopAgent, BadInput: it cannot go on.
    """
    sentry = Sentry(settings.listen)
    try:
        _run(settings, member, role, worker, stop, sentry)
    finally:
        sentry.close()


def _run(
    settings: AgentSettings,
    member: AgentContext,
    role: Party,
    worker: Worker,
    stop: StopSignal,
    sentry: Sentry,
) -> None:
    journal = Journal(settings.home / JOURNAL_FILE)
    database = ChainDatabase(settings.home / CHAIN_FILE)
    limits = _made(ExecutorLimits, settings)

    def leave() -> None:
        sentry.leave()
        database.leave()

    executor = ProcessPool(worker, limits, time.monotonic, leave)
    try:
        events = EventStream(member.client, database, settings.confirmations, settings.evidence)
        fees = FeeLimits(settings.max_fee, settings.max_fee_urgent, settings.max_tip)
        sender = Sender(member.client, member.wallet, database, fees)
        watch = Watch(
            ROLE_NAMES.get(type(settings), "agent"),
            member.wallet.address,
            member.client.node,
            sender,
            lambda: events.repaired,
            database,
            sentry,
        )
        Runner(
            role,
            executor,
            events,
            sender,
            journal,
            time.monotonic,
            Pace(settings.poll_seconds),
            limits.job_seconds,
            check=MirrorCheck(member.client, member.wallet.address),
            tell_time=member.time.set,
            observer=watch,
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
    """What Ctrl-C and SIGTERM set, so that an agent finishes its step and ends.

    A step that does not end, as a node or a disk hangs, is left where it is; so it is at a second signal.
    """
    stop = StopSignal()

    def end(*_: object) -> None:
        if stop.is_set():
            raise _StepLeftError
        stop.set()
        signal.setitimer(signal.ITIMER_REAL, STEP_SECONDS)

    handlers = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGALRM: end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    except _StepLeftError:
        log.warning("ended in the middle of a step, which the next start begins anew")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()


STEP_SECONDS = 3.0
"""For how long the step under way is waited for when an agent is told to end."""


class _StepLeftError(BaseException):
    """Ends the step under way. What it leaves on the disk is what a crash would."""
