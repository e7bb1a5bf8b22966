"""A program that signs for us: Web3Signer's and Clef's API, and what it must not get away with.

A server in this process speaks both APIs. Clef itself is asked where it is installed; Web3Signer is not.

Rules: A120.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_account.messages import encode_defunct

from agents.chain.access import HttpAccess
from agents.chain.messages import signer_of
from agents.chain.remote_signer import RemoteSigner
from agents.chain.signed import require_signed
from agents.chain.wallet import RemoteWallet, Wallet
from agents.core.errors import BadInput, SignerUnavailable, StopAgent
from agents.core.ids import Address
from testing.rpc_server import RpcServer, serving
from testing.tls import LocalAuthority

KEY, OTHER_KEY = b"\5" * 32, b"\6" * 32
OWN = Address(Account.from_key(KEY).address)
COMMON: dict[str, Any] = {
    "chainId": 1337,
    "nonce": 3,
    "to": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    "data": b"\1\2\3\4",
    "value": 0,
    "gas": 21_000,
}
NEW = COMMON | {"type": 2, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 10**8}
OLD = COMMON | {"gasPrice": 10**9}
ANOTHER = {"chainId": 1, "nonce": 4, "to": OWN, "data": b"", "value": 1, "gas": 9, "maxFeePerGas": 10**10}


class Program:
    """Signs as both of them do.

    Attributes:
        key: that it signs with.
        altered: fields that it signs otherwise than it is asked to.
        instead: a response in the place of its own.
    """

    def __init__(self) -> None:
        self.key = KEY
        self.altered: dict[str, Any] = {}
        self.instead: dict[str, Any] | None = None

    def answer(self, method: str, parameters: Any) -> dict[str, Any]:
        if self.instead is not None:
            return self.instead
        if method in ("eth_sign", "account_signData"):
            if method == "account_signData":
                assert parameters.pop(0) == "text/plain"
            assert parameters[0] == OWN
            message = encode_defunct(bytes.fromhex(parameters[1][2:]))
            return {"result": "0x" + bytes(Account.sign_message(message, self.key).signature).hex()}
        (asked,) = parameters
        assert asked.pop("from") == OWN
        raw = "0x" + bytes(Account.sign_transaction(asked | self.altered, self.key).raw_transaction).hex()
        return {"result": raw if method == "eth_signTransaction" else {"raw": raw, "tx": {}}}


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def server(program: Program) -> Iterator[RpcServer]:
    with serving(program.answer) as listening:
        yield listening


@pytest.fixture(params=["web3signer", "clef"])
def signer(request: pytest.FixtureRequest, server: RpcServer) -> RemoteSigner:
    return RemoteSigner.connect(f"{request.param}+http://127.0.0.1:{server.server_port}", OWN)


@pytest.mark.parametrize("asked", [NEW, OLD])
def test_signs_what_the_wallets_file_would(signer: RemoteSigner, asked: dict[str, Any]) -> None:
    assert signer.sign(asked) == Wallet.from_key(KEY).sign(asked)
    assert signer.sign_message(b"hello") == Wallet.from_key(KEY).sign_message(b"hello")
    assert signer_of(b"hello", signer.sign_message(b"hello")) == signer.address == OWN


@pytest.mark.parametrize("field", ANOTHER)
def test_what_was_not_asked_for_stops_the_agent(signer: RemoteSigner, program: Program, field: str) -> None:
    value = ANOTHER[field]
    program.altered = {field: "0x" + value.hex() if isinstance(value, bytes) else value}
    with pytest.raises(
        StopAgent, match=rf"not what it was asked to \({field} differs\): see what runs there"
    ):
        signer.sign(NEW)


def test_another_chain_in_an_old_transaction_stops_the_agent(signer: RemoteSigner, program: Program) -> None:
    program.altered = {"chainId": 1}
    with pytest.raises(StopAgent, match="chainId differs"):
        signer.sign(OLD)


def test_an_access_list_stops_the_agent(signer: RemoteSigner, program: Program) -> None:
    program.altered = {"accessList": [{"address": OWN, "storageKeys": []}]}
    with pytest.raises(StopAgent, match="it has an access list"):
        signer.sign(NEW)


def test_another_account_stops_the_agent(signer: RemoteSigner, program: Program) -> None:
    program.key = OTHER_KEY
    with pytest.raises(StopAgent, match=f"it is not signed by {OWN}"):
        signer.sign(NEW)
    with pytest.raises(StopAgent, match=rf"it is signed by 0x\w+, not by {OWN}"):
        signer.sign_message(b"hello")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (Wallet.from_key(KEY).sign(OLD), "it is of another type"),
        (b"\2", "it is no transaction"),
        (b"\2" + rlp.encode([b""] * 5), "it is no transaction"),
    ],
)
def test_bytes_that_are_something_else_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        require_signed(raw, NEW, OWN)


def test_a_signature_that_nodes_refuse_is_refused() -> None:
    fields = rlp.decode(Wallet.from_key(KEY).sign(NEW)[1:])
    fields[-1] = b"\xff" * 32
    with pytest.raises(ValueError, match="its signature is one that nodes refuse"):
        require_signed(b"\2" + rlp.encode(fields), NEW, OWN)
    fields[-2:] = [b"", b""]
    with pytest.raises(ValueError, match="it is not signed by"):
        require_signed(b"\2" + rlp.encode(fields), NEW, OWN)


@pytest.mark.parametrize("result", [None, 7, "0xzz", {"tx": {}}])
def test_an_answer_without_bytes_stops_the_agent(
    signer: RemoteSigner, program: Program, result: object
) -> None:
    program.instead = {"result": result}
    with pytest.raises(StopAgent, match="the answer has no bytes"):
        signer.sign(NEW)
    program.instead = {"result": "0x1234"}
    with pytest.raises(StopAgent, match="a signature that is none"):
        signer.sign_message(b"hello")


@pytest.mark.parametrize("error", [{"code": -32000, "message": "Request denied"}, "Request denied"])
def test_a_refusal_is_tried_again_later(signer: RemoteSigner, program: Program, error: object) -> None:
    program.instead = {"error": error}
    with pytest.raises(SignerUnavailable, match=r"the signer .* at 127.0.0.1 refuses \w+: Request denied"):
        signer.sign(NEW)


def test_a_signer_that_is_away_is_tried_again_later() -> None:
    away = RemoteSigner.connect("web3signer+http://127.0.0.1:1", OWN)
    with pytest.raises(SignerUnavailable, match=r"did not answer eth_signTransaction: ConnectionError"):
        away.sign(NEW)


def test_a_signer_may_have_a_private_authority(program: Program, tmp_path: Path) -> None:
    authority = LocalAuthority(tmp_path)
    with serving(program.answer, authority.server()) as server:
        url = f"web3signer+https://127.0.0.1:{server.server_port}"
        assert RemoteSigner.connect(url, OWN, HttpAccess(authority.pem)).sign_message(b"hi")
        with pytest.raises(SignerUnavailable, match="certificate is not trusted"):
            RemoteSigner.connect(url, OWN).sign_message(b"hi")


@pytest.mark.parametrize("url", ["ledger", "clef", "clef+ftp://h", "web3signer+unix:/a", "vault+http://h:1"])
def test_refuses_a_signer_that_there_is_none(url: str) -> None:
    with pytest.raises(BadInput, match=r"no signer is called .*: write file, web3signer\+https://HOST"):
        RemoteSigner.connect(url, OWN)


# --- over a socket ---


def socket_at(path: Path, *parts: bytes) -> Thread:
    """A program behind a socket that answers one request so, in parts."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def answer() -> None:
        with listening, listening.accept()[0] as line:
            line.recv(2**16)
            for part in parts:
                line.sendall(part)
                time.sleep(0.01)

    thread = Thread(target=answer)
    thread.start()
    return thread


