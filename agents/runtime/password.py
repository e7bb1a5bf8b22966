"""Where the password of a wallet comes from."""

from __future__ import annotations

import os
import re
from pathlib import Path

from agents.core.errors import BadInput
from agents.output.terminal import ask_hidden, can_ask

_END_OF_LINE = re.compile(r"\r?\n\Z")

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""A variable of systemd: the folder in which a service finds what its unit loads with ``LoadCredential``."""


def read_password(file: Path | None, given: str) -> str:
    """The password: of systemd's credentials, else of a file, else as it was given, else as it is typed.

    Args:
        file: that was named.
        given: in the environment; empty if there is none.

    Raises:
        BadInput: it cannot be read, is empty, or there is none and nobody to ask.
    """
    folder = os.environ.get(CREDENTIALS)
    credential = Path(folder) / "password" if folder else None
    if credential is not None and credential.exists():
        return password_in(credential)
    if file is not None:
        return password_in(file)
    if given:
        return given
    if not can_ask():
        raise BadInput(
            "a wallet needs a password: name a file of it (--password-file), or set HOLDFAST_PASSWORD"
        )
    return _not_empty(ask_hidden("password of the wallet"), "the password")


def new_password(file: Path | None, given: str) -> str:
    """The same for a wallet that is not there yet: what is typed is typed twice.

    Raises:
        BadInput: as `read_password`, or what was typed differs.
    """
    if file is None and not given and not os.environ.get(CREDENTIALS) and can_ask():
        return typed_twice()
    return read_password(file, given)


def typed_twice() -> str:
    """A new password that somebody at the terminal types.

    Raises:
        BadInput: nobody is there, or what was typed differs, or is empty.
    """
    if not can_ask():
        raise BadInput("nobody is there to type a new password: name a file of it")
    password = _not_empty(ask_hidden("new password of the wallet"), "the password")
    if ask_hidden("the same again") != password:
        raise BadInput("two different passwords were typed: try again")
    return password


def password_in(file: Path) -> str:
    """The text of a file, without the one end of line that editors add; all else counts.

    Raises:
        BadInput: it cannot be read, or is empty.
    """
    try:
        text = file.read_bytes().decode()
    except OSError as problem:
        raise BadInput(f"password file {file}: {problem.strerror}: name a file that can be read") from None
    except ValueError:
        raise BadInput(f"password file {file}: not UTF-8: name a file of text") from None
    return _not_empty(_END_OF_LINE.sub("", text), f"password file {file}")


def _not_empty(password: str, what: str) -> str:
    if not password:
        raise BadInput(f"{what} is empty: a wallet needs a password")
    return password
