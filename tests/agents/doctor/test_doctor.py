"""Each check of `holdfast doctor`, with its failure made real.

Rules: A122.
"""

from __future__ import annotations

import fcntl
import os
import platform
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents import cli
from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.chain.wallet import Wallet
from agents.commands import doctor as command
from agents.core.amounts import ETHER
from agents.core.errors import StoreUnavailable
from agents.doctor import chain_checks, home_checks, machine_checks
from agents.doctor.case import Case, Check, Finding, author_of, examined
from agents.kit.document import Kit
from agents.kit.draft import make_card
from agents.runtime.settings import AgentSettings
from agents.storage.moving import mark_moved
from agents.vault.own_objects import canary
from agents.vault.store import Data, MemoryStore, ObjectId
from testing.events_as_logs import Log
from testing.rpc_server import RpcServer, serving
from testing.tls import LocalAuthority
from tests.agents.chain.stub_node import StubNode
from tests.agents.kit.conftest import CLOUD, DATA, Consortium, consortium

__all__ = ["consortium"]  # the fixture

PASSWORD = "open sesame"


@pytest.fixture
def home(consortium: Consortium) -> Path:
    """Of a cloud owner that has joined, as its settings say."""
    home = consortium.folder / "co1"
    Wallet.keep(CLOUD._key.to_bytes(), home / "wallet.json", PASSWORD, light=True)
    (home / "kit.json").write_text(consortium.kit().text())
    (home / "agent.toml").write_text('role = "cloud-owner"\nmembers = ["kit"]\n')
    for file in home.iterdir():
        file.chmod(0o600)
    home.chmod(0o700)
    return home


@pytest.fixture
def listening(consortium: Consortium) -> Iterator[RpcServer]:
    """The node, over HTTP as well."""
    with serving(lambda method, parameters: dict(consortium.node.make_request(method, parameters))) as server:
        yield server


def case_of(consortium: Consortium, home: Path, *, write: bool = False, **told: Any) -> Case:
    settings = AgentSettings(
        **{
            "home": home,
            "deployment": consortium.folder / "market.json",
            "password": SecretStr(PASSWORD),
            "store": consortium.folder / "store",
            "timeout_seconds": 2.0,
            **told,
        }
    )
    case = Case(settings, write=write, clock=lambda: float(consortium.node.blocks[-1].timestamp))
    case.store = MemoryStore()
    return case


def found(case: Case, check: Check) -> list[Finding]:
    return [finding for _, _, finding in examined(case, {"it": check})]


def words(case: Case, check: Check, level: str = "FAIL") -> str:
    """What one check says at a level, on lines."""
    return "\n".join(finding.words for finding in found(case, check) if finding.level == level)


def levels(case: Case, check: Check) -> list[str]:
    return [finding.level for finding in found(case, check)]


# --- all of them ---


def test_all_is_well(consortium: Consortium, home: Path, listening: RpcServer) -> None:
    case = case_of(consortium, home, write=True, rpc=(f"http://127.0.0.1:{listening.server_port}",))
    told = [(number, name, finding) for number, name, finding in examined(case, command.CHECKS)]
    assert [number for number, _, finding in told if finding.level == "ok"] == list(range(1, 14)), told
    assert not [finding for _, _, finding in told if finding.level == "FAIL"]
    assert consortium.node.received == [], "nothing is paid"


