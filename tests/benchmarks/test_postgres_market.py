"""The central market pays, slashes and refuses as the contract does. Skipped without PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.postgres.cluster import SQL, Cluster, SqlError, running_cluster
from benchmarks.postgres.lives import BUNDLED, CALLS, PgbenchScript, Unbalanced, audit, play
from benchmarks.profile import Skipped

OWNER, MODEL_OWNER, STRANGER, FIRST_CO = 1, 2, 3, 10
COINS = 1_000
BOND, PENALTY, JOB_PRICE, ROUND_PRICE, COUPLE_BOND = 50, 20, 10, 30, 100
SECRET = b"\x44" * 32
LINKS = [SECRET]
for _ in range(3):
    LINKS.append(hashlib.sha256(LINKS[-1]).digest())
TIP = 3


def literal(data: bytes) -> str:
    return f"'\\x{data.hex()}'::bytea"


HASH, NONCE, FALSE = (literal(bytes([byte]) * 32) for byte in (0x11, 0x22, 0x99))
PLACE = literal(b"\x33" * 48)
KEY = literal(b"\xab" * 64)


@dataclass
class Books:
    """A market of one dataset: `replicas` of each subset, in the pool."""

    running: Cluster
    database: str

    def ask(self, *statements: str) -> str:
        return self.running.query(self.database, *statements)

    def refuses(self, statement: str, reason: str) -> None:
        with pytest.raises(SqlError, match=reason):
            self.ask(statement)

    def balance(self, member: int) -> int:
        return int(self.ask(f"SELECT balance FROM member WHERE id = {member}"))

    def register(self, replicas: int = 3) -> None:
        self.ask(
            f"SELECT create_do({OWNER}, {KEY}, {COINS})",
            f"SELECT create_mo({MODEL_OWNER}, {KEY}, {COINS})",
            *(f"SELECT create_co({FIRST_CO + number}, {KEY}, {COINS})" for number in range(replicas)),
        )

    def offer(self, subsets: int = 1, each: int = 1, replicas: int = 3) -> None:
        self.ask(
            f"SELECT create_ds({OWNER}, {subsets}, {each}, {replicas}, {ROUND_PRICE}, {JOB_PRICE},"
            f" {BOND}, {PENALTY}, {COUPLE_BOND}, 60, 60, 60, 60, 60, 10000, {HASH}, {PLACE})"
        )

    def fill(self, subsets: int = 1, replicas: int = 3) -> None:
        places = [(subset, FIRST_CO + number) for subset in range(subsets) for number in range(replicas)]
        self.ask(*(f"SELECT create_ci({OWNER}, 1, {subset}, {co}, {PLACE})" for subset, co in places))
        for ci, (subset, co) in enumerate(places, start=1):
            self.ask(
                f"SELECT join_ci({co}, {ci}, data_receipt(1, {subset}, {co}, {HASH}, {NONCE}), {NONCE})",
                f"SELECT verify_ci({OWNER}, {ci}, true)",
            )

    def agree(self, rounds: int = 2) -> None:
        self.ask(
            f"SELECT create_mod({MODEL_OWNER}, 'linear', {HASH}, {PLACE})",
            f"SELECT request_tc({MODEL_OWNER}, 1, 1, {rounds}, {literal(LINKS[TIP])}, 0)",
            f"SELECT approve_tc({OWNER}, 1, {literal(LINKS[TIP])})",
        )

    def open_round(self, round_: int = 1) -> None:
        link = literal(LINKS[TIP - round_])
        self.ask(
            f"SELECT start_round({MODEL_OWNER}, 1, {link}, {HASH}, {PLACE})",
            f"SELECT draw_round({OWNER}, 1, {link})",
        )

    def report(self, number: int, digest: str = HASH, round_: int = 1) -> None:
        ci, co = number + 1, FIRST_CO + number
        self.ask(
            f"SELECT update_tj({co}, 1, {ci}, {round_}, {receipt(number, digest, round_)}, {NONCE}, {PLACE})"
        )

    def close_reporting(self) -> None:
        self.ask("UPDATE couple SET deadline = now() - interval '1 second'")


def receipt(number: int, digest: str = HASH, round_: int = 1) -> str:
    return f"training_receipt(1, {round_}, {number + 1}, {FIRST_CO + number}, {digest}, {NONCE})"


def settle(*reports: tuple[int, str], digest: str = HASH, subset: int = 0) -> str:
    rows = ", ".join(
        f"ROW({number + 1}, {receipt(number, told)}, {NONCE})::report" for number, told in reports
    )
    return f"SELECT settle_round({STRANGER}, 1, {subset}, {digest}, ARRAY[{rows}]::report[])"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        with running_cluster(tmp_path_factory.mktemp("postgres"), durable=False) as started:
            yield started
    except Skipped as reason:
        pytest.skip(str(reason))


@pytest.fixture
def books(running: Cluster) -> Iterator[Books]:
    with running.market() as database:
        yield Books(running, database)


@pytest.fixture
def trained(books: Books) -> Books:
    """A round of three replicas that all reported the same."""
    for act in (books.register, books.offer, books.fill, books.agree, books.open_round):
        act()
    for number in range(3):
        books.report(number)
    return books


HONEST = [(0, HASH), (1, HASH), (2, HASH)]


# --- members ---


def test_registers_once(books: Books) -> None:
    books.register()
    books.refuses(f"SELECT create_co({OWNER}, {KEY}, 0)", "Members_AlreadyRegistered")
    books.refuses(f"SELECT create_co({STRANGER}, '\\x00', 0)", "Members_BadEncryptionKey")


def test_a_withdrawal_is_at_most_the_balance(books: Books) -> None:
    books.register()
    books.refuses(f"SELECT withdraw({OWNER}, {COINS + 1})", "Ledger_InsufficientBalance")
    books.ask(f"SELECT withdraw({OWNER}, {COINS})")
    assert books.balance(OWNER) == 0
    assert books.ask(f"SELECT sum(amount) FROM movement WHERE member = {OWNER}") == "0"


# --- distribution ---


def test_only_a_data_owner_offers(books: Books) -> None:
    books.register()
    with pytest.raises(SqlError, match="Members_WrongRole"):
        books.ask(
            f"SELECT create_ds({MODEL_OWNER}, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, {HASH}, {PLACE})"
        )
    with pytest.raises(SqlError, match="check constraint"):
        books.offer(subsets=1, each=2)


def test_names_replicas(books: Books) -> None:
    books.register()
    books.offer(replicas=2)
    name = f"SELECT create_ci({OWNER}, 1, 0, {FIRST_CO}, {PLACE})"
    books.refuses(name.replace(", 1, 0", ", 7, 0"), "Distribution_NoDataset")
    books.refuses(name.replace(f"({OWNER}", f"({STRANGER}"), "Distribution_NotOwner")
    books.refuses(name.replace("1, 0", "1, 5"), "Distribution_NoSubset")
    books.refuses(name.replace(f"{FIRST_CO},", f"{MODEL_OWNER},"), "Members_WrongRole")
    books.ask(name)
    books.refuses(name, "Distribution_AlreadyNamed")
    books.ask(name.replace(f"{FIRST_CO},", f"{FIRST_CO + 1},"))
    books.refuses(name.replace(f"{FIRST_CO},", f"{FIRST_CO + 2},"), "Distribution_SubsetFull")
    books.ask("UPDATE dataset SET ends_at = now() - interval '1 second'")
    books.refuses(name, "Distribution_Ended")


def test_a_replica_is_joined_and_judged(books: Books) -> None:
    books.register()
    books.offer()
    books.ask(f"SELECT create_ci({OWNER}, 1, 0, {FIRST_CO}, {PLACE})")
    join = f"SELECT join_ci({FIRST_CO}, 1, {HASH}, {NONCE})"
    verify = f"SELECT verify_ci({OWNER}, 1, true)"
    books.refuses(verify, "Distribution_WrongStatus")
    books.refuses(join.replace(f"({FIRST_CO}", f"({STRANGER}"), "Distribution_NotOwner")
    books.ask(join)
    assert books.balance(FIRST_CO) == COINS - BOND
    books.refuses(join, "Distribution_WrongStatus")
    books.refuses(verify.replace(f"({OWNER}", f"({STRANGER}"), "Distribution_NotOwner")
    books.ask(verify.replace("true", "false"))
    assert books.balance(FIRST_CO) == COINS
    assert books.ask("SELECT status FROM instance") == "Rejected"
    books.ask(f"SELECT create_ci({OWNER}, 1, 0, {FIRST_CO}, {PLACE})")
    books.ask("UPDATE instance SET since = now() - interval '61 seconds'")
    books.refuses(join.replace(", 1,", ", 2,"), "Distribution_TooLate")


def test_a_late_verification_is_refused(books: Books) -> None:
    books.register()
    books.offer()
    books.ask(f"SELECT create_ci({OWNER}, 1, 0, {FIRST_CO}, {PLACE})")
    books.ask(f"SELECT join_ci({FIRST_CO}, 1, {HASH}, {NONCE})")
    books.ask("UPDATE instance SET since = now() - interval '61 seconds'")
    books.refuses(f"SELECT verify_ci({OWNER}, 1, true)", "Distribution_TooLate")


# --- requests ---


def test_a_request_is_checked(books: Books) -> None:
    books.register()
    books.offer()
    books.refuses(f"SELECT create_mod({OWNER}, 'linear', {HASH}, {PLACE})", "Members_WrongRole")
    books.ask(f"SELECT create_mod({MODEL_OWNER}, 'linear', {HASH}, {PLACE})")
    request = f"SELECT request_tc({MODEL_OWNER}, 1, 1, 1, {HASH}, 0)"
    books.refuses(request.replace(f"({MODEL_OWNER}", f"({STRANGER}"), "Training_NotYourModel")
    books.refuses(request.replace("1, 1, 1", "1, 9, 1"), "Distribution_NoDataset")
    books.refuses(request.replace("1, 1, 1", "1, 1, 0"), "Training_BadRequest")
    books.refuses(request.replace(", 0)", ", 4)"), "Training_BadRequest")
    books.refuses(request.replace("1, 1, 1", "1, 1, 1000"), "Ledger_InsufficientBalance")
    books.ask(request)
    assert books.balance(MODEL_OWNER) == COINS - ROUND_PRICE - 3 * JOB_PRICE
    approve = f"SELECT approve_tc({OWNER}, 1, {HASH})"
    books.refuses(approve.replace(f"({OWNER}", f"({STRANGER}"), "Training_NotParty")
    books.refuses(approve, "Training_SubsetsUncovered")
    books.fill()
    books.ask(approve)
    assert books.balance(OWNER) == COINS - COUPLE_BOND
    books.refuses(approve, "Training_WrongPhase")
    books.ask("UPDATE dataset SET ends_at = now() + interval '100 seconds'")
    books.refuses(request, "Training_DatasetEnds")


def test_a_lapsed_request_cannot_be_approved(books: Books) -> None:
    books.register()
    books.offer()
    books.fill()
    books.ask(f"SELECT create_mod({MODEL_OWNER}, 'linear', {HASH}, {PLACE})")
    books.ask(f"SELECT request_tc({MODEL_OWNER}, 1, 1, 1, {HASH}, 0)")
    books.close_reporting()
    books.refuses(f"SELECT approve_tc({OWNER}, 1, {HASH})", "Training_WrongPhase")


# --- rounds ---


def test_seeds_are_those_committed_to(books: Books) -> None:
    for act in (books.register, books.offer, books.fill, books.agree):
        act()
    link = literal(LINKS[TIP - 1])
    start = f"SELECT start_round({MODEL_OWNER}, 1, {link}, {HASH}, {PLACE})"
    books.refuses(start.replace(f"({MODEL_OWNER}", f"({OWNER}"), "Training_NotParty")
    books.refuses(start.replace(link, HASH), "Training_WrongSeed")
    books.ask(start)
    draw = f"SELECT draw_round({OWNER}, 1, {link})"
    books.refuses(draw.replace(f"({OWNER}", f"({MODEL_OWNER}"), "Training_NotParty")
    books.refuses(draw.replace(link, HASH), "Training_WrongSeed")
    books.close_reporting()
    books.refuses(draw, "Training_WrongPhase")


def test_every_subset_is_drawn_once_an_epoch(books: Books) -> None:
    books.register(replicas=1)
    books.offer(subsets=3, each=1, replicas=1)
    books.fill(subsets=3, replicas=1)
    books.ask(f"SELECT create_mod({MODEL_OWNER}, 'linear', {HASH}, {PLACE})")
    books.ask(f"SELECT request_tc({MODEL_OWNER}, 1, 1, 3, {literal(LINKS[TIP])}, 0)")
    books.ask(f"SELECT approve_tc({OWNER}, 1, {literal(LINKS[TIP])})")
    drawn = []
    for round_ in (1, 2, 3):
        books.open_round(round_)
        subset = int(books.ask(f"SELECT drawn[1] FROM round WHERE round = {round_}"))
        drawn.append(subset)
        told = f"training_receipt(1, {round_}, {subset + 1}, {FIRST_CO}, {HASH}, {NONCE})"
        books.ask(
            f"SELECT update_tj({FIRST_CO}, 1, {subset + 1}, {round_}, {told}, {NONCE}, {PLACE})",
            f"SELECT settle_round({STRANGER}, 1, {subset}, {HASH},"
            f" ARRAY[ROW({subset + 1}, {told}, {NONCE})::report])",
        )
    assert sorted(drawn) == [0, 1, 2]
    assert books.ask("SELECT phase_of(couple) FROM couple") == "Ended"


def test_an_answer_is_of_who_was_drawn(books: Books) -> None:
    for act in (books.register, books.offer, books.fill, books.agree):
        act()
    answer = f"SELECT update_tj({FIRST_CO}, 1, 1, 1, {HASH}, {NONCE}, {PLACE})"
    books.refuses(answer, "Training_WrongPhase")
    books.open_round()
    books.refuses(answer.replace("1, 1, 1", "1, 1, 2"), "Training_WrongRound")
    books.refuses(answer.replace(f"({FIRST_CO}", f"({STRANGER}"), "Training_NotInstanceOwner")
    books.offer()
    books.ask(f"SELECT create_ci({OWNER}, 2, 0, {FIRST_CO}, {PLACE})")
    books.refuses(answer.replace("1, 1, 1", "1, 4, 1"), "Training_NotDrawn")
    books.ask(answer)
    books.refuses(answer, "Training_AlreadyAnswered")


# --- verdicts ---


def test_honest_replicas_are_paid(trained: Books) -> None:
    trained.ask(settle(*HONEST))
    assert [trained.balance(FIRST_CO + number) for number in range(3)] == [COINS - BOND + JOB_PRICE] * 3
    assert trained.balance(OWNER) == COINS - COUPLE_BOND + ROUND_PRICE
    assert trained.ask("SELECT phase_of(couple) FROM couple") == "Approved"
    trained.refuses(settle(*HONEST), "Training_WrongPhase")


def test_a_settler_can_neither_alter_nor_omit_nor_add(trained: Books) -> None:
    trained.refuses(settle(*HONEST[:2]), "Settlement_ReportMissing")
    trained.refuses(settle(*HONEST[:2], (2, FALSE)), "Settlement_ReportMissing")
    trained.refuses(settle(*HONEST, HONEST[0]), "Settlement_TooManyReports")
    trained.refuses(settle(*HONEST, digest=FALSE), "Settlement_NoQuorum")
    trained.refuses(settle(*HONEST, subset=4), "Settlement_NotPending")
    assert trained.ask("SELECT count(*) FROM job WHERE status = 'Reported'") == "3"


def test_a_copied_report_is_faulty(books: Books) -> None:
    """The copier's bond: what its job would have cost goes to the MO, the rest to the two honest."""
    for act in (books.register, books.offer, books.fill, books.agree, books.open_round):
        act()
    books.report(0)
    books.report(1)
    copied = receipt(0)
    books.ask(f"SELECT update_tj({FIRST_CO + 2}, 1, 3, 1, {copied}, {NONCE}, {PLACE})")
    before = int(books.ask("SELECT escrow FROM couple"))
    reports = ", ".join(
        f"ROW({ci}, {receipt(told)}, {NONCE})::report" for ci, told in ((1, 0), (2, 1), (3, 0))
    )
    books.ask(f"SELECT settle_round({STRANGER}, 1, 0, {HASH}, ARRAY[{reports}])")
    bonus = (BOND - JOB_PRICE) // 2
    assert [books.balance(FIRST_CO + number) for number in range(3)] == [
        COINS - BOND + JOB_PRICE + bonus,
        COINS - BOND + JOB_PRICE + bonus,
        COINS - BOND,
    ]
    assert int(books.ask("SELECT escrow FROM couple")) == before - 2 * JOB_PRICE - ROUND_PRICE + JOB_PRICE
    assert books.ask("SELECT status, bond FROM instance WHERE id = 3") == "Retiring|0"
    assert books.ask("SELECT status, amount FROM job WHERE ci = 3") == f"Faulty|{BOND}"


