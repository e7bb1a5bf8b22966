// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Ids} from "contracts/libraries/Ids.sol";
import {Prover} from "assurance/proofs/Prover.sol";
import {RoundFixture} from "assurance/proofs/RoundFixture.sol";

/// @title Proofs of the money of a round: what each verdict costs and pays, and that no coin is made or lost
/// @notice One subset of one round. Prices, escrow, bonds, balances and the quorum asked for stand for any. Who owns
/// what has fixed addresses, all different, as the market's roles have it: it only compares them.
/// @custom:solver integers
contract SettlementProofs is Prover {
    uint256 private constant REPLICAS = 3;
    uint8 private constant MAJORITY = 2;
    uint16 private constant FLAGGED_OUT = type(uint16).max;
    uint16 private constant SUBSET = 2;
    address private constant ANYBODY = address(0x5E);

    /// @dev Where the coins are, and which subsets are pending.
    struct Coins {
        uint256 escrow;
        uint256 dataOwner;
        uint256[REPLICAS] bonds;
        uint256[REPLICAS] balances;
        uint256 pending;
    }

    function setUp() external {
        _deployMarket();
    }

    /// @notice Where all agree, each Accepted gets the job's price and the DO its share, from the escrow; no other coin
    /// moves, none is made or lost, and settling is never refused.
    /// @custom:bounds 3 replicas
    /// @custom:halmos --loop 8
    function check_settlingPaysWhereAllAgree(RoundFixture.Amounts memory amounts) external {
        _settle(0, RoundFixture.Act.Agrees, amounts);
    }

    /// @notice Where one is Faulty, it loses its whole bond and gets nothing, each Accepted gets at least the job's
    /// price, the DO its share, and the escrow falls by at most what the subset costs; no coin is made or lost, and
    /// settling is never refused.
    /// @custom:bounds 3 replicas: all 3 that can be Faulty
    /// @custom:halmos --loop 8
    function check_settlingTakesTheBondOfTheFaulty(uint8 place, RoundFixture.Amounts memory amounts) external {
        for (uint8 some = 0; some < REPLICAS; ++some) {
            if (place == some) return _settle(some, RoundFixture.Act.Differs, amounts);
        }
    }

    /// @notice Where one is silent, it loses the penalty or what its bond has, and gets nothing; the others and the DO as
    /// where one is Faulty; no coin is made or lost, and settling is never refused.
    /// @custom:bounds 3 replicas: all 3 that can be silent
    /// @custom:halmos --loop 8
    function check_settlingFinesTheSilent(uint8 place, RoundFixture.Amounts memory amounts) external {
        for (uint8 some = 0; some < REPLICAS; ++some) {
            if (place == some) return _settle(some, RoundFixture.Act.IsSilent, amounts);
        }
    }

    /// @notice Where one flagged, it neither loses nor gets anything; the others and the DO as where one is Faulty; no
    /// coin is made or lost, and settling is never refused.
    /// @custom:bounds 3 replicas: all 3 that can have flagged
    /// @custom:halmos --loop 8
    function check_settlingLeavesWhoFlagged(uint8 place, RoundFixture.Amounts memory amounts) external {
        for (uint8 some = 0; some < REPLICAS; ++some) {
            if (place == some) return _settle(some, RoundFixture.Act.Flags, amounts);
        }
    }

    /// @notice A subset is settled exactly if more than half of its replicas agree, and as many as its MO asked for, or
    /// all if it asked for more. Otherwise the call is refused, and so nothing moves.
    /// @custom:bounds 3 replicas, each of which agreed, differed, was silent or flagged: all 64 cases; amounts zero
    /// @custom:halmos --loop 64
    function check_settlingNeedsAQuorum(uint8 acts, uint8 quorum) external {
        for (uint8 some = 0; some < 64; ++some) if (acts == some) return _ask(_actsOf(some), quorum);
    }

    /// @notice Closing an overdue subset moves coins between escrow, bonds and the balances of its COs and the DO only,
    /// and their sum stays what it was. The silent pay the penalty or what their bond has into the escrow. Who reported
    /// gets nothing, unless somebody flagged: then who reported gets the job's price, and the DO the rest of what the
    /// subset costs. The MO asked for just a majority.
    /// @custom:bounds 3 replicas, each of which reported, was silent or flagged: all 10 cases, not in every order
    /// @custom:halmos --loop 64
    function check_closingMovesCoinsOnly(uint8 acts, RoundFixture.Amounts memory amounts) external {
        for (uint8 some = 0; some < 64; ++some) {
            if (_isCase(some) && acts == some) return _close(_actsOf(some), MAJORITY, 0, amounts);
        }
    }

    /// @notice The same where the MO asked for all to agree: what a flag costs it does not hang on its quorum.
    /// @custom:bounds 3 replicas of which one at least flagged and the others reported or were silent: all 6 cases, not
    /// in every order
    /// @custom:halmos --loop 64
    function check_closingWhereAllWereToAgreeMovesCoinsOnly(uint8 acts, RoundFixture.Amounts memory amounts) external {
        for (uint8 some = 0; some < 64; ++some) {
            if (!_isCase(some) || _count(_actsOf(some), RoundFixture.Act.Flags) == 0) continue;
            if (acts == some) return _close(_actsOf(some), uint8(REPLICAS), 0, amounts);
        }
    }

    /// @notice And where it asked for all to agree and nobody flagged: who reported is paid as if somebody had, and the
    /// silent are fined.
    /// @custom:bounds 3 replicas, each of which reported or was silent: all 4 cases, not in every order
    /// @custom:halmos --loop 64
    function check_closingWhereAllWereToAgreePaysReports(uint8 acts, RoundFixture.Amounts memory amounts) external {
        for (uint8 some = 0; some < 64; ++some) {
            if (!_isCase(some) || _count(_actsOf(some), RoundFixture.Act.Flags) != 0) continue;
            if (acts == some) return _close(_actsOf(some), uint8(REPLICAS), 0, amounts);
        }
    }

    /// @notice Closing a subset of a round that was flagged out pays each that reported the job's price from the escrow,
    /// if any did the DO the rest of what the subset costs, and fines nobody.
    /// @custom:bounds 3 replicas, each of which reported, was silent or flagged: all 10 cases, not in every order
    /// @custom:halmos --loop 64
    function check_closingAFlaggedOutRoundFinesNobody(uint8 acts, RoundFixture.Amounts memory amounts) external {
        for (uint8 some = 0; some < 64; ++some) {
            if (_isCase(some) && acts == some) return _close(_actsOf(some), 0, FLAGGED_OUT, amounts);
        }
    }

    /// @dev Settles a subset where all agree but one.
    function _settle(uint256 place, RoundFixture.Act act, RoundFixture.Amounts memory amounts) private {
        RoundFixture.Act[REPLICAS] memory acts;
        acts[place] = act;
        _settle(acts, amounts);
    }

    function _settle(RoundFixture.Act[REPLICAS] memory acts, RoundFixture.Amounts memory amounts) private {
        unchecked {
            vm.assume(_sum(amounts) <= MAX_HOLDINGS);
            uint256 price = REPLICAS * uint256(amounts.jobPrice) + amounts.roundPrice;
            vm.assume(amounts.escrow >= price);
            market.setUpRound(_ds(), _tc(), acts, 0, 0, uint40(NOW - 50), amounts);
            bytes memory call = abi.encodeCall(market.settleRound, (_tc(), SUBSET, "digest", market.reports(acts)));

            assert(_call(ANYBODY, call));

            Coins memory coins = _coins();
            bool right = _and(coins.dataOwner == amounts.roundPrice, coins.escrow + price >= amounts.escrow);
            for (uint256 i = 0; i < REPLICAS; ++i) {
                right = _and(right, _isRight(acts[i], amounts, i, coins.bonds[i], coins.balances[i]));
            }
            assert(_and(right, _total(coins) == _sum(amounts)));
            assert(coins.pending == 1);
        }
    }

    function _ask(RoundFixture.Act[REPLICAS] memory acts, uint8 quorum) private {
        RoundFixture.Amounts memory nothing;
        market.setUpRound(_ds(), _tc(), acts, quorum, 0, uint40(NOW - 50), nothing);
        bytes memory call = abi.encodeCall(market.settleRound, (_tc(), SUBSET, "digest", market.reports(acts)));
        bool ok = _call(ANYBODY, call);
        uint256 agreeing = _count(acts, RoundFixture.Act.Agrees);
        assert(ok == _and(agreeing > REPLICAS / 2, _or(quorum <= agreeing, agreeing == REPLICAS)));
    }

    function _close(
        RoundFixture.Act[REPLICAS] memory acts,
        uint8 quorum,
        uint16 flagsLeft,
        RoundFixture.Amounts memory amounts
    ) private {
        unchecked {
            vm.assume(_sum(amounts) <= MAX_HOLDINGS);
            vm.assume(amounts.escrow >= REPLICAS * uint256(amounts.jobPrice) + amounts.roundPrice);
            market.setUpRound(_ds(), _tc(), acts, quorum, flagsLeft, uint40(NOW - 150), amounts);
            uint16[] memory subsets = new uint16[](1);
            subsets[0] = SUBSET;

            assert(_call(ANYBODY, abi.encodeCall(market.closeRound, (_tc(), subsets))));

            uint256 flags = _count(acts, RoundFixture.Act.Flags);
            bool flaggedOut = flagsLeft == FLAGGED_OUT;
            bool paid = flaggedOut || flags != 0 || quorum > MAJORITY;
            uint256 reported = paid ? _count(acts, RoundFixture.Act.Differs) : 0;
            Coins memory coins = _coins();
            bool right =
                coins.dataOwner ==
                    (reported == 0 ? 0 : amounts.roundPrice + (REPLICAS - reported) * uint256(amounts.jobPrice));
            for (uint256 i = 0; i < REPLICAS; ++i) {
                RoundFixture.Act act = acts[i];
                if (act == RoundFixture.Act.IsSilent && !flaggedOut) {
                    right = _and(right, _isRight(act, amounts, i, coins.bonds[i], coins.balances[i]));
                    continue;
                }
                uint256 pay = act == RoundFixture.Act.Differs && paid ? amounts.jobPrice : 0;
                right = _and(right, coins.bonds[i] == amounts.bonds[i]);
                right = _and(right, coins.balances[i] == amounts.balances[i] + pay);
            }
            assert(_and(right, _total(coins) == _sum(amounts)));
            assert(coins.pending == 1);
        }
    }

    function _isRight(
        RoundFixture.Act act,
        RoundFixture.Amounts memory amounts,
        uint256 i,
        uint256 bond,
        uint256 balance
    ) private pure returns (bool) {
        unchecked {
            uint256 gain = balance - amounts.balances[i];
            uint256 loss = amounts.bonds[i] - bond;
            if (act == RoundFixture.Act.Agrees) return _and(gain >= amounts.jobPrice, loss == 0);
            if (act == RoundFixture.Act.Differs) return _and(gain == 0, bond == 0);
            if (act == RoundFixture.Act.Flags) return _and(gain == 0, loss == 0);
            bool whole = _and(bond == 0, amounts.bonds[i] < amounts.missPenalty);
            return _and(gain == 0, _or(whole, _and(bond <= amounts.bonds[i], loss == amounts.missPenalty)));
        }
    }

    // --- what is so ---

    function _coins() private view returns (Coins memory coins) {
        (coins.escrow, coins.dataOwner, coins.bonds, coins.balances, coins.pending) = market.coins();
    }

    function _total(Coins memory coins) private pure returns (uint256 sum) {
        unchecked {
            sum = coins.escrow + coins.dataOwner;
            for (uint256 i = 0; i < REPLICAS; ++i) sum += coins.bonds[i] + coins.balances[i];
        }
    }

    function _sum(RoundFixture.Amounts memory amounts) private pure returns (uint256 sum) {
        unchecked {
            sum = amounts.escrow;
            for (uint256 i = 0; i < REPLICAS; ++i) sum += uint256(amounts.bonds[i]) + amounts.balances[i];
        }
    }

    function _actsOf(uint8 some) private pure returns (RoundFixture.Act[REPLICAS] memory acts) {
        for (uint256 i = 0; i < REPLICAS; ++i) acts[i] = RoundFixture.Act((some >> (2 * i)) & 3);
    }

    /// @dev One order of what three that do not agree may have done, of each such three.
    function _isCase(uint8 some) private pure returns (bool one) {
        RoundFixture.Act[REPLICAS] memory acts = _actsOf(some);
        return acts[0] != RoundFixture.Act.Agrees && acts[0] <= acts[1] && acts[1] <= acts[2];
    }

    function _count(RoundFixture.Act[REPLICAS] memory acts, RoundFixture.Act act) private pure returns (uint256 count) {
        for (uint256 i = 0; i < REPLICAS; ++i) if (acts[i] == act) ++count;
    }

    function _ds() private pure returns (uint256 ds) {
        return Ids.make(address(0xD0), Ids.DATASET, 1);
    }

    function _tc() private pure returns (uint256 tc) {
        return Ids.make(address(0xA0), Ids.COUPLE, 1);
    }

    // without a branch, so that what follows is not explored twice

    function _and(bool one, bool other) private pure returns (bool both) {
        assembly ("memory-safe") {
            both := and(one, other)
        }
    }

    function _or(bool one, bool other) private pure returns (bool either) {
        assembly ("memory-safe") {
            either := or(one, other)
        }
    }
}