def test_the_command_goes_on_to_the_end_and_says_what_to_do(
    consortium: Consortium, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_PASSWORD", "close sesame")
    words = ["doctor", "--home", str(home), "--deployment", str(consortium.folder / "none.json")]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--rpc", "http://127.0.0.1:1", "--store", str(consortium.folder / "store")])
    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "FAIL   4 wallet    the password does not open the wallet" in said
    assert "FAIL   5 nodes     the node 127.0.0.1: port 1 does not answer (Connection refused)" in said
    assert "FAIL   6 chain     no deployment at" in said
    assert "ok    13 versions" in said


# --- 1 to 4 ---


def test_a_home_has_to_be_there(consortium: Consortium) -> None:
    case = case_of(consortium, consortium.folder / "none")
    assert "there is no home" in words(case, home_checks.home)


def test_a_home_is_its_owners_alone(consortium: Consortium, home: Path) -> None:
    case = case_of(consortium, home)
    home.chmod(0o750)
    (home / "wallet.json").chmod(0o604)
    said = words(case, home_checks.home)
    assert f"{home} is open to group (mode 750): chmod 700 {home}" in said
    assert f"wallet.json is open to others (mode 604): chmod 600 {home}/wallet.json" in said


def test_a_home_of_somebody_else(consortium: Consortium, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert "not to 4711: chown it" in words(case_of(consortium, home), home_checks.home)


def test_a_home_that_was_moved(consortium: Consortium, home: Path) -> None:
    mark_moved(home, "a test")
    assert "was moved to another machine" in words(case_of(consortium, home), home_checks.home)


def test_a_home_in_use_or_on_a_full_disk(
    consortium: Consortium, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = home / "chain.sqlite.lock"
    lock.touch(0o600)
    case = case_of(consortium, home)
    assert levels(case, home_checks.home) == ["ok"]
    monkeypatch.setattr(home_checks, "_ROOM", 2**70)
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = words(case, home_checks.home, "warn")
    assert "an agent runs in" in said
    assert "make room" in said


def test_what_is_wanted_has_to_parse(consortium: Consortium, home: Path) -> None:
    case = case_of(consortium, home)
    (home / "datasets").mkdir()
    (home / "datasets" / "fair.toml").write_text("a = 1\nb = \n")
    assert "datasets/fair.toml: Invalid value (at line 2" in words(case, home_checks.files)
    (home / "datasets" / "fair.toml").unlink()
    (home / "agent.toml").unlink()
    assert "names no role" in words(case_of(consortium, home), home_checks.files, "warn")
    assert levels(case_of(consortium, home, deployment="none.json"), home_checks.files) == ["FAIL"]


def test_a_kit_has_to_be_mine(consortium: Consortium, home: Path) -> None:
    (home / "agent.toml").write_text('role = "model-owner"\n')
    said = words(case_of(consortium, home), home_checks.kit)
    assert said == "kit says north/co1 is a cloud-owner, agent.toml says model-owner: write the kit's"
    consortium.fields["members"] = consortium.fields["members"][:1]
    (home / "kit.json").write_text(consortium.kit().text())
    assert f"has no member {CLOUD.address}, which is this wallet" in words(
        case_of(consortium, home), home_checks.kit
    )
    (home / "kit.json").write_text("{}")
    assert levels(case_of(consortium, home), home_checks.kit) == ["FAIL"]
    (home / "kit.json").unlink()
    assert levels(case_of(consortium, home), home_checks.kit) == ["warn"]


def test_a_kit_with_an_encryption_key_of_other_secrets(consortium: Consortium, home: Path) -> None:
    class Elsewhere(Wallet):
        def derive(self, purpose: bytes, length: int = 32) -> bytes:
            return DATA.derive(purpose, length)

    case = case_of(consortium, home)
    consortium.fields["members"][1] = make_card(
        Elsewhere.from_key(CLOUD._key.to_bytes()), "north/co1", "cloud-owner"
    ).model_dump(mode="json")
    case.kit = consortium.kit()
    assert "has another encryption key of north/co1: send a new card" in words(case, home_checks.kit)


def test_a_password_is_tried_once(
    consortium: Consortium, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(consortium, home, password=SecretStr("close sesame"))
    assert "the password does not open" in words(case, home_checks.wallet)
    monkeypatch.setattr(Wallet, "load", lambda *_: pytest.fail("tried again"))
    assert "the password does not open" in words(case, home_checks.wallet)


def test_a_signer_that_is_away(consortium: Consortium, home: Path) -> None:
    Wallet.keep(DATA._key.to_bytes(), home / "secrets.json", PASSWORD, light=True)
    told: dict[str, Any] = {"signer": "clef+http://127.0.0.1:1", "signer_address": CLOUD.address}
    assert "the signer clef at 127.0.0.1 did not answer" in words(
        case_of(consortium, home, **told), home_checks.wallet
    )


# --- 5 to 8 and 10 ---


def test_each_node_is_reached_by_itself(
    consortium: Consortium, home: Path, listening: RpcServer, tmp_path: Path
) -> None:
    (tmp_path / "tls").mkdir()
    authority = LocalAuthority(tmp_path / "tls")
    with serving(listening.answer, authority.server()) as secured:
        urls = (
            f"http://127.0.0.1:{listening.server_port}",
            f"https://127.0.0.1:{secured.server_port}",
            "http://no-such-name.invalid:8545",
            "http://127.0.0.1:1",
            "http://127.0.0.1:8545/${NO_SUCH_TOKEN}",
        )
        case = case_of(consortium, home, rpc=urls)
        said = [(finding.level, finding.words) for finding in found(case, chain_checks.nodes)]
        assert said[0] == ("ok", "the node 127.0.0.1: chain 1337")
        assert said[1][0] == said[2][0] == said[3][0] == said[4][0] == "FAIL"
        assert "the certificate is not trusted" in said[1][1]
        assert "no such name" in said[2][1]
        assert "port 1 does not answer (Connection refused)" in said[3][1]
        assert "NO_SUCH_TOKEN is not in the environment" in said[4][1]
        trusting = case_of(consortium, home, rpc=urls[1:2], node_ca=authority.pem)
        assert levels(trusting, chain_checks.nodes) == ["ok"]


def test_a_proxys_connection_is_not_tried_by_hand(
    consortium: Consortium, home: Path, listening: RpcServer
) -> None:
    through = f"http://127.0.0.1:{listening.server_port}"
    case = case_of(consortium, home, rpc=("http://no-such-name.invalid:8545",), node_proxy=through)
    assert levels(case, chain_checks.nodes) == ["ok"]


@pytest.fixture
def served(consortium: Consortium, home: Path, listening: RpcServer) -> Case:
    return case_of(consortium, home, rpc=(f"http://127.0.0.1:{listening.server_port}",))


def test_a_node_of_another_chain(served: Case, consortium: Consortium) -> None:
    consortium.node.chain_id = 5
    assert "is of chain 5, the deployment of 1337" in words(served, chain_checks.chain)


def test_a_node_with_another_contract(served: Case, consortium: Consortium) -> None:
    consortium.node.code = "0x61"
    assert "is not the kit's market" in words(served, chain_checks.chain)
    consortium.node.code = "0x"
    assert "has no contract at" in words(served, chain_checks.chain)


def test_a_node_with_another_anchor_or_none(served: Case, consortium: Consortium) -> None:
    assert isinstance(served.kit, Kit)
    anchor = served.kit.chain.anchor.model_copy(update={"hash": "0x" + "00" * 32})
    chain = served.kit.chain.model_copy(update={"anchor": anchor})
    served.kit = served.kit.model_copy(update={"chain": chain})
    assert "block 1 is not the kit's anchor: another chain" in words(served, chain_checks.chain)
    deployment = served.deployment
    served.deployment = Deployment(1337, deployment.market, 9, deployment.abi)
    assert "has no block 9, in which the market was deployed" in words(served, chain_checks.chain)


def test_a_node_that_catches_up_or_stands(served: Case, consortium: Consortium, listening: RpcServer) -> None:
    answer = listening.answer
    syncing = {"result": {"currentBlock": "0x1"}}
    listening.answer = lambda method, asked: syncing if method == "eth_syncing" else answer(method, asked)
    served.clock = lambda: consortium.node.blocks[-1].timestamp + 340.0
    said = words(served, chain_checks.chain)
    assert "is still catching up" in said
    assert "the last block is 340 s old" in said


def test_a_node_that_lags_behind_another(served: Case, consortium: Consortium) -> None:
    late = StubNode(consortium.node.market)
    late.blocks[:] = consortium.node.blocks
    late.blocks = list(consortium.node.blocks)
    for _ in range(4):
        consortium.node.mine()
    with serving(lambda method, parameters: dict(late.make_request(method, parameters))) as server:
        urls = (*served.settings.rpc, f"http://localhost:{server.server_port}")
        served.settings = served.settings.model_copy(update={"rpc": urls})
        assert "the node localhost is 4 blocks behind the others" in words(served, chain_checks.chain, "warn")


def test_a_node_that_is_away_is_no_reason_to_stop(served: Case) -> None:
    urls = ("http://127.0.0.1:1", *served.settings.rpc)
    served.settings = served.settings.model_copy(update={"rpc": urls})
    assert levels(served, chain_checks.chain) == ["FAIL", "ok"]


def test_a_node_that_has_pruned_logs(served: Case, consortium: Consortium) -> None:
    client: MarketClient = served.client
    consortium.node.mine(Log((client.codec.topics[0],), b""))
    assert "FAIL" not in levels(served, chain_checks.logs)
    consortium.node.altered["eth_getLogs"] = lambda _: []
    assert "its bloom is not: this node has pruned logs" in words(served, chain_checks.logs)


def test_what_a_node_lacks_besides_is_a_warning(served: Case, consortium: Consortium) -> None:
    consortium.node.lacking |= {"eth_feeHistory", "eth_getProof"}
    said = words(served, chain_checks.logs, "warn")
    assert "eth_feeHistory" in said
    assert "eth_getProof" in said


@pytest.mark.parametrize(
    ("skew", "level", "said"),
    [
        (-312, "FAIL", "312 s behind the chain"),
        (312, "warn", "312 s ahead of"),
        (0, "ok", "within 60 s"),
    ],
)
def test_a_clock_that_is_off(served: Case, consortium: Consortium, skew: int, level: str, said: str) -> None:
    served.clock = lambda: consortium.node.blocks[-1].timestamp + float(skew)
    assert said in words(served, chain_checks.clock, level)


def test_coins_that_do_not_suffice(served: Case, consortium: Consortium) -> None:
    assert levels(served, chain_checks.coins) == ["ok"]
    consortium.node.balances[CLOUD.address.lower()] = ETHER // 1000
    consortium.node.balances[CLOUD.address] = ETHER // 1000
    said = words(served, chain_checks.coins)
    assert said.startswith("needs about 0.01")
    assert "has 0.001 ether: send 0.01" in said
    assert said.endswith(CLOUD.address)


# --- 9 and 11 to 13 ---


class Away(MemoryStore):
    def get(self, *_: object) -> bytes:
        raise StoreUnavailable("the store is away")


class Forgets(MemoryStore):
    def put(self, data: Data) -> ObjectId:
        made = super().put(data)
        self.objects.clear()
        return made


def test_the_store_has_what_members_put(consortium: Consortium, home: Path) -> None:
    case = case_of(consortium, home)
    assert levels(case, machine_checks.store) == ["warn", "warn", "warn"]
    assert case.store == case.store
    case.write = True
    assert levels(case, machine_checks.store) == ["ok", "warn", "warn"]
    case.write = False
    case.store.put(canary(author_of(DATA.address)))
    said = found(case, machine_checks.store)
    assert [finding.level for finding in said] == ["ok", "warn"]
    assert "nothing of lab/mo can be read" in said[1].words


def test_a_store_that_is_away_or_forgets(consortium: Consortium, home: Path) -> None:
    case = case_of(consortium, home, write=True)
    case.store = Away()
    assert "the store is away" in words(case, machine_checks.store)
    case.store = Forgets()
    assert "the store took an object and does not have it" in words(case, machine_checks.store)


def test_a_store_where_another_members_objects_cannot_be_read(consortium: Consortium, home: Path) -> None:
    case = case_of(consortium, home, write=True)
    store = MemoryStore()
    own = store.put(canary(author_of(CLOUD.address)))
    readable = store.get
    store.get = lambda wanted, *_: readable(wanted) if wanted == own else Away().get()  # type: ignore[method-assign]
    case.store = store
    assert "st-mary/do: the store is away" in words(case, machine_checks.store)


def test_a_folder_that_cannot_be_written(consortium: Consortium, home: Path) -> None:
    (consortium.folder / "store").write_text("a file")
    case = case_of(consortium, home, write=True)
    del case.store
    assert "cannot be written in" in words(case, machine_checks.store)


def test_a_policy_that_refuses_the_kits_terms(consortium: Consortium, home: Path) -> None:
    case = case_of(consortium, home)
    assert levels(case, machine_checks.policy) == ["ok"]
    (home / "agent.toml").write_text('role = "cloud-owner"\nmembers = ["kit"]\nmax_bond_jobs = 1\n')
    assert "the policy refuses the kit's terms: max_bond_jobs" in words(case, machine_checks.policy)
    (home / "agent.toml").write_text('role = "cloud-owner"\nmax_bond_jobs = "x"\n')
    assert "agent.toml: max_bond_jobs: " in words(case_of(consortium, home), machine_checks.policy)
    (home / "agent.toml").write_text('role = "data-owner"\n')
    assert "members: none are named" in words(case_of(consortium, home), machine_checks.policy)
    (home / "agent.toml").unlink()
    assert levels(case_of(consortium, home), machine_checks.policy) == ["warn"]
    assert levels(case, machine_checks.policy) == ["FAIL"], "the role was read before"


def test_limits_that_this_machine_does_not_have(
    consortium: Consortium, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = case_of(consortium, home, workers=64, job_memory_mb=2**20)
    assert "64 jobs of 1048576 MiB: this machine has" in words(case, machine_checks.machine)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert "64 jobs at once on 2 cores" in words(case, machine_checks.machine, "warn")
    (tmp_path / "meminfo").write_text("MemTotal:  4096 kB\n")
    assert machine_checks.memory_mb(tmp_path / "meminfo") == 4
    assert machine_checks.memory_mb(tmp_path / "none") is None


def test_a_port_that_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert "Address already in use" in machine_checks.port_in_use(f"127.0.0.1:{port}")
    assert machine_checks.port_in_use("127.0.0.1:0") == ""
    assert "cannot be listened on" in machine_checks.port_in_use("127.0.0.1:metrics")


def test_versions_that_do_not_go_together(
    consortium: Consortium, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(consortium, home)
    assert levels(case, machine_checks.versions) == ["ok"]
    monkeypatch.setattr(machine_checks, "__version__", "0.8.1.dev0")
    case.kit = consortium.kit(least="0.9")
    assert words(case, machine_checks.versions) == "kit asks for 0.9, this is 0.8.1.dev0: upgrade"
    monkeypatch.setattr(
        machine_checks, "requires", lambda _: ["web3==1.0", "nothing==2", "x==1; extra == 'a'"]
    )
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "10", "1"))
    said = words(case, machine_checks.versions)
    assert "this version goes with 1.0: install holdfast anew" in said
    assert "nothing is missing" in said
    assert "Python 3.10: use 3.11 to 3.14" in said


def test_time_is_this_machines() -> None:
    assert Case.__dataclass_fields__["clock"].default is time.time
