// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITraining} from "contracts/interfaces/ITraining.sol";
import {Ids} from "contracts/libraries/Ids.sol";
import {Couples} from "contracts/market/Couples.sol";
import {Prover} from "assurance/proofs/Prover.sol";

/// @title Proofs of the seed chains: a link is taken exactly if it opens the tip
/// @notice keccak256 is taken to have neither collisions nor a word that is its own hash.
/// @custom:solver integers
contract ChainProofs is Prover {
    address private constant DATA_OWNER = address(0xD0);
    address private constant MODEL_OWNER = address(0xA0);

    function setUp() external {
        _deployMarket();
    }

    /// @notice A round is started exactly by the MO, and exactly with the preimage of its tip. The link is the next tip,
    /// and the DO's chain and the escrow are as they were.
    /// @custom:bounds a couple that is Approved; a location of 32 bytes
    function check_startOpensOneLink(address caller, bytes32 moTip, bytes32 doTip, bytes32 link) external {
        uint256 tc = _setUp(ITraining.CouplePhase.Approved, moTip, doTip);
        bool ok = _call(caller, abi.encodeCall(market.startRound, (tc, link, link, abi.encode(link))));
        assert(ok == (caller == MODEL_OWNER && keccak256(abi.encode(link)) == moTip));
        Couples.Couple memory couple = market.coupleOf(tc);
        assert(couple.moTip == (ok ? link : moTip));
        assert(couple.doTip == doTip && couple.escrow == 0);
    }

    /// @notice A round is drawn exactly by the DO, and exactly with the preimage of its tip. The link is the next tip, and
    /// the MO's chain and the escrow are as they were.
    /// @custom:bounds a couple that is Drawing, of a dataset of one subset
    /// @custom:halmos --loop 8
    function check_drawOpensOneLink(address caller, bytes32 moTip, bytes32 doTip, bytes32 link) external {
        uint256 tc = _setUp(ITraining.CouplePhase.Drawing, moTip, doTip);
        bool ok = _call(caller, abi.encodeCall(market.drawRound, (tc, link)));
        assert(ok == (caller == DATA_OWNER && keccak256(abi.encode(link)) == doTip));
        Couples.Couple memory couple = market.coupleOf(tc);
        assert(couple.doTip == (ok ? link : doTip));
        assert(couple.moTip == moTip && couple.escrow == 0);
    }

    /// @notice A link that was opened does not open anything again.
    /// @custom:bounds a couple that is Approved; a location of 32 bytes; no word is its own hash
    function check_usedLinkIsRefused(bytes32 moTip, bytes32 link) external {
        vm.assume(keccak256(abi.encode(link)) != link);
        uint256 tc = _setUp(ITraining.CouplePhase.Approved, moTip, 0);
        bytes memory call = abi.encodeCall(market.startRound, (tc, link, link, abi.encode(link)));
        bool ok = _call(MODEL_OWNER, call);
        vm.assume(ok);
        _setUp(ITraining.CouplePhase.Approved, market.coupleOf(tc).moTip, 0);
        ok = _call(MODEL_OWNER, call);
        assert(!ok);
    }

    function _setUp(ITraining.CouplePhase phase, bytes32 moTip, bytes32 doTip) private returns (uint256 tc) {
        tc = Ids.make(MODEL_OWNER, Ids.COUPLE, 1);
        market.setUpChains(Ids.make(DATA_OWNER, Ids.DATASET, 1), tc, phase, moTip, doTip);
    }
}
