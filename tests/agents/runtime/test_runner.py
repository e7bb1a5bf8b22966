"""The runner: one step reads, decides, sends, works; what fails waits, and nothing is done twice.

Rules: A1, A4, A5, A6, A8, A96, A97, A98.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import pytest

from agents.chain.blocks import ListedLog
from agents.chain.client import BlockRef
from agents.chain.history import Batch
from agents.chain.intents import Intent, IntentState, Outcome
from agents.chain.transactions import TransactionReceipt
from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason
from agents.core.errors import (
    BadInput,
    BadObject,
    HoldfastError,
    NodeUnavailable,
    ObjectMissing,
    Refused,
    StopAgent,
)
from agents.core.events import Logged
from agents.core.ids import CoupleId
from agents.core.market import Market
from agents.roles.acts import Act, Identity, Send, Situation, Task, Unaffordable
from agents.roles.results import Flagged, PlanReview, TaskResult
from agents.runtime.backoff import Backoff
from agents.runtime.executor import Executor, ExecutorLimits, InlineExecutor
from agents.runtime.pace import Pace
from agents.runtime.process_pool import ProcessPool
from agents.runtime.runner import Runner
from agents.runtime.stop import StopSignal
from agents.storage.journal import Journal
from testing.jobs import ScriptedWorker, hang
from testing.script import Script, identity

START = 1_700_000_000


class Done(TaskResult):
    """What a chore comes to."""

    done: bool = True


@dataclass(frozen=True)
class Chore(Task[Done]):
    """A piece of work."""

    name: str

    @property
    def key(self) -> str:
        return f"chore/{self.name}"


@dataclass
class Rig:
    """All around a runner: it decides what the test says, and each of its parts can fail.

    Attributes:
        due: what the role asks for, from the situation.
        told: all that happened, in order.
        failures: what performing a task raises, by its key.
        refused: functions that the market refuses.
        believes: what comes of each doubt.
        checked: whether the mirror is compared with the contract; `check_due` and `sound`: what comes of it.
        times: the chain's, as they were told.
        mined: what is told at the next look at the chain.
        away: what looking at transactions raises.
        awaited: what the role waits for.
    """

    due: Callable[[Situation], list[Act]]
    told: list[str] = field(default_factory=list)
    failures: dict[str, HoldfastError] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    batches: list[Batch] = field(default_factory=list)
    known: list[Logged] = field(default_factory=list)
    situations: list[Situation] = field(default_factory=list)
    node: HoldfastError | None = None
    height: int = 0
    coins: int = 10**20
    mined: list[Outcome] = field(default_factory=list)
    away: HoldfastError | None = None
    intents: list[Intent] = field(default_factory=list)
    now: float = START
    journal: Journal = field(default_factory=lambda: Journal(":memory:"))
    believes: list[bool] = field(default_factory=list)
    checked: bool = False
    check_due: bool = False
    sound: bool = True
    times: list[int] = field(default_factory=list)
    awaited: str = ""
    in_flight: bool = False
    pace: Pace = field(default_factory=lambda: Pace(0.5))
    kept: list[int] = field(default_factory=list)

    @property
    def identity(self) -> Identity:
        return identity("somebody")

    def runner(self, executor: Executor | None = None) -> Runner:
        """A runner on this rig; each part is the rig itself."""
        return Runner(
            self,
            executor or InlineExecutor(self),
            self,
            self,
            self.journal,
            lambda: self.now,
            self.pace,
            check=self if self.checked else None,
            tell_time=self.times.append,
        )

    # role
    def decide(self, situation: Situation) -> list[Act]:
        self.situations.append(situation)
        return self.due(situation)

    def awaits(self, _: Situation) -> str:
        return self.awaited

    # worker
    def perform(self, task: Task[TaskResult]) -> TaskResult:
        self.told.append(f"work {task.key}")
        if task.key in self.failures:
            raise self.failures[task.key]
        return Done()

    # events
    def mirror(self) -> Market:
        return Market(self.known)

    def keep(self, market: Market) -> None:
        self.kept.append(len(market.balances))

    def poll(self, *, resting: bool = False) -> Batch:
        self.told.append("poll" + " resting" * resting)
        if self.node:
            raise self.node
        return self.batches.pop(0) if self.batches else batch()

    def doubt(self, logged: Logged) -> bool:
        self.told.append(f"doubt {type(logged.event).__name__}")
        return self.believes.pop(0) if self.believes else False

    def distrust(self) -> None:
        self.told.append("distrust")

    def supply(self, block: int, events: Sequence[ListedLog]) -> bool:
        self.told.append(f"supply {block}")
        return bool(events)

    # check
    def is_due(self) -> bool:
        return self.check_due

    def holds(self, market: Market, upto: BlockRef) -> bool:
        del market
        self.told.append(f"check {upto.number}")
        return self.sound

    # transactions
    def advance(self) -> list[Outcome]:
        self.told.append("advance")
        if self.away:
            raise self.away
        outcomes, self.mined = self.mined, []
        return outcomes

    def submit(self, intents: Sequence[Intent]) -> list[Outcome]:
        self.intents = list(intents)
        if intents:
            self.told.append("submit " + " ".join(intent.call.function for intent in intents))
        return [self._outcome(intent) for intent in intents]

    def _outcome(self, intent: Intent) -> Outcome:
        if intent.call.function in self.refused:
            refusal = Refused("Training_WrongPhase")
            return Outcome(intent.key, IntentState.REFUSED, refusal=refusal)
        return Outcome(intent.key, IntentState.SENT)


REFUSALS = [
    PlanReview(problem="no such plan"),
    Flagged(flag=FlagReason.PLAN_REFUSED, why="a step that diverges"),
]


@pytest.mark.parametrize("result", REFUSALS)
def test_a_refusal_is_told_in_one_line(
    result: TaskResult, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(lambda situation: [] if situation.results else [Chore("plan")])
    monkeypatch.setattr(rig, "perform", lambda _: result)
    rig.runner().step()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [f"chore/plan: {result.refusal}"]


def batch(
    *events: Logged, rolled_back: bool = False, upto: int = 100, behind: int = 0, time: int = START
) -> Batch:
    """What a poll brings."""
    return Batch(events, rolled_back, BlockRef(upto, bytes(32), time), behind)


def todo(*acts: Act) -> Callable[[Situation], list[Act]]:
    """Always the same acts; a task until its result is there."""
    return lambda situation: [
        act for act in acts if not isinstance(act, Task) or act.key not in situation.results
    ]


DEPOSIT, REFUSE, RETIRE = Send(calls.deposit(7)), Send(calls.refuse_ci(1)), Send(calls.retire_ci(1))  # type: ignore[arg-type]
WORK = Chore("work")


# --- a step ---


def test_a_step_finishes_the_last_one_reads_decides_sends_and_works() -> None:
    rig = Rig(todo(WORK, DEPOSIT))
    assert rig.runner().step()
    assert rig.told == ["advance", "poll", "submit deposit", "work chore/work"]
    assert rig.journal["chore/work"] == Done()


def test_a_step_with_nothing_due_does_nothing() -> None:
    rig = Rig(todo())
    assert not rig.runner().step()
    assert rig.told == ["advance", "poll"]


def test_a_finished_task_is_not_done_again() -> None:
    rig = Rig(todo(WORK))
    runner = rig.runner()
    assert [runner.step(), runner.step()] == [True, False]
    assert rig.told.count("work chore/work") == 1


def test_a_decision_is_about_the_whole_chain() -> None:
    history = Script().bring_to(Phase.APPROVED).chain.history
    rig = Rig(todo(), known=history[:3])
    rig.batches = [batch(*history[3:10], behind=40), batch(behind=20), batch(*history[10:])]
    runner = rig.runner()
    runner.step()
    assert rig.told.count("poll") == 3
    assert runner.market.couples == Market(history).couples
    assert len(rig.situations) == 1


@pytest.mark.parametrize("ahead", [-3_600, 0, 900, 10**8])
def test_time_is_that_of_the_last_block_and_of_no_clock_of_ours(ahead: int) -> None:
    rig = Rig(todo(), now=START + ahead)
    rig.batches = [batch(time=START + 50), batch(time=START + 50), batch(time=START + 62)]
    runner = rig.runner()
    for _ in range(3):
        runner.step()
    assert [situation.now for situation in rig.situations] == [START + 50, START + 50, START + 62]
    assert rig.times == [START + 50, START + 50, START + 62]
    assert runner.supervisor.now == START + 62


# --- events that do not fit, and views that say otherwise ---


def test_an_event_that_does_not_fit_is_doubted_before_anything_is_decided() -> None:
    history = Script().bring_to(Phase.APPROVED).chain.history
    rig = Rig(todo(DEPOSIT), believes=[True])
    rig.batches = [
        batch(*history[:-2], history[-1]),
        batch(rolled_back=True, behind=1),
        batch(),
    ]
    runner = rig.runner()
    rig.known = list(history)
    runner.step()
    assert rig.told == ["advance", "poll", "doubt CoupleApproved", "poll", "poll", "submit deposit"]
    assert runner.market.couples == Market(history).couples


def test_an_event_that_the_chain_has_so_is_no_obstacle() -> None:
    history = Script().bring_to(Phase.APPROVED).chain.history
    rig = Rig(todo(DEPOSIT), known=[*history[:-2], history[-1]])
    runner = rig.runner()
    runner.step()
    runner.step()
    assert rig.told == [
        "advance",
        "poll",
        "doubt CoupleApproved",
        "submit deposit",
        "advance",
        "poll",
        "submit deposit",
    ]


REPEATED = ["advance", "poll", "submit deposit"]
LOCKS = Send(calls.approve_tc(1, bytes(32)), locks=7)  # type: ignore[arg-type]


@pytest.mark.parametrize("act", [LOCKS, DEPOSIT])
def test_the_mirror_is_compared_before_coins_are_locked(act: Send) -> None:
    rig = Rig(todo(act, REFUSE), checked=True)
    rig.runner().step()
    assert rig.told == ["advance", "poll", "check 100", f"submit {act.call.function} refuseCI"]


@pytest.mark.parametrize("act", [LOCKS, DEPOSIT])
def test_nothing_is_locked_on_a_mirror_that_is_wrong(act: Send) -> None:
    rig = Rig(todo(act, REFUSE), checked=True, sound=False)
    rig.runner().step()
    assert rig.told == ["advance", "poll", "check 100", "distrust", "submit refuseCI"]


def test_what_locks_nothing_needs_no_comparison() -> None:
    rig = Rig(todo(REFUSE), checked=True)
    rig.runner().step()
    assert rig.told == ["advance", "poll", "submit refuseCI"]


def test_the_mirror_is_compared_now_and_then() -> None:
    rig = Rig(todo(), checked=True, check_due=True, sound=False)
    rig.runner().step()
    assert rig.told == ["advance", "poll", "check 100", "distrust"]


def test_it_decides_nothing_before_it_sees_its_own_transactions() -> None:
    rig = Rig(todo(DEPOSIT), height=7)
    rig.batches = [batch(upto=6), batch(upto=7)]
    runner = rig.runner()
    assert not runner.step()
    assert rig.situations == []
    assert runner.step()


def test_what_is_mined_is_progress_though_the_node_does_not_show_it_yet() -> None:
    rig = Rig(todo(DEPOSIT), height=7)
    rig.batches = [batch(upto=6)]
    rig.mined = [Outcome("deposit", IntentState.MINED)]
    assert rig.runner().step()
    assert rig.situations == []


def test_it_decides_on_the_coins_of_the_wallet() -> None:
    rig = Rig(todo(), coins=5)
    rig.runner().step()
    assert [situation.coins for situation in rig.situations] == [5]


def test_what_is_left_out_for_want_of_coins_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    due: list[Act] = []
    rig = Rig(lambda _: [*due, RETIRE])
    short = Unaffordable(Send(calls.approve_tc(CoupleId(1), bytes(32)), 9), rig.identity.address, 5)
    due.append(short)
    runner = rig.runner()
    line = f"approveTC waits: it locks 9 wei, and {rig.identity.address} has 5 for it: send it coins"
    for _ in range(5):
        assert runner.step()
    assert caplog.messages == [line]
    due.clear()
    runner.step()
    due.append(short)
    runner.step()
    assert caplog.messages == [line, line], "it was affordable meanwhile"


def test_what_it_waits_for_is_said_once_it_takes_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "agents")
    rig = Rig(todo())
    runner = rig.runner()
    for seconds, awaited in [(0, "an answer"), (9, "an answer"), (9, "a seed"), (18, "a seed"), (18, "")]:
        rig.now, rig.awaited = START + seconds, awaited
        runner.step()
    assert caplog.messages == []
    for seconds in (20, 30, 31, 60):
        rig.now, rig.awaited = START + seconds, "a seed"
        runner.step()
    assert caplog.messages == ["waiting for a seed"]


def test_a_node_that_lets_it_read_on_is_asked_again_soon(caplog: pytest.LogCaptureFixture) -> None:
    """Behind a node that fails often each step came a few blocks further, and was waited for ever longer."""
    stop = StopSignal()
    rig = Rig(todo())
    polls = iter([*range(101, 105), *[105] * 4])

    def poll(*, resting: bool = False) -> Batch:
        del resting
        upto = next(polls, None)
        if upto is None:
            stop.set()
            return batch(upto=105)
        rig.node = NodeUnavailable("the node did not answer")
        return batch(upto=upto, behind=1)

    runner = rig.runner()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rig, "poll", lambda **_: _then_fails(rig, poll))
        patch.setattr(StopSignal, "wait", lambda *_: None)
        runner.run(stop)
    waits = [message.rpartition("in ")[2] for message in caplog.messages]
    assert waits == [*["0.5 s"] * 5, "1 s", "2 s", "4 s"]


def _then_fails(rig: Rig, poll: Callable[[], Batch]) -> Batch:
    """Every second poll fails, as a node does that answers now and then."""
    failure, rig.node = rig.node, None
    if failure:
        raise failure
    return poll()


def receipt(*events: ListedLog) -> TransactionReceipt:
    return TransactionReceipt(bytes(32), 7, b"7" * 32, 1, 1, succeeded=True, events=events)


def test_what_a_receipt_shows_is_known_before_anything_is_decided() -> None:
    """A list lacked what the agent itself had done: it made its dataset twice."""
    event = ListedLog(bytes(20), 7, b"7" * 32, 0, bytes(32), (), b"")
    rig = Rig(todo())
    runner = rig.runner()
    for events in ([], [event]):
        before = runner.market
        rig.mined = [Outcome(key, IntentState.MINED, receipt(*events)) for key in ("one", "two")]
        rig.told.clear()
        runner.step()
        assert rig.told == ["advance", "poll", "supply 7"], "once for each transaction"
        assert (runner.market is before) == (not events)
    rig.told.clear()
    runner.step()
    assert "supply 7" not in rig.told


def test_what_a_receipt_shows_is_supplied_once_its_block_is_read() -> None:
    rig = Rig(todo(), height=101)
    runner = rig.runner()
    rig.mined = [Outcome("one", IntentState.MINED, receipt())]
    runner.step()
    assert "supply 7" not in rig.told
    rig.height = 0
    runner.step()
    assert "supply 7" in rig.told


def test_deadlines_go_with_the_intents() -> None:
    due = Send(calls.retire_ci(2), deadline=START + 80, window=40)  # type: ignore[arg-type]
    rig = Rig(todo(RETIRE, due))
    rig.runner().step()
    assert rig.intents == [Intent(RETIRE.call), Intent(due.call, START + 80, START + 70)]


def test_transactions_that_cannot_be_looked_at_hold_up_neither_reading_nor_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING", "agents")
    rig = Rig(todo(WORK, DEPOSIT), away=NodeUnavailable("the node did not answer"))
    runner = rig.runner()
    assert runner.step()
    assert WORK.key in rig.journal
    assert rig.told == ["advance", "poll", "work chore/work"]
    assert caplog.messages == ["the node did not answer; next try in 0.5 s"]
    rig.away, rig.now = None, START + 1
    assert runner.step()
    assert rig.told[3:] == ["advance", "poll", "submit deposit"]


def test_an_agent_whose_wallet_another_process_uses_ends() -> None:
    rig = Rig(todo(DEPOSIT), away=StopAgent("used by another process"))
    with pytest.raises(StopAgent, match="used by another process"):
        rig.runner().step()


# --- what the chain takes back ---


def test_a_mirror_is_built_anew_when_the_chain_takes_something_back() -> None:
    script = Script().bring_to(Phase.APPROVED)
    history = list(script.chain.history)
    rig = Rig(todo(), known=list(history))
    runner = rig.runner()
    assert runner.market.couples[script.tc].phase is Phase.APPROVED
    rig.known = history[:-1]
    rig.batches = [batch(rolled_back=True, behind=3), batch()]
    runner.step()
    assert runner.market.couples[script.tc].phase is Phase.REQUESTED
    rig.batches = [batch(history[-1])]
    runner.step()
    assert runner.market.couples[script.tc].phase is Phase.APPROVED


# --- what fails ---


@pytest.mark.parametrize("failure", [ObjectMissing("no object"), BadObject("not an object id")])
def test_a_task_that_fails_waits_longer_each_time(failure: HoldfastError) -> None:
    rig = Rig(todo(WORK), failures={WORK.key: failure})
    runner = rig.runner()
    tried = []
    for tick in range(64):
        rig.now = START + tick / 4
        before = rig.told.count("work chore/work")
        assert not runner.step()
        if rig.told.count("work chore/work") > before:
            tried.append(tick / 4)
    assert tried == [0, 0.5, 1.5, 3.5, 7.5, 15.5]
    rig.failures.clear()
    rig.now = START + 60
    assert runner.step()
    assert WORK.key in rig.journal


def test_a_task_that_fails_does_not_hold_up_the_others() -> None:
    other = Chore("other")
    rig = Rig(todo(WORK, other), failures={WORK.key: ObjectMissing("no object")})
    assert rig.runner().step()
    assert set(rig.journal) == {other.key}


def test_a_refused_call_waits_longer_each_time() -> None:
    rig = Rig(todo(REFUSE), refused={"refuseCI"})
    runner = rig.runner()
    sent = []
    for tick in range(32):
        rig.now = START + tick / 4
        before = len(rig.told)
        assert not runner.step()  # so `run` rests
        if "submit refuseCI" in rig.told[before:]:
            sent.append(tick / 4)
    assert sent == [0, 0.5, 1.5, 3.5, 7.5]


def test_a_refused_call_does_not_hold_up_the_others() -> None:
    rig = Rig(todo(REFUSE, RETIRE), refused={"refuseCI"})
    runner = rig.runner()
    assert runner.step()
    assert runner.step()
    assert [line for line in rig.told if line.startswith("submit")] == [
        "submit refuseCI retireCI",
        "submit retireCI",
    ]


def test_a_call_that_succeeds_is_forgiven() -> None:
    rig = Rig(todo(REFUSE), refused={"refuseCI"})
    runner = rig.runner()
    runner.step()
    rig.refused.clear()
    rig.now += 1
    assert runner.step()
    key = Intent(REFUSE.call).key
    rig.mined = [Outcome(key, IntentState.MINED)]
    assert runner.step()
    assert runner.backoff.ready(key, rig.now)
    assert runner.backoff.failed(key, rig.now) == 0.5


@pytest.mark.parametrize("failure", [StopAgent("the wallet is empty"), BadInput("no such file")])
def test_what_cannot_be_mended_ends_the_agent(failure: HoldfastError) -> None:
    rig = Rig(todo(WORK), failures={WORK.key: failure})
    with pytest.raises(type(failure), match=str(failure)):
        rig.runner().run(StopSignal())
    assert len(rig.journal) == 0


def test_a_node_that_is_away_is_told_to_the_caller_of_a_step() -> None:
    rig = Rig(todo(WORK), node=NodeUnavailable("the node did not answer"))
    with pytest.raises(NodeUnavailable):
        rig.runner().step()


# --- running ---


class PatientStop(StopSignal):
    """Ends after so many waits, and notes for how long they would have been."""

    def __init__(self, rig: Rig, waits: int) -> None:
        super().__init__()
        self.rig, self.left = rig, waits
        self.waited: list[float | None] = []
        self.connections: list[Sequence[Connection]] = []

    def wait(self, seconds: float | None, *connections: Connection) -> None:
        self.connections.append(list(connections))
        self.waited.append(seconds)
        self.rig.now += seconds or 0
        self.left -= 1
        if self.left == 0:
            self.set()


def test_it_rests_only_when_nothing_is_due() -> None:
    rig = Rig(todo(WORK, Chore("more")))
    stop = PatientStop(rig, waits=2)
    rig.runner().run(stop)
    assert stop.waited == [0.5, 0.5]
    assert rig.told.count("poll") == 3


def test_it_rests_when_all_is_refused() -> None:
    rig = Rig(todo(REFUSE), refused={"refuseCI"})
    stop = PatientStop(rig, waits=4)
    rig.runner().run(stop)
    assert stop.waited == [0.5] * 4
    assert rig.told.count("submit refuseCI") == 3  # at 0, 0.5 and 1.5 s


def test_it_waits_for_a_node_that_is_away() -> None:
    rig = Rig(todo(WORK), node=NodeUnavailable("the node did not answer"))
    stop = PatientStop(rig, waits=8)
    rig.runner().run(stop)
    assert stop.waited == [0.5, 0.5, 1, 0.5, 2, 0.5, 4, 0.5]
    rig.node = None
    rig.runner().run(PatientStop(rig, waits=1))
    assert WORK.key in rig.journal


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    """One process, in which every task hangs."""
    worker = ScriptedWorker({WORK.key: hang})
    pool = ProcessPool(worker, ExecutorLimits(workers=1), lambda: START)
    yield pool
    pool.close()


def test_what_is_due_is_sent_while_a_job_hangs(pool: ProcessPool) -> None:
    rig = Rig(todo(WORK, DEPOSIT))
    runner = rig.runner(pool)
    for _ in range(3):
        assert runner.step()
    assert rig.told == ["advance", "poll", "submit deposit"] * 3
    assert pool.running == {WORK.key}


def test_it_rests_on_its_jobs(pool: ProcessPool) -> None:
    rig = Rig(todo(WORK))
    stop = PatientStop(rig, waits=1)
    rig.runner(pool).run(stop)
    assert stop.connections == [pool.connections]


def test_it_ends_while_a_job_hangs(pool: ProcessPool) -> None:
    rig = Rig(todo(WORK))
    rig.runner(pool).run(PatientStop(rig, waits=1))
    assert pool.running == {WORK.key}
    pool.close()
    assert pool.running == set()


def test_a_rest_is_over_when_it_is_told_to_end() -> None:
    stop = StopSignal()
    stop.set()
    stop.set()
    stop.wait(None)
    assert stop.is_set()
    stop.close()


def test_a_rest_is_over_when_a_job_is_done(pool: ProcessPool) -> None:
    pool.start(Chore("quick"), START + 1)
    stop = StopSignal()
    stop.wait(None, *pool.connections)
    assert not stop.is_set()
    stop.close()


def test_it_ends_when_it_is_told_to() -> None:
    rig = Rig(todo(WORK))
    stop = StopSignal()
    stop.set()
    rig.runner().run(stop)
    assert rig.told == []


# --- patience ---


def test_patience_has_an_end() -> None:
    patience = Backoff(most=3)
    assert [patience.failed("key", 0) for _ in range(5)] == [0.5, 1, 2, 3, 3]
    assert not patience.ready("key", 2.9)
    assert patience.ready("key", 3)
    assert patience.ready("another", 0)
    patience.succeeded("key")
    assert patience.ready("key", 0)
