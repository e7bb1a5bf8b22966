"""The walk of docs/operating.md, by three organisations and a convener, and what goes wrong on it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from agents.core.enums import CouplePhase
from agents.core.ids import Address
from agents.core.market import Market
from agents.kit.joining import TERMS_FILE
from assurance.organisations.chain import TLS_PORT, Chain, chain, own_url, shared_url
from assurance.organisations.chronicle import Chronicle
from assurance.organisations.hosts import FIRST_USER, Host, Isolation, hosts
from assurance.organisations.members import HOLDFAST, METRICS_PORT, Member, card_of
from testing.authority import Authority
from testing.s3_server import REGION, S3Server, arn_of, s3_server

ORGANISATIONS = ("convener", "mary", "north", "lab")
ROLES = {
    "convener/office": "cloud-owner",  # it convenes, and is no member: only its wallet is used
    "mary/do": "data-owner",
    "mary/co1": "cloud-owner",
    "north/co1": "cloud-owner",
    "north/co2": "cloud-owner",
    "lab/mo": "model-owner",
    "lab/co1": "cloud-owner",
    "lab/co2": "cloud-owner",
}
SUBSETS, REPLICAS, ROUNDS, WINDOW = 4, 3, 8, 60
TERMS = {
    **{f"{name}_window_seconds": WINDOW for name in ("answer", "draw", "report", "settle")},
    "couple_window_seconds": 7_200,
    "offer_seconds": 86_400,
}
SHORT_WINDOWS = f"min_report_window_seconds = {WINDOW}\nmin_settle_window_seconds = {WINDOW}\n"
"""Lines of the cloud owners' policy that `kit join` tells them to write."""

