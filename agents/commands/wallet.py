"""`holdfast wallet`: make one, show it, take over another's keystore, change its password."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agents.chain.keystore import change_password, opened
from agents.chain.wallet import TRIAL, RemoteWallet, Wallet
from agents.core.errors import BadInput
from agents.output.terminal import say
from agents.runtime import launch
from agents.runtime.options import takes
from agents.runtime.password import password_in, typed_twice
from agents.runtime.settings import FILE_SIGNER, WalletSettings
from agents.storage.files import Home
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey

wallet = typer.Typer(help="The key of an agent: an encrypted file in its home, or with a program that signs.")


@wallet.command()
@takes(WalletSettings)
def new(settings: WalletSettings) -> None:
    """Make a wallet in a home, and say its address."""
    Home(settings.home)
    signer = launch.signer_of(settings)
    if signer is None:
        say(Wallet.create(settings.wallet, settings.new_password()).address)
    else:
        signer.sign_message(TRIAL)
        say(RemoteWallet.create(signer, settings.wallet, settings.new_password()).address)


@wallet.command()
@takes(WalletSettings)
def show(settings: WalletSettings) -> None:
    """Say a wallet's address, its encryption key, and who signs."""
    keys = launch.unlock(settings)
    say(f"address         {keys.address}")
    public = SecretKey.from_seed(keys.derive(ENCRYPTION_PURPOSE)).public_key
    say(f"encryption key  0x{public.encoded.hex()}")
    say(f"signs           {settings.wallet if settings.signer == FILE_SIGNER else settings.signer}")


@wallet.command("import")
@takes(WalletSettings)
def import_(
    settings: WalletSettings,
    keystore: Annotated[Path, typer.Argument(help="Another program's keystore (Web3 Secret Storage 3).")],
    keystore_password_file: Annotated[
        Path | None, typer.Option(help="File with its password; else it is the wallet's own.")
    ] = None,
) -> None:
    """Take a key over from another keystore, and say its address."""
    Home(settings.home)
    if settings.signer != FILE_SIGNER:
        raise BadInput("a key is taken over into a wallet's file: leave signer as file")
    password = settings.read_password()
    other = password_in(keystore_password_file) if keystore_password_file else password
    say(Wallet.keep(opened(keystore, other), settings.wallet, password).address)


@wallet.command("password")
@takes(WalletSettings)
def password(
    settings: WalletSettings,
    new_password_file: Annotated[
        Path | None, typer.Option(help="File with the new password; else it is asked for.")
    ] = None,
) -> None:
    """Give a wallet another password. Its key stays: there is no other for what it has signed and sealed."""
    old = settings.read_password()
    new = password_in(new_password_file) if new_password_file else typed_twice()
    change_password(settings.wallet, old, new)
    say(f"{settings.wallet} has a new password")
