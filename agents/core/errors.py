"""The one exception tree.

HoldfastError
├── BadInput          the user's input is wrong: one line says what and what to do (CLI exit code 2)
│   ├── BadData           a table that cannot be used
│   ├── BadPlan           a training plan outside the schema or the limits
│   └── CannotSplit       no split of this data is skewed as asked
├── Retry             the outside world did not answer; the same act may succeed later
│   ├── NodeUnavailable   the chain's node
│   ├── SignerUnavailable the program that signs for us: it is away, or refuses
│   └── StoreFault        the object store did not deliver or take one object: its fault, and no member's
│       ├── ObjectMissing     nobody has put it there (yet), or it is gone
│       └── StoreUnavailable  it could not be read or written, or the store did not answer
│           ├── ObjectDamaged     what is there under the object's id is something else
│           ├── StoreRefused      the store answers, and does not let this member in: key, grants, bucket
│           └── StoreLost         what this member put itself is not to be had: it looks at another store
├── SkipJob           this one job cannot be done; the agent goes on with the others
│   ├── BadObject         what another member made: it breaks the chain's hash, or cannot be opened or read
│   ├── BadLog            a log of the market that this version cannot read
│   ├── JobFailed         it took too much time or memory, or ended in a way that nobody foresaw
│   └── Refused           the market rejected a transaction, with its custom error
└── StopAgent         the agent cannot go on (CLI exit code 1)
    ├── StorageFailed     this machine's disk: full, read-only, damaged, or not ours to read or write
    └── WrongNetwork      the deployment is of another chain, or not there
"""

from __future__ import annotations

import traceback


class HoldfastError(Exception):
    """Root of all errors that Holdfast raises on purpose."""


class BadInput(HoldfastError):
    """The user's input is wrong; the message is one line: what is wrong and what to do."""


class BadData(BadInput):
    """A table (CSV or built-in) that cannot be used as asked."""


class BadPlan(BadInput):
    """A training plan outside the schema, or outside the limits of this agent."""


class CannotSplit(BadInput):
    """No split of this data into that many subsets has the skew that the protocol requires."""


class Retry(HoldfastError):
    """The outside world did not answer; the same act may succeed later."""


class NodeUnavailable(Retry):
    """The chain's node did not answer in time."""


class SignerUnavailable(Retry):
    """The program that keeps our key did not answer, or refused."""


class StoreFault(Retry):
    """The object store did not deliver or take one object. It says nothing of who put the object there."""


class ObjectMissing(StoreFault):
    """The object store does not hold this object (yet)."""


class StoreUnavailable(StoreFault):
    """An object could not be read or written: no permission, a full disk, a service that is away."""


class ObjectDamaged(StoreUnavailable):
    """What the store holds under an object's id is something else; it may be put right."""


class StoreRefused(StoreUnavailable):
    """The store answers, and lets this member do nothing there: a wrong key or bucket, or no leave."""


class StoreLost(StoreUnavailable):
    """The store does not give what this member put itself, so what it lacks says nothing of others."""


class SkipJob(HoldfastError):
    """This one job cannot be done; the agent goes on with the others."""


class BadObject(SkipJob):
    """What another member made and is of no use: it breaks the chain's hash, or this key does not open it.

    The bytes are those that its id names; a store that holds others under the id is `ObjectDamaged`.
    """


class JobFailed(SkipJob):
    """A job that took too much time or memory, or ended in a way that nobody foresaw."""


class BadLog(SkipJob):
    """A log of the market that this version cannot read."""


class Refused(SkipJob):
    """The market rejected a transaction.

    Attributes:
        error: name of the contract's custom error, e.g. ``"CoupleInPhase"``; empty if none was given.
        arguments: its decoded arguments.
    """

    def __init__(self, error: str, arguments: tuple[object, ...] = ()) -> None:
        self.error = error
        self.arguments = arguments
        super().__init__(
            f"{error}({', '.join(map(str, arguments))})" if error else "reverted without a reason"
        )


class StopAgent(HoldfastError):
    """The agent cannot go on."""


class StorageFailed(StopAgent):
    """A file, folder or database of the agent's own cannot be read or written.

    What is on the disk already is whole: the agent goes on where it was once the cause is gone.

    Attributes:
        reason: what the operating system or SQLite says, e.g. ``"No space left on device"``.
    """

    def __init__(self, what: str, reason: str, remedy: str) -> None:
        self.reason = reason
        super().__init__(what, reason, remedy)

    def __str__(self) -> str:
        """One line: what cannot be done, with the path; why; and what to do."""
        return ": ".join(self.args)


class WrongNetwork(StopAgent):
    """The deployment belongs to another chain, or its contract is not there."""


def in_one_line(error: Exception) -> str:
    """An error that nobody foresaw, with the place where it happened."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words} ({place.filename}:{place.lineno})"
