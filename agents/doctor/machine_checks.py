"""Checks 9 and 11 to 13: the store, the policy, this machine, and what is installed."""

from __future__ import annotations

import os
import platform
import socket
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Final

from agents import __version__
from agents.core.errors import BadInput, ObjectMissing, StoreFault
from agents.doctor.case import Case, Finding, author_of, fail, ok, warn
from agents.kit.document import Card
from agents.kit.joining import breaches_of
from agents.kit.names import with_addresses
from agents.portfolio.checking import validated
from agents.roles.policy import CloudOwnerPolicy, ModelOwnerPolicy
from agents.runtime.options import HOME_FILE
from agents.runtime.settings import (
    CloudOwnerPolicySettings,
    DataOwnerPolicySettings,
    ModelOwnerPolicySettings,
)
from agents.vault.own_objects import canary
from agents.vault.store import ObjectId

MEMORY_FILE: Final = Path("/proc/meminfo")
PolicySettings = DataOwnerPolicySettings | CloudOwnerPolicySettings | ModelOwnerPolicySettings
_POLICIES: Final[dict[str, type[PolicySettings]]] = {
    "data-owner": DataOwnerPolicySettings,
    "cloud-owner": CloudOwnerPolicySettings,
    "model-owner": ModelOwnerPolicySettings,
}
_PYTHONS: Final = ((3, 11), (3, 14))


def store(case: Case) -> Iterator[Finding]:
    """9: an object of our own can be read, or put; those of the kit's others can be read, not written."""
    own = canary(author_of(case.address))
    if case.write and case.store.put(own) != ObjectId.of(own):
        yield fail("the store gave an object another name: its bytes are not kept as they are")
    try:
        case.store.get(ObjectId.of(own))
        yield ok("what this member puts can be read")
    except ObjectMissing:
        if case.write:
            yield fail("the store took an object and does not have it: see who else deletes there")
        else:
            yield warn("nothing of this member is in the store yet: try with --write")
    for member in case.kit.members if case.kit else ():
        if member.address != case.address:
            yield from _of_other(case, member)


def _of_other(case: Case, member: Card) -> Iterator[Finding]:
    author = author_of(member.address)
    try:
        case.store.by(author).get(ObjectId.of(canary(author)))
    except ObjectMissing:
        yield warn(f"nothing of {member.name} can be read: has it run doctor --write?")
    except StoreFault as problem:
        yield fail(f"{member.name}: {problem}")
    if case.write and case.settings.store_place.is_remote:
        yield from _intruding(case, member)


def _intruding(case: Case, member: Card) -> Iterator[Finding]:
    """Whether we could put, and so delete, what is another member's."""
    theirs = case.store_of(member.address)
    try:
        put = theirs.put(b"holdfast/doctor/1")
    except StoreFault:
        return
    theirs.delete(put)
    yield fail(
        f"this member can write what is {member.name}'s: the store's grants are too wide (store grants)"
    )


def policy(case: Case) -> Iterator[Finding]:
    """11: the policy beside the kit's terms."""
    if case.role not in _POLICIES:
        yield warn("no role, so no policy to look at: holdfast kit join")
        return
    lines = _policy(case, case.role)
    if not lines.members:
        yield fail("members: none are named, so this agent deals with nobody: name some, or kit")
        return
    found = False
    if case.kit is not None and isinstance(lines, CloudOwnerPolicy | ModelOwnerPolicy):
        for breach in breaches_of(lines, case.kit):
            found = True
            yield fail(f"the policy refuses the kit's terms: {breach}")
    if not found:
        yield ok(f"deals with {len(lines.members)} members")


def _policy(case: Case, role: str) -> PolicySettings:
    settings = _POLICIES[role]
    file = case.settings.home / HOME_FILE
    try:
        written = tomllib.loads(file.read_text())
    except (OSError, ValueError) as problem:
        raise BadInput(f"{file}: {problem}: mend it") from None
    lines: dict[str, Any] = {name: value for name, value in written.items() if name in settings.lines()}
    given = with_addresses(settings, {**lines, "home": case.settings.home})
    return validated(settings, given, lambda name: f"{file}: {name}")


def machine(case: Case) -> Iterator[Finding]:
    """12: the port for metrics, memory and cores for the jobs' limits."""
    settings = case.settings
    listen = getattr(settings, "listen", "")
    taken = port_in_use(listen) if listen else ""
    if taken:
        yield fail(taken)
    memory, wanted = memory_mb(), settings.workers * settings.job_memory_mb
    if memory is not None and wanted > memory:
        yield fail(f"{settings.workers} jobs of {settings.job_memory_mb} MiB: this machine has {memory} MiB")
    cores = os.cpu_count() or 1
    if settings.workers > cores:
        yield warn(f"{settings.workers} jobs at once on {cores} cores: each takes longer; set fewer workers")
    if not taken:
        yield ok(f"{cores} cores, {'?' if memory is None else memory} MiB")


def port_in_use(listen: str) -> str:
    """Why ``HOST:PORT`` cannot be listened on; nothing if it can."""
    host, _, port = listen.rpartition(":")
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        return f"{listen} cannot be listened on ({why}): stop what has it, or set another"
    return ""


def memory_mb(file: Path = MEMORY_FILE) -> int | None:
    """MiB of this machine; None if it does not say."""
    try:
        first = file.read_text().split("\n", 1)[0]
        return int(first.split()[1]) >> 10
    except (OSError, ValueError, IndexError):
        return None


def versions(case: Case) -> Iterator[Finding]:
    """13: Python, the packages that belong to this version, and what the kit asks for at least."""
    low, high = _PYTHONS
    here = tuple(map(int, platform.python_version_tuple()[:2]))
    wrong = list(_packages())
    if not low <= here <= high:
        wrong.append(f"Python {here[0]}.{here[1]}: use 3.{low[1]} to 3.{high[1]}")
    least = case.kit.software.least if case.kit else "0"
    if _number(__version__) < _number(least):
        wrong.append(f"kit asks for {least}, this is {__version__}: upgrade")
    yield from map(fail, wrong)
    if not wrong:
        yield ok(f"holdfast {__version__}, Python {platform.python_version()}")


def _packages() -> Iterator[str]:
    """Packages that are not there in the version that goes with this one."""
    for pin in requires("holdfast") or ():
        name, _, wanted = pin.partition("==")
        if ";" in pin or not wanted:  # of an extra
            continue
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != wanted:
            yield f"{name} is {found}, this version goes with {wanted}: install holdfast anew"


def _number(text: str) -> tuple[int, ...]:
    """A version's numbers; what is not one ends them."""
    parts: list[int] = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        parts.append(int(part))
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
