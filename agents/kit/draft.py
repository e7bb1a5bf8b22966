"""How a kit comes to be: members sign cards, the convener gathers them in a draft and signs the whole."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from eth_utils.crypto import keccak
from pydantic import BeforeValidator, Field

from agents.chain.access import HttpAccess
from agents.chain.answers import data
from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.chain.wallet import Keys
from agents.core.errors import BadInput
from agents.kit.document import (
    CARD_FORMAT,
    KIT_FORMAT,
    Card,
    Kit,
    KitPart,
    KitStore,
    MemberName,
    PublicUrl,
    RoleName,
    parse_part,
    read_json,
    signed_digest,
)
from agents.learning.data.schema.document import read_schema
from agents.portfolio.terms import read_terms_of
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey


def _store(given: object) -> object:
    return {"url": given} if isinstance(given, str) else given


def _card(given: object) -> object:
    """A card as `holdfast kit card` prints it, in one text, or as a table."""
    return json.loads(given) if isinstance(given, str) else given


Gathered: TypeAlias = Annotated[Card, BeforeValidator(_card)]


class KitDraft(KitPart):
    """What the convener writes; paths are from the draft's folder."""

    name: MemberName
    serial: int = Field(default=1, ge=1)
    convener: MemberName = "convener"
    least: str = "0"
    deployment: Path
    nodes: tuple[PublicUrl, ...] = Field(min_length=1)
    confirmations: int = 0
    store: Annotated[KitStore, BeforeValidator(_store)]
    ca: Path | None = None
    table_schema: Path | None = Field(default=None, alias="schema")
    terms: dict[str, str | int] = Field(default={})
    members: tuple[Gathered, ...] = Field(min_length=1)


def read_draft(path: Path) -> KitDraft:
    """A draft: TOML, or JSON by its name.

    Raises:
        BadInput: one line: what is wrong with it.
    """
    fields = read_json(path, "a draft") if path.suffix == ".json" else _toml(path)
    draft = parse_part(KitDraft, fields, f"draft {path}")
    places = {name: path.parent / place for name in _PATHS if (place := getattr(draft, name)) is not None}
    return draft.model_copy(update=places)


_PATHS = ("deployment", "ca", "table_schema")


def make_card(keys: Keys, name: str, role: RoleName) -> Card:
    """A member's card, signed with its wallet.

    Raises:
        BadInput: the name is none.
    """
    public = SecretKey.from_seed(keys.derive(ENCRYPTION_PURPOSE)).public_key
    fields = {
        "format": CARD_FORMAT,
        "name": name,
        "role": role,
        "address": keys.address,
        "encryption_key": "0x" + public.encoded.hex(),
    }
    return parse_part(Card, _signed(fields, keys), "card")


def make_kit(draft: KitDraft, keys: Keys, today: datetime | None = None) -> Kit:
    """The kit of a draft, signed with the convener's wallet. The chain is asked what is there.

    Raises:
        BadInput: a file that the draft names cannot be used, or its terms are none.
        WrongNetwork: the nodes are of another chain.
        NodeUnavailable: none answers.
    """
    deployment = Deployment.load(draft.deployment)
    client = MarketClient.connect(draft.nodes, deployment, access=HttpAccess(draft.ca))
    read_terms_of(draft.terms)
    fields = {
        "format": KIT_FORMAT,
        "name": draft.name,
        "serial": draft.serial,
        "issued": f"{today or datetime.now(UTC):%Y-%m-%d}",
        "convener": {"name": draft.convener, "address": keys.address},
        "software": {"least": draft.least},
        "chain": {
            "id": deployment.chain_id,
            "anchor": {"block": deployment.block, "hash": "0x" + client.anchor.hash.hex()},
            "urls": draft.nodes,
            "confirmations": draft.confirmations,
        },
        "market": {
            "address": deployment.market,
            "code_hash": code_hash(client),
            "abi": deployment.abi,
        },
        "store": draft.store.model_dump(),
        "ca": _text(draft.ca) if draft.ca else "",
        "schema_hash": _schema_hash(draft.table_schema) if draft.table_schema else "",
        "terms": draft.terms,
        "members": [member.model_dump() for member in draft.members],
    }
    return parse_part(Kit, _signed(fields, keys), f"kit {draft.name}")


def code_hash(client: MarketClient) -> str:
    """The hash of the market's code, as the node has it."""
    code = data(client.node.ask("eth_getCode", client.deployment.market, "latest"))
    return code_hash_in(code)


def code_hash_in(code: bytes) -> str:
    """The hash of a contract's code, as a kit has it."""
    return "0x" + bytes(keccak(code)).hex()


def _signed(fields: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    return {**fields, "signature": "0x" + keys.sign_message(signed_digest(fields)).hex()}


def _schema_hash(path: Path) -> str:
    read_schema(path)
    return "0x" + hashlib.sha256(path.read_bytes()).hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError) as problem:
        raise BadInput(f"{path}: {problem}: name a PEM file of authorities") from None


def _toml(path: Path) -> object:
    try:
        return tomllib.loads(path.read_text())
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}: name the file of a draft") from None
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"{path}: {problem}: mend it, or name another draft") from None
