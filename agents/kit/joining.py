"""A member joins: it checks a kit, keeps it in its home, and has the settings that follow from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from agents.chain.deployment import Deployment
from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.kit.document import Card, Kit
from agents.kit.names import KIT_FILE, WHOLE_KIT, kit_at
from agents.portfolio.terms import read_terms_of
from agents.roles.policy import CloudOwnerPolicy, ModelOwnerPolicy
from agents.runtime.options import HOME_FILE
from agents.runtime.settings import ROLES
from agents.storage.files import Home, read

DEPLOYMENT_FILE: Final = "deployment.json"
CA_FILE: Final = "kit-ca.pem"
TERMS_FILE: Final = "terms.json"

_HEX: Final = re.compile(r"[^0-9a-f]")
_SHAPE: Final = (4, 2, 3)
"""Subsets, those of a round, and replicas: for what a policy says of terms they do not matter."""


@dataclass(frozen=True)
class Join:
    """A kit, the one that was there before, and what a member is in it.

    Attributes:
        settings: the text of the agent's settings file, as it follows from the kit.
    """

    home: Path
    kit: Kit
    before: Kit | None
    member: Card

    @property
    def settings(self) -> str:
        """The settings file that follows from the kit."""
        return settings_text(self.kit, self.member, self.home)

    def keep(self) -> bool:
        """Writes the kit and what follows from it; whether the settings file is the kit's.

        A settings file that somebody changed, or wrote, is left as it is.

        Raises:
            StorageFailed, BadInput: something cannot be written.
        """
        home, kit = Home(self.home), self.kit
        market = kit.market
        deployment = Deployment(kit.chain.id, market.address, kit.chain.anchor.block, market.abi)
        home.write(DEPLOYMENT_FILE, deployment.to_bytes())
        if kit.ca:
            home.write(CA_FILE, kit.ca.encode())
        if kit.terms:
            home.write(TERMS_FILE, json.dumps(kit.terms, indent=1).encode())
        found = read(home.path(HOME_FILE))
        ours = found is None or found.decode(errors="replace") in self._written()
        if ours:
            home.write(HOME_FILE, self.settings.encode())
        home.write(KIT_FILE, kit.text().encode())  # the last: with it all is done
        return ours

    def _written(self) -> set[str]:
        """The settings files that are a kit's, of this one and of the one before."""
        before = self.before
        texts = {self.settings}
        if before is not None and any(member.name == self.member.name for member in before.members):
            texts.add(settings_text(before, before.member(self.member.name), self.home))
        return texts


def prepare(kit: Kit, name: str, address: Address, home: Path) -> Join:
    """What joining would do, if the member may.

    Args:
        kit: whose signatures are right.
        name: of the member in it.
        address: of the member's wallet.
        home: the member's.

    Raises:
        BadInput: the kit has another address for the name, or does not follow on the one that is there.
    """
    member = kit.member(name)
    if member.address != address:
        raise BadInput(
            f"the kit says {name} is {member.address}, this wallet is {address}: ask for a new kit"
        )
    before = kit_at(home)
    if before is not None and before != kit:
        _require_successor(kit, before)
    return Join(home, kit, before, member)


def require_fingerprint(kit: Kit, given: str) -> None:
    """Makes sure that a kit is the one that was meant.

    Raises:
        BadInput: its fingerprint is another.
    """
    if _HEX.sub("", given.lower()) != _HEX.sub("", kit.fingerprint):
        raise BadInput(
            f"the kit's fingerprint is {kit.fingerprint}, not {given or 'what was typed'}: ask its convener"
        )


def changes(kit: Kit, before: Kit) -> Iterator[str]:
    """What differs from the kit before, a line each."""
    old, new = (_flat(one.model_dump(mode="json")) for one in (before, kit))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name}: {_shown(old.get(name))} -> {_shown(new.get(name))}"


def breaches(kit: Kit, role: str) -> Iterator[str]:
    """Which lines of a role's default policy the kit's terms break."""
    if role in _POLICIES:
        yield from breaches_of(_POLICIES[role], kit)


def breaches_of(policy: CloudOwnerPolicy | ModelOwnerPolicy, kit: Kit) -> Iterator[str]:
    """Which lines of a policy the kit's terms break; without terms those by default count."""
    for breach in policy.on_terms(read_terms_of(kit.terms).of(*_SHAPE)):
        yield str(breach)


_POLICIES: Final[dict[str, CloudOwnerPolicy | ModelOwnerPolicy]] = {
    "cloud-owner": CloudOwnerPolicy(),
    "model-owner": ModelOwnerPolicy(),
}


def settings_text(kit: Kit, member: Card, home: Path) -> str:
    """A settings file with what a kit says; of an agent that deals with the kit's members."""
    at = home.absolute()
    store = kit.store
    wanted: dict[str, Any] = {
        "rpc": list(kit.chain.urls),
        "deployment": str(at / DEPLOYMENT_FILE),
        "confirmations": kit.chain.confirmations,
        "node_ca": str(at / CA_FILE) if kit.ca else "",
        "store": _folder(store.url),
        "store_endpoint": store.endpoint,
        "store_region": store.region,
        "store_ca": str(at / CA_FILE) if kit.ca and store.endpoint else "",
        "members": [WHOLE_KIT],
    }
    known = {name for role in ROLES for name in role.model_fields}
    lines = [
        f"{name} = {json.dumps(value)}" for name, value in wanted.items() if name in known and value != ""
    ]
    head = f"# {member.name} of kit {kit.name}, serial {kit.serial}; `kit join` leaves it alone once changed"
    return "\n".join([head, f'role = "{member.role}"', *lines]) + "\n"


def _require_successor(kit: Kit, before: Kit) -> None:
    if kit.convener.address != before.convener.address:
        raise BadInput(
            f"the kit is by {kit.convener.address}, the one in this home by {before.convener.address}: it is "
            "no successor; a new consortium needs a home of its own"
        )
    if kit.serial <= before.serial:
        raise BadInput(
            f"the kit has serial {kit.serial}, the one in this home {before.serial}: ask for a later one"
        )


def _folder(url: str) -> str:
    """A store in a folder by its path: that is what every version takes."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme == "file" and not parts.netloc else url


def _flat(fields: Any, name: str = "") -> dict[str, Any]:
    """The values of a document by where they are; members by their name, the interface as one."""
    if isinstance(fields, dict) and name != "market.abi":
        inside = fields.items()
    elif name == "members":
        inside = ((member["name"], member) for member in fields)  # type: ignore[assignment]
    else:
        return {name: fields}
    return {
        where: value
        for key, part in inside
        if key not in ("signature", "format")
        for where, value in _flat(part, f"{name}.{key}".removeprefix(".")).items()
    }


def _shown(value: object) -> str:
    text = "nothing" if value in (None, "") else json.dumps(value)
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}.."


_WIDTH = 72
