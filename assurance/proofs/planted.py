"""Faults put into copies of the contracts, each of which one proof must refute: the proofs can fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testing.compiler import ROOT


@dataclass(frozen=True)
class PlantedFault:
    """A fault, and the proof that must notice it.

    Attributes:
        name: what is wrong with the contract then.
        before: stands in the file exactly once.
    """

    name: str
    proof: str
    file: str
    before: str
    after: str

    @property
    def contract(self) -> str:
        """That of the proof."""
        return self.proof.partition(".")[0]

    def source(self) -> str:
        """The file with the fault.

        Raises:
            FaultError: the file is not such that it could be put in.
        """
        text = (ROOT / self.file).read_text()
        if text.count(self.before) != 1:
            raise FaultError(f"{Path(__file__).name}: {self.before!r} is not once in {self.file}")
        return text.replace(self.before, self.after)


class FaultError(Exception):
    """The contracts have changed such that a fault cannot be planted."""


LEDGER = "contracts/market/Ledger.sol"
COUPLES = "contracts/market/Couples.sol"
TRAINING = "contracts/market/Training.sol"
SETTLEMENT = "contracts/market/Settlement.sol"
IDS = "contracts/libraries/Ids.sol"
LOTTERY = "contracts/libraries/Lottery.sol"

FAULTS = (
    PlantedFault(
        "a deposit credits a wei too much",
        "LedgerProofs.depositConserves",
        LEDGER,
        "_free(account, msg.value);",
        "_free(account, msg.value + 1);",
    ),
    PlantedFault(
        "a withdrawal leaves the balance as it was",
        "LedgerProofs.withdrawConserves",
        LEDGER,
        "_lock(msg.sender, amount);",
        "",
    ),
    PlantedFault(
        "an ended couple keeps its escrow",
        "CoupleProofs.refusedRequestIsRefunded",
        COUPLES,
        "couple.escrow = 0;",
        "",
    ),
    PlantedFault(
        "the bond of a DO that withheld its seed goes to whoever says so",
        "CoupleProofs.withheldSeedCostsTheBond",
        TRAINING,
        "_free(Ids.ownerOf(tc), _datasets",
        "_free(msg.sender, _datasets",
    ),
    PlantedFault(
        "any word passes for a link",
        "ChainProofs.startOpensOneLink",
        TRAINING,
        "if (!SeedChain.opens(tip, link)) revert Training_WrongSeed(tc, link, tip);",
        "",
    ),
    PlantedFault(
        "the tip stays when a link is opened",
        "ChainProofs.usedLinkIsRefused",
        TRAINING,
        "return link;",
        "return tip;",
    ),
    PlantedFault(
        "a subset can be drawn twice in an epoch",
        "DrawProofs.roundDrawsWhatIsLeft",
        TRAINING,
        "uint256 pool = all & ~before;",
        "uint256 pool = all;",
    ),
    PlantedFault(
        "a serial is read without its highest bits",
        "IdsProofs.idTellsOwnerAndSerial",
        IDS,
        "type(uint48).max",
        "type(uint40).max",
    ),
    PlantedFault(
        "what was drawn can be drawn again",
        "LotteryProofs.drawIsWithoutReplacement",
        LOTTERY,
        "pool ^= bit;",
        "",
    ),
    PlantedFault(
        "a rank is counted from 1",
        "LotteryProofs.nthSetBitHasItsRank",
        LOTTERY,
        "if (rank >= below)",
        "if (rank > below)",
    ),
    PlantedFault(
        "who agreed is paid twice",
        "SettlementProofs.settlingPaysWhereAllAgree",
        SETTLEMENT,
        "_recordVerdict(tally, i, amount);",
        "_recordVerdict(tally, i, amount); _free(_instances[tally.cis[i]].cloudOwner, amount);",
    ),
    PlantedFault(
        "half of the replicas are a majority",
        "SettlementProofs.settlingNeedsAQuorum",
        SETTLEMENT,
        "tally.count / 2 + 1",
        "tally.count / 2",
    ),
    PlantedFault(
        "who asks for all pays for no subset that a liar voids",
        "SettlementProofs.closingWhereAllWereToAgreePaysReports",
        SETTLEMENT,
        "if (quorum > _majority(tally)) return true;",
        "",
    ),
    PlantedFault(
        "the penalties of the silent vanish",
        "SettlementProofs.closingMovesCoinsOnly",
        SETTLEMENT,
        "couple.escrow += SafeCast.toUint96(penalties);",
        "penalties;",
    ),
)