def test_the_silent_pay_a_penalty_and_leave_when_they_cannot_pay_another(books: Books) -> None:
    for act in (books.register, books.offer, books.fill, books.agree):
        act()
    for round_, status in ((1, "Verified"), (2, "Retiring")):
        books.open_round(round_)
        for number in (0, 1):
            books.report(number, round_=round_)
        reports = ", ".join(
            f"ROW({number + 1}, {receipt(number, round_=round_)}, {NONCE})::report" for number in (0, 1)
        )
        settled = f"SELECT settle_round({STRANGER}, 1, 0, {HASH}, ARRAY[{reports}])"
        books.refuses(settled, "Training_WrongPhase")
        books.close_reporting()
        books.ask(settled)
        assert (
            books.ask("SELECT status, bond FROM instance WHERE id = 3")
            == f"{status}|{BOND - round_ * PENALTY}"
        )
    assert books.ask("SELECT live FROM subset") == "2"


def test_what_nobody_settled_in_time_is_overdue(trained: Books) -> None:
    trained.ask("UPDATE couple SET deadline = now() - interval '61 seconds'")
    trained.refuses(settle(*HONEST), "Training_WrongPhase")


def test_the_rest_comes_back_at_the_end(trained: Books) -> None:
    complete = f"SELECT complete_tc({MODEL_OWNER}, 1, {HASH})"
    trained.refuses(complete, "Training_WrongPhase")
    trained.ask(settle(*HONEST))
    trained.refuses(complete.replace(f"({MODEL_OWNER}", f"({OWNER}"), "Training_NotParty")
    trained.ask(complete)
    assert trained.balance(MODEL_OWNER) == COINS - ROUND_PRICE - 3 * JOB_PRICE
    assert trained.balance(OWNER) == COINS + ROUND_PRICE
    audit(trained.running, trained.database, 1)
    trained.refuses(complete, "Training_WrongPhase")