def test_clef_is_asked_over_its_socket(tmp_path: Path) -> None:
    signature = Wallet.from_key(KEY).sign_message(b"hello")
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x" + signature.hex()}).encode()
    thread = socket_at(tmp_path / "clef.ipc", answer[:20], answer[20:])
    assert RemoteSigner.connect(f"clef+unix:{tmp_path}/clef.ipc", OWN).sign_message(b"hello") == signature
    thread.join()


def test_a_socket_without_an_answer_is_tried_again_later(tmp_path: Path) -> None:
    signer = RemoteSigner.connect(f"clef+unix:{tmp_path}/clef.ipc", OWN)
    with pytest.raises(SignerUnavailable, match=r"clef at .*/clef.ipc did not answer .*: No such file"):
        signer.sign(NEW)
    thread = socket_at(tmp_path / "clef.ipc", b"[1")
    with pytest.raises(SignerUnavailable, match="no JSON-RPC"):
        signer.sign(NEW)
    thread.join()


# --- what does not come from the key ---


def test_other_secrets_are_of_a_file_of_its_own(signer: RemoteSigner, tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = RemoteWallet.create(signer, path, "open sesame", light=True)
    opened = RemoteWallet.load(signer, path, "open sesame")
    assert opened.address == made.address == OWN
    assert opened.derive(b"a seed") == made.derive(b"a seed") != made.derive(b"another")
    assert opened.derive(b"a seed") != Wallet.from_key(KEY).derive(b"a seed")
    assert opened.sign(NEW) == signer.sign(NEW)
    assert opened.sign_message(b"x") == signer.sign_message(b"x")
    assert "address" not in json.loads(path.read_text()), "nobody sends coins there"
    assert path.stat().st_mode & 0o777 == 0o600
    assert repr(opened) == f"RemoteWallet({OWN})"
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        opened.__reduce__()
    with pytest.raises(BadInput, match="the password does not open"):
        RemoteWallet.load(signer, path, "close sesame")
    with pytest.raises(BadInput, match=r"there is a wallet at .* already"):
        RemoteWallet.create(signer, path, "open sesame", light=True)


# --- Clef itself ---

RULES = """
function ApproveTx(request) { return request.transaction.gas == "0x5208" ? "Approve" : "Reject" }
function ApproveSignData(request) { return "Approve" }
function OnSignerStartup(info) {}
function OnApprovedTx(response) {}
"""


@pytest.fixture
def clef(tmp_path: Path) -> Iterator[Path]:
    """Clef's socket; it signs by rules, and nobody is asked."""
    program = shutil.which("clef")
    if program is None:
        pytest.skip("clef is not installed")
    keys, rules = tmp_path / "keys", tmp_path / "rules.js"
    keys.mkdir(0o700)
    (keys / "key.json").write_text(json.dumps(Account.encrypt(KEY, "of the account", "pbkdf2", 1000)))
    rules.write_text(RULES)
    base = [program, "--configdir", str(tmp_path / "clef"), "--keystore", str(keys), "--suppress-bootwarn"]
    seeded = [*base, "--signersecret", str(tmp_path / "clef" / "masterseed.json"), "--lightkdf"]
    (tmp_path / "clef").mkdir(0o700)
    _say([*base, "--lightkdf", "init"], "of the master seed", "of the master seed")
    _say([*seeded, "attest", sha256(RULES.encode()).hexdigest()], "of the master seed")
    _say([*seeded, "setpw", OWN], "of the account", "of the account", "of the master seed")
    served = [*seeded, "--chainid", "1337", "--rules", str(rules), "--auditlog", "", "--advanced"]
    command = [*served, "--ipcpath", str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdin is not None
        running.stdin.write("of the master seed\n")
        running.stdin.flush()
        for _ in range(500):
            if (tmp_path / "clef.ipc").exists():
                break
            time.sleep(0.02)
        yield tmp_path / "clef.ipc"
        running.kill()


def _say(command: list[str], *lines: str) -> None:
    said = "".join(f"{line}\n" for line in lines)
    subprocess.run(command, input=said, text=True, check=True, timeout=60, capture_output=True)


def test_clef_signs_by_its_rules(clef: Path) -> None:
    signer = RemoteSigner.connect(f"clef+unix:{clef}", OWN)
    for asked in (NEW, OLD):
        assert signer.sign(asked) == Wallet.from_key(KEY).sign(asked)
    assert signer.sign_message(b"hello") == Wallet.from_key(KEY).sign_message(b"hello")
    with pytest.raises(SignerUnavailable, match="requested chainid 1 does not match"):
        signer.sign(NEW | {"chainId": 1})
    with pytest.raises(SignerUnavailable, match=r"[Dd]enied"):
        signer.sign(NEW | {"gas": 99_999})
