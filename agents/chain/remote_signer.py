"""Signing by a program that keeps the key elsewhere: Web3Signer, or Clef.

    web3signer+https://HOST:9000     Web3Signer's eth1 API: eth_signTransaction, eth_sign
    clef+http://127.0.0.1:8550       Clef's external API: account_signTransaction, account_signData
    clef+unix:/run/clef/clef.ipc     the same over its socket

The program is not trusted to have signed what it was asked to: what comes back is read again, field by field,
and has to be signed by our account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from agents.chain.access import HttpAccess
from agents.chain.answers import NodeRefused, plain
from agents.chain.messages import signer_of
from agents.chain.signed import require_signed
from agents.chain.socket_rpc import Socket
from agents.chain.transport import Http, Provider
from agents.core.errors import BadInput, NodeUnavailable, SignerUnavailable, StopAgent
from agents.core.ids import Address

_TIMEOUT_SECONDS: Final = 30.0
"""For a signature: a hardware key may have to be reached first."""


@dataclass(frozen=True)
class _Dialect:
    """How a program is asked.

    Attributes:
        transactions, messages: its methods.
        message: the parameters of the second one, of an address and the message's hex digits.
    """

    transactions: str
    messages: str
    message: Callable[[Address, str], list[str]]


_DIALECTS: Final = {
    "web3signer": _Dialect("eth_signTransaction", "eth_sign", lambda who, data: [who, data]),
    "clef": _Dialect(
        "account_signTransaction", "account_signData", lambda who, data: ["text/plain", who, data]
    ),
}


class RemoteSigner:
    """A program that signs for one account.

    Attributes:
        address: of the account.
        name: of the program, without what may be secret in its URL.
    """

    def __init__(self, provider: Provider, kind: str, address: Address, name: str) -> None:
        self.address = address
        self.name = name
        self._provider = provider
        self._dialect = _DIALECTS[kind]

    @classmethod
    def connect(cls, signer: str, address: Address, access: HttpAccess | None = None) -> RemoteSigner:
        """The program that a setting names.

        Raises:
            BadInput: it names none.
        """
        kind, _, url = signer.partition("+")
        scheme, _, path = url.partition(":")
        if kind == "clef" and scheme == "unix" and path:
            return cls(Socket(path, _TIMEOUT_SECONDS), kind, address, f"clef at {path}")
        if kind not in _DIALECTS or urlsplit(url).scheme not in ("http", "https"):
            raise BadInput(
                f"no signer is called {kind!r}: write file, web3signer+https://HOST, clef+http://HOST:8550 "
                "or clef+unix:PATH"
            )
        transport = Http(url, _TIMEOUT_SECONDS, access or HttpAccess())
        return cls(transport, kind, address, f"{kind} at {transport.host}")

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """See `agents.chain.wallet.Signer`.

        Raises:
            SignerUnavailable: it does not answer, or refuses.
            StopAgent: it signed something else.
        """
        answer = self._ask(self._dialect.transactions, [_in_hex(transaction, self.address)])
        raw = self._bytes(answer.get("raw") if isinstance(answer, Mapping) else answer)
        try:
            require_signed(raw, transaction, self.address)
        except ValueError as problem:
            raise self._false(str(problem)) from None
        return raw

    def sign_message(self, message: bytes) -> bytes:
        """See `agents.chain.wallet.Signer`; errors as `sign`."""
        parameters = self._dialect.message(self.address, "0x" + message.hex())
        signature = self._bytes(self._ask(self._dialect.messages, parameters))
        try:
            signer = signer_of(message, signature)
        except BadInput as problem:
            raise self._false(str(problem)) from None
        if signer != self.address:
            raise self._false(f"it is signed by {signer}, not by {self.address}")
        return signature

    def _ask(self, method: str, parameters: list[Any]) -> Any:
        try:
            response = self._provider.make_request(method, parameters)
        except NodeRefused as refusal:
            raise SignerUnavailable(f"the signer {self.name} refuses {method}: {refusal.said}") from None
        except NodeUnavailable as problem:
            raise SignerUnavailable(f"the signer {self.name} did not answer {method}: {problem}") from None
        if "result" not in response:
            error = response.get("error")
            said = plain(error.get("message") if isinstance(error, Mapping) else error)
            raise SignerUnavailable(f"the signer {self.name} refuses {method}: {said}")
        return response["result"]

    def _bytes(self, answer: object) -> bytes:
        try:
            assert isinstance(answer, str)
            return bytes.fromhex(answer.removeprefix("0x"))
        except (AssertionError, ValueError):
            raise self._false("the answer has no bytes") from None

    def _false(self, why: str) -> StopAgent:
        return StopAgent(
            f"what the signer {self.name} signed is not what it was asked to ({why}): see what runs there"
        )


def _in_hex(transaction: Mapping[str, Any], sender: Address) -> dict[str, str]:
    """A transaction as JSON-RPC has it; its type follows from the fees that it names."""
    fields = {name: value for name, value in transaction.items() if name != "type"}
    return {"from": sender} | {name: _value(value) for name, value in fields.items()}


def _value(value: object) -> str:
    if isinstance(value, int):
        return hex(value)
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