# --- lives ---


@pytest.mark.parametrize("script", [CALLS, BUNDLED], ids=lambda script: str(script.name))
def test_a_life_is_played(running: Cluster, script: PgbenchScript) -> None:
    trial = play(running, script, clients=2, seconds=1)
    assert trial.lives_per_second > 0
    assert len(trial.life_ms) > 0
    calls = {call for name in trial.statement_ms for call in name.split("+")}
    assert calls >= {"create_ds", "join_ci", "draw_round", "update_tj", "settle_round", "complete_tc"}


def test_a_commit_need_not_wait_for_the_disk(running: Cluster) -> None:
    assert play(running, BUNDLED, clients=1, seconds=1, waits=False).lives_per_second > 0


def test_a_lost_coin_is_noticed(trained: Books) -> None:
    trained.ask(f"UPDATE member SET balance = balance - 1 WHERE id = {OWNER}")
    with pytest.raises(Unbalanced, match="1 gwei missing"):
        audit(trained.running, trained.database, 0)


def test_each_script_takes_as_many_transactions_as_it_says() -> None:
    for script in (CALLS, BUNDLED):
        lines = script.file.read_text().splitlines()
        assert sum(line.startswith(("SELECT", "WITH")) for line in lines) == script.transactions
    assert all(path.parent == SQL for path in (CALLS.file, BUNDLED.file))


def test_leaves_nothing(tmp_path: Path) -> None:
    try:
        with running_cluster(tmp_path, durable=False) as started:
            socket = started.socket
            assert socket.exists()
    except Skipped as reason:
        pytest.skip(str(reason))
    assert not socket.exists()
    assert not list(tmp_path.iterdir())
