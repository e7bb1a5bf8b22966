"""Moves a member to another machine: all that is in its home, and how far its wallet had come."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.sender import Sender
from agents.chain.transactions import Transactions
from agents.chain.waiting import finish
from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.portfolio.known import CHAIN_FILE
from agents.runtime.launch import AgentContext
from agents.runtime.options import HOME_FILE
from agents.runtime.settings import MarketSettings, MemberSettings
from agents.storage.files import read, write
from agents.storage.moving import mark_moved, pack, read_about, unmark_moved, unpack

FORMAT: Final = "holdfast-home/1"


class Packed(BaseModel):
    """What a home's file says of itself.

    Attributes:
        address: of its wallet.
        nonce: how many transactions the wallet had made.
        deployment: where its market is.
        home: path of the home, as it was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    nonce: int = Field(ge=0)
    deployment: Deployment
    home: str
    format: str = Field(default=FORMAT, pattern=f"^{FORMAT}$")


def export(settings: MemberSettings, member: AgentContext, file: Path) -> None:
    """Writes a home to a file, once all that it sent is in a block, and marks it: nothing runs there then.

    Raises:
        BadInput: its agent runs, or the file cannot be written there.
        NodeUnavailable: the node does not answer, or what was sent is not in a block yet.
    """
    if file.absolute().is_relative_to(settings.home.absolute()):
        raise BadInput(f"{file} is in the home itself: name a file elsewhere")
    database = ChainDatabase(settings.home / CHAIN_FILE)
    try:
        sender = Sender(member.client, member.wallet, database)
        finish(sender)
        nonce = Transactions(member.client, member.wallet.address).nonce()
    finally:
        database.close()
    packed = Packed(
        address=member.wallet.address,
        nonce=nonce,
        deployment=member.client.deployment,
        home=str(settings.home.absolute()),
    )
    mark_moved(settings.home, f"`holdfast home export {file}`")
    try:
        pack(settings.home, packed.model_dump(), file)
    except BaseException:
        unmark_moved(settings.home)
        raise


def bring_in(settings: MarketSettings, home: Path, file: Path) -> Address:
    """Makes a home of a file, if the chain says that the wallet did nothing since; its address.

    Raises:
        BadInput: the file is none, the wallet was used since, or there is something in the home's place.
        NodeUnavailable: the node does not answer.
    """
    packed = _packed(file)
    client = MarketClient.connect(settings.rpc, packed.deployment, access=settings.node_access)
    nonce = Transactions(client, Address(packed.address)).nonce()
    if nonce != packed.nonce:
        what = "was used since" if nonce > packed.nonce else "has done less, by this node: ask another one"
        raise BadInput(
            f"{packed.address} had made {packed.nonce} transactions when {file} was written, now {nonce}: "
            f"the wallet {what}; export its home again where it runs"
        )
    unpack(file, home)
    _rename(home, packed.home)
    return Address(packed.address)


def _packed(file: Path) -> Packed:
    about: dict[str, Any] = read_about(file)
    try:
        return Packed.model_validate(about)
    except ValidationError:
        raise BadInput(
            f"{file} is no home that this version can read: import it with the version that wrote it"
        ) from None


def _rename(home: Path, before: str) -> None:
    """Settings that name files in the old home name them in the new one."""
    text = read(home / HOME_FILE)
    if text is not None:
        write(home / HOME_FILE, text.replace(before.encode(), str(home.absolute()).encode()))
