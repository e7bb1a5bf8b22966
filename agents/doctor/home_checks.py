"""Checks 1 to 4: the home, the files in it, the kit, and the wallet."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator
from typing import Final

from agents.chain.messages import signer_of
from agents.chain.wallet import TRIAL
from agents.core.errors import BadInput
from agents.doctor.case import Case, Finding, fail, ok, warn
from agents.portfolio.known import CHAIN_FILE
from agents.portfolio.terms import read_terms_of
from agents.storage.database import is_in_use
from agents.storage.files import exposed
from agents.storage.moving import refuse_moved
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.vault.store import MAX_OBJECT_BYTES

_ROOM: Final = 4 * MAX_OBJECT_BYTES
"""Two objects that come, and what is kept of others."""
_FOLDERS: Final = ("datasets", "models")


def home(case: Case) -> Iterator[Finding]:
    """1: owner, modes, space, one process."""
    folder = case.settings.home
    if not folder.is_dir():
        yield fail(f"there is no home {folder}: holdfast wallet new --home {folder}")
        return
    refuse_moved(folder)
    if folder.stat().st_uid != os.getuid():
        yield fail(f"{folder} belongs to user {folder.stat().st_uid}, not to {os.getuid()}: chown it")
        return
    for path, mode in exposed(folder):
        allowed = stat.S_IMODE(path.lstat().st_mode)
        who = "group" if allowed & stat.S_IRWXG else "others"
        yield fail(f"{path} is open to {who} (mode {allowed:o}): chmod {mode:o} {path}")
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < _ROOM:
        yield warn(f"{folder} has {free >> 20} MiB free, objects may need {_ROOM >> 20}: make room")
    if is_in_use(folder / CHAIN_FILE):
        yield warn(f"an agent runs in {folder}: one process a home")
    yield ok(str(folder))


def files(case: Case) -> Iterator[Finding]:
    """2: what is wanted parses. The settings were read, and their names resolved, before any check."""
    folder, wrong = case.settings.home, False
    for path in sorted(path for name in _FOLDERS for path in (folder / name).glob("*.toml")):
        try:
            tomllib.loads(path.read_text())
        except (OSError, ValueError) as problem:
            wrong = True
            yield fail(f"{path}: {problem}: mend it")
    case.deployment  # noqa: B018  # it is read here
    if case.role is None:
        yield warn(f"{folder / 'agent.toml'} names no role: holdfast kit join writes it")
    if not wrong:
        yield ok("settings, deployment and what is wanted can be read")


def kit(case: Case) -> Iterator[Finding]:
    """3: signatures, fingerprint, serial, my role, address and key."""
    read = case.kit
    if read is None:
        yield warn("there is no kit: if there is a consortium, holdfast kit join")
        return
    mine = [member for member in read.members if member.address == case.address]
    if not mine:
        yield fail(f"kit {read.name} has no member {case.address}, which is this wallet: ask for a new kit")
        return
    (me,) = mine
    key = SecretKey.from_seed(case.keys.derive(ENCRYPTION_PURPOSE)).public_key
    if me.encryption_key != "0x" + key.encoded.hex():
        yield fail(f"kit {read.name} has another encryption key of {me.name}: send a new card")
    if case.role not in (None, me.role):
        yield fail(f"kit says {me.name} is a {me.role}, agent.toml says {case.role}: write the kit's")
    read_terms_of(read.terms)
    yield ok(f"{read.name}, serial {read.serial}, {me.name} ({me.role}); fingerprint {read.fingerprint}")


def wallet(case: Case) -> Iterator[Finding]:
    """4: the password opens the wallet, and whoever signs does so for its address."""
    signature = case.keys.sign_message(TRIAL)
    if signer_of(TRIAL, signature) != case.address:
        raise BadInput("the signer signs for another account: name the right one")
    yield ok(f"{case.address}, signed by {case.settings.signer}")
