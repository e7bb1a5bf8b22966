"""Names of a kit's members in the place of addresses, wherever settings name members.

A name of the kit in an agent's home stands for its address; ``"kit"`` in a policy for all members of the role
that the agent deals with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from eth_utils.address import is_address

from agents.core.errors import BadInput
from agents.kit.document import Kit, RoleName, read_kit
from agents.roles.policy import ANYONE, CloudOwnerPolicy, DataOwnerPolicy, ModelOwnerPolicy

KIT_FILE: Final = "kit.json"
WHOLE_KIT: Final = "kit"
"""In the place of names: all that it has of the role."""

_LISTS: Final = ("members", "cloud_owners")
_TABLES: Final = ("with_member",)
_PARTNERS: Final[dict[type, RoleName]] = {
    DataOwnerPolicy: "model-owner",
    CloudOwnerPolicy: "data-owner",
    ModelOwnerPolicy: "data-owner",
}


def with_addresses(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which no member is named by its name in the kit.

    Args:
        kind: of settings; its policy tells for whom ``"kit"`` stands.
        values: as they were given, among them the home.

    Raises:
        BadInput: a name that the kit does not have, or there is no kit for ``"kit"``.
    """
    changed = dict(values)
    for name in (*_LISTS, *_TABLES):
        given = values.get(name)
        texts = [given] if isinstance(given, str) else list(given or ())
        if all(is_address(text) or text == ANYONE for text in texts):
            continue
        kit = kit_at(Path(values["home"])) if "home" in values else None
        if kit is None and WHOLE_KIT not in texts:
            continue  # what is no address is told where settings are checked
        if isinstance(given, Mapping):
            changed[name] = {addresses([text], kit)[0]: given[text] for text in texts}
        else:
            changed[name] = tuple(addresses(texts, kit, _partners(kind)))
    return changed


def addresses(names: Sequence[str], kit: Kit | None, partners: RoleName | None = None) -> list[str]:
    """What names stand for; addresses and ``"anyone"`` for themselves.

    Args:
        names: of members.
        kit: that has them.
        partners: the role for which ``"kit"`` stands; None where it stands for nobody.

    Raises:
        BadInput: as `with_addresses`.
    """
    return [address for name in names for address in _of(name, kit, partners)]


def kit_at(home: Path) -> Kit | None:
    """The kit in an agent's home; None if it has none.

    Raises:
        BadInput: it is not sound.
    """
    path = home / KIT_FILE
    return read_kit(path) if path.exists() else None


def _of(name: str, kit: Kit | None, partners: RoleName | None) -> list[str]:
    if is_address(name) or name == ANYONE:
        return [name]
    if kit is None:
        raise BadInput(f"{name!r} stands for members of a kit, and there is none: holdfast kit join")
    if name == WHOLE_KIT and partners is not None:
        return [member.address for member in kit.members if member.role == partners]
    return [kit.member(name).address]


def _partners(kind: type) -> RoleName | None:
    return next((role for policy, role in _PARTNERS.items() if issubclass(kind, policy)), None)