COINS = 5 * 10**18
TRAINING_SECONDS = 1_500.0
REST_SECONDS = 60.0
_HEALED = "a replica is healed"
STOPS_WITHIN = 10.0
CUT_SECONDS = WINDOW * 2 / 3

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass
class Play:
    """A play, and what came of it.

    Attributes:
        folder: for all that it makes.
        say: is told what happens.
        found: for the report.
    """

    folder: Path
    say: Say
    found: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)

    def perform(self) -> None:
        """Plays to the end.

        Raises:
            AssertionError: something is not as it should be.
        """
        services = {f"node.{name}.test": name for name in ORGANISATIONS} | {"s3.convener.test": "convener"}
        with ExitStack() as stack:
            places, apart = stack.enter_context(hosts(ORGANISATIONS, services))
            self.found["isolation"] = {"namespaces": apart.namespaces, "users": apart.users}
            self.say(f"four hosts: {_told(apart)}")
            authority = Authority("the consortium's authority")
            ours = stack.enter_context(chain(list(places.values()), authority, self.folder / "chain"))
            self.found["node"] = ours.version
            self.say(f"a validator on each: {ours.version}")
            store = self._store(stack, places["convener"], authority)
            try:
                self._found_consortium(places, ours, store)
                self._train(places, store)
                self._rest()
            finally:
                for member in self.members.values():
                    member.kill()
                self._open_to_all()

    # --- before anything is paid ---

    def _store(self, stack: ExitStack, host: Host, authority: Authority) -> S3Server:
        (folder := self.folder / "s3").mkdir()

        def run(words: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
            return subprocess.Popen(host.command(words), **how)

        users = [name.replace("/", "-") for name in ROLES]
        names = ["s3.convener.test"]
        server = stack.enter_context(s3_server(folder, users, authority, host.address, names, run))
        self.say("an S3 server with TLS, and a user for each member")
        return server

    def _found_consortium(self, places: Mapping[str, Host], ours: Chain, store: S3Server) -> None:
        """Wallets, cards, a kit; everybody joins, and the doctor looks at each."""
        for number, (name, role) in enumerate(ROLES.items()):
            host = places[name.partition("/")[0]]
            others = [shared_url(place) for place in places.values() if place is not host]
            folder = self.folder / "members" / name.replace("/", "-")
            member = Member(name, role, host, FIRST_USER + number, folder, (own_url(host), *others))
            member.port = METRICS_PORT + number
            self.members[name] = member

        def settle(member: Member) -> None:
            member.move_in()
            member.address = Address(member.types("wallet", "new").out.strip())

        _each(list(self.members.values()), settle)
        convener, *active = self.members.values()
        ours.deploy(self.folder / "deployment.json")
        ours.endow([member.address for member in active], COINS)
        kit, fingerprint = self._kit(convener, active, places, store)

        def join(member: Member) -> None:
            handed = member.hand_over(member.folder / "kit.json", kit)
            said = member.types("kit", "join", handed, "--as", member.name, "--fingerprint", fingerprint).out
            settings = member.home / "agent.toml"
            if "min_report_window_seconds" in said:
                member.hand_over(settings, settings.read_bytes() + SHORT_WINDOWS.encode())

        _each(active, join)
        self.say(f"{len(active)} members joined the kit {fingerprint}")
        del self.members[convener.name]
        self._examine(active, store)

    def _kit(
        self, convener: Member, active: Sequence[Member], places: Mapping[str, Host], store: S3Server
    ) -> tuple[bytes, str]:
        draft = {
            "name": "organisations",
            "deployment": "deployment.json",
            "nodes": [shared_url(host) for host in places.values()],
            "store": {"url": store.url, "endpoint": self._endpoint(store), "region": REGION},
            "ca": "ca.pem",
            "terms": TERMS,
            "members": _each(active, card_of),
        }
        for name in ("deployment.json", "ca.pem"):
            data = (store.ca if name == "ca.pem" else self.folder / name).read_bytes()
            convener.hand_over(convener.folder / name, data)
        convener.hand_over(convener.folder / "draft.toml", tomli_w.dumps(draft).encode())
        said = convener.types("kit", "new", "draft.toml", "--out", "kit.json").out
        fingerprint = next(line.split(None, 1)[1] for line in said.splitlines() if "fingerprint" in line[:12])
        return (convener.folder / "kit.json").read_bytes(), fingerprint

    def _endpoint(self, store: S3Server) -> str:
        host = self.members["mary/do"].host
        port = store.endpoint.rsplit(":", 1)[1]
        return f"https://s3.convener.test:{port}" if host.namespace else store.endpoint

    def _examine(self, active: Sequence[Member], store: S3Server) -> None:
        """The doctor sees what is wrong, and is content once it is not."""
        told = {}
        first = active[0]
        denied = first.types("doctor", "--write", expect=1).out
        told["no grant"] = _failure(denied, "store")
        other = self.folder / "other-ca.pem"
        other.write_bytes(Authority("somebody else's").certificate)
        handed = first.hand_over(first.folder / "other-ca.pem", other.read_bytes())
        wrong = first.types("doctor", expect=1, HOLDFAST_NODE_CA=str(handed)).out
        told["wrong authority"] = _failure(wrong, "nodes")
        grants = [word for one in active for word in ("--member", f"{one.address}={arn_of(one.short)}")]
        policy = first.types("store", "grants", "--store", store.url, *grants, at_home=False).out
        store.let(json.loads(policy))
        for _ in range(2):  # the first look of each finds nothing of those after it
            said = _each(active, lambda member: member.types("doctor", "--write").out)
        assert not any("warn" in line and "nothing of" in line for line in "".join(said).splitlines()), said
        self.found["doctor"] = told
        self.say("the doctor refused a missing grant and a wrong authority, and finds nothing amiss now")

    # --- the walk ---

    def _train(self, places: Mapping[str, Host], store: S3Server) -> None:
        members = self.members
        owner, asker = members["mary/do"], members["lab/mo"]
        everybody = [name for name, role in ROLES.items() if role == "cloud-owner" and name in members]
        listed = [word for name in everybody for word in ("--cloud-owner", name)]
        shape = ("--subsets", str(SUBSETS), "--replicas", str(REPLICAS), "--per-round", str(SUBSETS))
        owner.types(
            *("data-owner", "publish", "tumours", "--table", "breast-cancer", *shape),
            *("--spare-places", "2", "--requests", "hand", *listed, "--terms"),
            owner.home / TERMS_FILE,
        )
        for member in members.values():
            member.start()
        urls = [f"https://{host.address}:{TLS_PORT}" for host in places.values()]
        chronicle = Chronicle(urls, self.folder / "deployment.json", store.ca)
        self._await(chronicle, lambda m: len(m.datasets) == 1, "the dataset is offered", 180)
        (ds,) = chronicle.market.datasets
        self._await(chronicle, lambda m: m.covered(ds) == SUBSETS, "every subset has a replica", 180)
        samples = owner.types("data-owner", "samples", "tumours").out.split(":", 1)[0]
        handed = asker.hand_over(asker.folder / "exposed.samples", Path(samples).read_bytes())
        dataset = f"{owner.address}:tumours"
        asker.types(
            *("model-owner", "train", "tumour", "--samples", handed, "--dataset", dataset),
            *("--rounds", str(ROUNDS)),
        )
        self._await(chronicle, lambda m: bool(m.couples), "the model owner asks", 120)
        self._approve(owner)
        self._await(chronicle, lambda m: _round(m) >= 2, "a round is over", 240)
        self._kill_for_good(chronicle)
        self._cut(places["mary"], chronicle)
        self._move(chronicle)
        self._await(chronicle, _is_over, "training is over", TRAINING_SECONDS)
        self.found["rounds"] = _round(chronicle.market)
        asker.types("model-owner", "weights", "tumour")
        self._audit(urls, store.ca)

    def _approve(self, owner: Member) -> None:
        """By hand, as soon as the plan has been looked at."""
        deadline = time.monotonic() + 60
        while "no request waits" in (said := owner.types("data-owner", "requests").out):
            assert time.monotonic() < deadline, said
            time.sleep(1)
        owner.types("data-owner", "approve", said.split()[0])
        self.say(f"approved by hand: {said.splitlines()[0].strip()}")

    def _kill_for_good(self, chronicle: Chronicle) -> None:
        """A machine is lost: its replicas are given to the next cloud owners of the list."""
        lost = self.members.pop("north/co1")
        held = chronicle.held_by(lost.address)
        before = chronicle.verified(REPLICAS)
        lost.kill()
        self.say(f"{lost.name} is lost, with {held} replicas")
        self._await(
            chronicle,
            lambda _: chronicle.verified(REPLICAS) > before,
            _HEALED,
            TRAINING_SECONDS,
        )

    def _cut(self, host: Host, chronicle: Chronicle) -> None:
        """A host is cut off for two thirds of a window: the data owner's, which has to open seeds."""
        self.say(f"{host.name} is cut off for {CUT_SECONDS:.0f} s")
        host.cut()
        time.sleep(CUT_SECONDS)
        host.mend()
        self.found["cut_seconds"] = CUT_SECONDS
        before = _round(chronicle.look())
        self._await(chronicle, lambda m: _round(m) > before or _is_over(m), "it goes on", 600)

    def _move(self, chronicle: Chronicle) -> None:
        """A cloud owner moves to another machine, and its old home runs no more."""
        left = self.members.pop("lab/co2")
        seconds = left.stop()
        self.say(f"{left.name} moves to north's host; it ended in {seconds:.1f} s")
        left.types("home", "export", "moved.home")
        refused = left.types("run", expect=2).err
        north = self.members["north/co2"].host
        new = left.at(north, left.user + 100, self.folder / "members" / "lab-co2-moved", left.port + 100)
        new.rpc = self.members["north/co2"].rpc
        new.move_in()
        new.hand_over(new.folder / "password", (left.folder / "password").read_bytes())
        file = new.hand_over(new.folder / "moved.home", (left.folder / "moved.home").read_bytes())
        new.types("home", "import", file)
        new.start()
        self.members["lab/co2"] = new
        self.found["moved"] = {"old_home": refused.strip(), "away_from": "lab", "to": "north"}
        del chronicle

    def _audit(self, urls: Sequence[str], authority: Path) -> None:
        """From a place that is none of the organisations'."""
        words = ["audit", "--json", "--deployment", str(self.folder / "deployment.json")]
        words += [word for url in urls for word in ("--rpc", url)] + ["--node-ca", str(authority)]
        done = subprocess.run([HOLDFAST, *words], capture_output=True, text=True, timeout=300, check=False)
        assert done.stdout, done.stderr
        told = json.loads(done.stdout)
        self.found["audit"] = {"ok": told["ok"], "findings": told["findings"]}
        self.found["ledger"] = {"conserved": told["conserved"]}
        self.say(f"the audit finds {len(told['findings'])} departures")

    # --- after it ---

    def _rest(self) -> None:
        """What an agent takes when nothing is due, and how soon each ends."""
        time.sleep(REST_SECONDS / 2)
        names = [name for name, member in self.members.items() if member.runs]
        assert len(names) == len(self.members), (
            f"{set(self.members) - set(names)} ended by itself: see its log"
        )
        before = {name: self.members[name].metric("holdfast_node_requests_total") for name in names}
        time.sleep(REST_SECONDS)
        per_minute = 60 / REST_SECONDS
        after = {name: self.members[name].metric("holdfast_node_requests_total") for name in names}
        asked = {name: round((after[name] - before[name]) * per_minute) for name in names}
        self.found["requests_per_minute"] = asked
        self.found["rss_bytes"] = {name: self.members[name].resident() for name in names}
        stopped = {name: round(self.members[name].stop(), 1) for name in names}
        self.found["stop_seconds"] = stopped
        assert max(stopped.values()) <= STOPS_WITHIN, stopped
        self.say(f"all ended within {max(stopped.values())} s")

    def _await(
        self, chronicle: Chronicle, happened: Callable[[Market], bool], what: str, seconds: float
    ) -> None:
        begun = time.monotonic()
        chronicle.until(happened, what, seconds)
        if what == _HEALED:
            self.found["healed"] = chronicle.verified(REPLICAS)
        self.say(f"{what} ({time.monotonic() - begun:.0f} s)")

    def _open_to_all(self) -> None:
        """Whoever runs this may read and remove what other users wrote."""
        subprocess.run(["chmod", "-R", "u+rwX,go+rX", str(self.folder)], check=False, capture_output=True)


def _each(members: Sequence[Member], do: Callable[[Member], T]) -> list[T]:
    """What each of them does, two at a time."""
    with ThreadPoolExecutor(2) as hands:
        return list(hands.map(do, members))


def _told(apart: Isolation) -> str:
    networks = "a network of its own each" if apart.namespaces else "addresses of one machine"
    return f"{networks}, {'a user of its own' if apart.users else 'one user'} for each role"


def _failure(said: str, check: str) -> str:
    """The line with which a check failed."""
    lines = [line for line in said.splitlines() if line.startswith("FAIL") and f" {check} " in line]
    assert lines, said
    return lines[0].split(None, 3)[3]


def _round(market: Market) -> int:
    return max((couple.round for couple in market.couples.values()), default=0)


def _is_over(market: Market) -> bool:
    return any(couple.phase is CouplePhase.COMPLETED for couple in market.couples.values())
