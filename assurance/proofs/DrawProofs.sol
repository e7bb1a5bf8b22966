// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITraining} from "contracts/interfaces/ITraining.sol";
import {Ids} from "contracts/libraries/Ids.sol";
import {SeedChain} from "contracts/libraries/SeedChain.sol";
import {Couples} from "contracts/market/Couples.sol";
import {Prover} from "assurance/proofs/Prover.sol";

/// @title Proofs of the draws of a round: what is drawn, and what an epoch remembers of it
/// @custom:solver bits
contract DrawProofs is Prover {
    address private constant DATA_OWNER = address(0xD0);
    address private constant MODEL_OWNER = address(0xA0);
    uint256 private constant ALL = 7;
    uint256 private constant PER_ROUND = 2;

    function setUp() external {
        _deployMarket();
    }

    /// @notice A round draws subsets that the dataset has and that were not drawn in this epoch, as many as it should or
    /// all that are left, and so never none; the epoch remembers them, and is over when all were drawn.
    /// @custom:bounds datasets of 3 subsets of which a round draws 2, every state of an epoch, every seed of which no
    /// ticket but the first is rejected (a ticket is with probability 2^-16)
    /// @custom:halmos --loop 16 --solver-timeout-branching 10s
    function check_roundDrawsWhatIsLeft(bytes32 moTip, bytes32 link, uint8 drawnBefore) external {
        for (uint8 some = 0; some <= ALL; ++some) if (drawnBefore == some) return _draw(moTip, link, some);
    }

    function _draw(bytes32 moTip, bytes32 link, uint256 before) private {
        uint256 ds = Ids.make(DATA_OWNER, Ids.DATASET, 1);
        uint256 tc = Ids.make(MODEL_OWNER, Ids.COUPLE, 1);
        market.setUpChains(ds, tc, ITraining.CouplePhase.Drawing, moTip, keccak256(abi.encode(link)));
        market.setUpEpoch(ds, tc, 3, uint16(PER_ROUND), before);
        _admit(SeedChain.roundSeed(moTip, link, tc, market.coupleOf(tc).round));

        bool ok = _call(DATA_OWNER, abi.encodeCall(market.drawRound, (tc, link)));

        assert(ok);
        Couples.Couple memory couple = market.coupleOf(tc);
        uint256 drawn = ~couple.notPending;
        uint256 left = ALL & ~_remembered(before);
        assert(drawn & ~left == 0);
        assert(_count(drawn) == (_count(left) < PER_ROUND ? _count(left) : PER_ROUND));
        assert(drawn != 0);
        assert(_remembered(couple.drawnThisEpoch) == _remembered(_remembered(before) | drawn));
    }

    /// @dev That no ticket is rejected but the first: there are at most two more in a round.
    function _admit(bytes32 seed) private pure {
        uint256 word = uint256(keccak256(abi.encode(seed, uint256(0))));
        vm.assume(uint16(word >> 224) != type(uint16).max && uint16(word >> 208) != type(uint16).max);
    }

    /// @dev All drawn and none drawn mean the same: a new epoch.
    function _remembered(uint256 drawn) private pure returns (uint256 set) {
        return drawn == ALL ? 0 : drawn;
    }

    function _count(uint256 set) private pure returns (uint256 count) {
        return (set & 1) + ((set >> 1) & 1) + ((set >> 2) & 1);
    }
}
