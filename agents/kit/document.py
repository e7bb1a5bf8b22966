"""What a startup kit says, and by whom it is signed.

A kit is JSON without anything secret. Its signature is the convener's, by EIP-191 over the SHA-256 of the
rest in the canonical form of RFC 8785; the first 80 bits of that hash are the fingerprint that people compare
by another way. Each member's entry is signed by the member too: the convener cannot give it another key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

import rfc8785
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.chain.messages import signer_of
from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.roles.policy import MemberAddress

KIT_FORMAT: Final = "holdfast-kit/1"
CARD_FORMAT: Final = "holdfast-card/1"
_MOST_BYTES: Final = 2**22
_SIGNATURE: Final = "signature"
_FINGERPRINT_DIGITS: Final = 20
_GROUP: Final = 4
_LARGEST: Final = 2**53
"""RFC 8785 has no whole numbers beyond it: JavaScript's."""

RoleName = Literal["data-owner", "cloud-owner", "model-owner"]


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}(/[a-z][a-z0-9-]{0,31})?", text) or text in ("kit", "anyone"):
        raise ValueError(
            f"{text!r} is no name of a member: give small letters, digits and hyphens, as north/co1"
        )
    return text


def _public_url(url: str) -> str:
    if urlsplit(url).password is not None or urlsplit(url).username is not None:
        raise ValueError("a URL with a password: write ${NAME}, which each member has in its environment")
    return url


MemberName = Annotated[str, AfterValidator(_name)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Hash = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
Signature = Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]
EncryptionKey = Annotated[str, Field(pattern=r"^0x[0-9a-f]{128}$")]


class KitPart(BaseModel):
    """Any part of a kit."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Card(KitPart):
    """What a member says of itself, signed with its wallet."""

    format: Literal["holdfast-card/1"] = CARD_FORMAT
    name: MemberName
    role: RoleName
    address: MemberAddress
    encryption_key: EncryptionKey
    signature: Signature

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        if _signed_by(self) != self.address:
            raise ValueError(f"the card of {self.name} is not signed by {self.address}: ask for a new one")
        return self


class KitAnchor(KitPart):
    """The block in which the market was deployed."""

    block: int = Field(ge=1)
    hash: Hash


class KitChain(KitPart):
    """The chain and its nodes."""

    id: int = Field(ge=1)
    anchor: KitAnchor
    urls: tuple[PublicUrl, ...] = Field(min_length=1)
    confirmations: int = Field(default=0, ge=0, le=64)


class KitMarket(KitPart):
    """The contract."""

    address: MemberAddress
    code_hash: Hash
    abi: list[dict[str, Any]]


class KitStore(KitPart):
    """Where objects are put."""

    url: PublicUrl
    endpoint: PublicUrl = ""
    region: str = ""


class Convener(KitPart):
    """Who made the kit."""

    name: MemberName
    address: MemberAddress


class Software(KitPart):
    """What the members run."""

    least: str = Field(pattern=r"^\d+(\.\d+)*$")


class Kit(KitPart):
    """A whole kit; one that was made is signed and has no two members of one name or address."""

    format: Literal["holdfast-kit/1"] = KIT_FORMAT
    name: MemberName
    serial: int = Field(ge=1, lt=_LARGEST)
    issued: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    convener: Convener
    software: Software
    chain: KitChain
    market: KitMarket
    store: KitStore
    ca: str = ""
    schema_hash: str = Field(default="", pattern=r"^(0x[0-9a-f]{64})?$")
    terms: dict[str, str | int] = Field(default={})
    members: tuple[Card, ...] = Field(min_length=1)
    signature: Signature

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        for what in ("name", "address"):
            values = [getattr(member, what) for member in self.members]
            for value in values:
                if values.count(value) > 1:
                    raise ValueError(f"two members have the {what} {value}")
        if _signed_by(self) != self.convener.address:
            raise ValueError(f"it is not signed by its convener {self.convener.address}")
        return self

    @property
    def fingerprint(self) -> str:
        """80 bits in groups of four digits, to be read out to each other."""
        digits = signed_digest(self.model_dump()).hex()[:_FINGERPRINT_DIGITS]
        return " ".join(digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))

    def member(self, name: str) -> Card:
        """The entry of a member.

        Raises:
            BadInput: there is none of that name.
        """
        for member in self.members:
            if member.name == name:
                return member
        names = ", ".join(member.name for member in self.members)
        raise BadInput(f"no member of kit {self.name} is called {name!r}: it has {names}")

    def text(self) -> str:
        """The file."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"


P = TypeVar("P", bound=KitPart)


def signed_digest(fields: Mapping[str, Any]) -> bytes:
    """What is signed of a document: the hash of its canonical form without the signature.

    Raises:
        BadInput: a number is too large for the canonical form.
    """
    unsigned = {name: value for name, value in fields.items() if name != _SIGNATURE}
    try:
        return hashlib.sha256(rfc8785.dumps(unsigned)).digest()
    except rfc8785.CanonicalizationError:
        raise BadInput(
            f"a number that a kit cannot hold: write amounts as text, numbers up to {_LARGEST}"
        ) from None


def parse_part(kind: type[P], fields: object, what: str) -> P:
    """A signed part of a document.

    Args:
        kind: of part.
        fields: as JSON has them.
        what: it is, for messages.

    Raises:
        BadInput: one line: what is wrong with it.
    """
    try:
        return kind.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{what}: {where + ': ' if where else ''}{said}") from None


def read_kit(path: Path) -> Kit:
    """A kit, whose signatures are right.

    Raises:
        BadInput: it cannot be read, or what is wrong with it.
    """
    return parse_part(Kit, read_json(path, "a kit"), f"kit {path}")


def read_json(path: Path, what: str) -> object:
    """What a file says.

    Raises:
        BadInput: it cannot be read, or is no JSON.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ValueError(f"over {_MOST_BYTES >> 20} MiB")
        return json.loads(data)
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}: name the file of {what}") from None
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"{path}: {problem}: name the file of {what}") from None


def _signed_by(part: Card | Kit) -> Address:
    try:
        digest = signed_digest(part.model_dump(mode="json"))
        return signer_of(digest, bytes.fromhex(part.signature.removeprefix("0x")))
    except BadInput as problem:
        raise ValueError(str(problem)) from None
