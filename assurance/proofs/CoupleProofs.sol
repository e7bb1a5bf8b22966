// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ISettlement} from "contracts/interfaces/ISettlement.sol";
import {ITraining} from "contracts/interfaces/ITraining.sol";
import {Ids} from "contracts/libraries/Ids.sol";
import {Couples} from "contracts/market/Couples.sol";
import {Prover} from "assurance/proofs/Prover.sol";

/// @title Proofs of a couple's money and phases outside its rounds: any state, any caller, any couple
/// @notice The MO, the DO and whoever else is looked at are different members: an address has one role.
/// @custom:solver integers
contract CoupleProofs is Prover {
    /// @dev What is looked at before and after a call.
    struct Holdings {
        address mo;
        address dO;
        address other;
        uint256 moBalance;
        uint256 doBalance;
        uint256 otherBalance;
        uint256 escrow;
        uint256 bond;
    }

    function setUp() external {
        _deployAnyMarket();
    }

    /// @notice A request takes from the caller's balance what it puts into the escrow, and touches nobody else's. The
    /// escrow is the price of all rounds, not cut by any cast.
    /// @custom:bounds none
    function check_requestLocksTheEscrow(
        address caller,
        address other,
        uint256 mod,
        uint256 ds,
        uint16 maxRounds,
        bytes32 tip,
        uint8 quorum
    ) external {
        vm.assume(other != caller);
        uint256 mine = market.balanceOf(caller);
        uint256 others = market.balanceOf(other);
        vm.assume(mine <= MAX_HOLDINGS);
        uint256 tc = market.nextCoupleOf(caller);
        bool ok = _call(caller, abi.encodeCall(market.requestTC, (mod, ds, maxRounds, tip, quorum)));
        assert(market.balanceOf(other) == others);
        if (!ok) return;
        uint256 escrow = market.coupleOf(tc).escrow;
        assert(market.balanceOf(caller) + escrow == mine);
        assert(escrow == market.priceOf(ds, maxRounds));
        assert(Ids.ownerOf(mod) == caller);
    }

    /// @notice Approving takes the DO's bond from the DO's balance and nothing else from anybody; only the DO of the
    /// dataset can, and only while the request is open.
    /// @custom:bounds none
    function check_approvalLocksTheBond(address caller, address other, uint256 tc, bytes32 tip) external {
        Holdings memory before = _open(tc, other);
        ITraining.CouplePhase phase = market.phaseOf(tc);
        bool ok = _call(caller, abi.encodeCall(market.approveTC, (tc, tip)));
        if (!ok) return;
        assert(caller == before.dO && phase == ITraining.CouplePhase.Requested);
        _same(before, tc, before.moBalance, before.doBalance - before.bond, before.escrow);
        assert(market.coupleOf(tc).phase == ITraining.CouplePhase.Approved);
        assert(before.doBalance >= before.bond);
    }

    /// @notice Declining and cancelling, by the MO or once the request lapsed, give the whole escrow back to the MO and
    /// nothing to anybody else; each only by its party, and only before the couple is approved.
    /// @custom:bounds none
    function check_refusedRequestIsRefunded(address caller, address other, uint256 tc, uint8 how) external {
        Holdings memory before = _open(tc, other);
        ITraining.CouplePhase phase = market.phaseOf(tc);
        bytes memory call;
        if (how == 0) call = abi.encodeCall(market.declineTC, (tc));
        else if (how == 1) call = abi.encodeCall(market.cancelTC, (tc));
        else call = abi.encodeCall(market.expireRequest, (tc));
        bool ok = _call(caller, call);
        if (!ok) return;
        assert(how != 0 || caller == before.dO);
        assert(how != 1 || caller == before.mo);
        assert(phase == ITraining.CouplePhase.Requested || phase == ITraining.CouplePhase.Lapsed);
        _same(before, tc, before.moBalance + before.escrow, before.doBalance, 0);
    }

    /// @notice Completing, by the MO or once the couple ended, gives what is left of the escrow to the MO and its bond to
    /// the DO, and nothing to anybody else.
    /// @custom:bounds none
    function check_completionRefunds(address caller, address other, uint256 tc, bytes32 hash, bool expired) external {
        Holdings memory before = _open(tc, other);
        bytes memory call =
            expired ? abi.encodeCall(market.expireTC, (tc)) : abi.encodeCall(market.completeTC, (tc, hash));
        bool ok = _call(caller, call);
        if (!ok) return;
        assert(expired || caller == before.mo);
        _same(before, tc, before.moBalance + before.escrow, before.doBalance + before.bond, 0);
        assert(market.phaseOf(tc) == ITraining.CouplePhase.Completed);
    }

    /// @notice A DO that withholds its seed loses its bond, and the MO has it with what is left of the escrow; anybody
    /// may see to it, and nobody else gets anything.
    /// @custom:bounds none
    function check_withheldSeedCostsTheBond(address caller, address other, uint256 tc) external {
        Holdings memory before = _open(tc, other);
        ITraining.CouplePhase phase = market.phaseOf(tc);
        bool ok = _call(caller, abi.encodeCall(market.expireDraw, (tc)));
        assert(ok == (phase == ITraining.CouplePhase.Withheld));
        if (!ok) return;
        _same(before, tc, before.moBalance + before.escrow + before.bond, before.doBalance, 0);
        assert(market.phaseOf(tc) == ITraining.CouplePhase.Aborted);
    }

    /// @notice A couple that does not exist, or is Declined, Cancelled, Aborted or Completed, stays so: every call that
    /// names it is refused, whoever makes it.
    /// @custom:bounds one report, one subset, a location of 32 bytes
    function check_terminalIsForEver(address caller, uint256 tc, uint8 which, uint256 any, bytes32 word) external {
        _assumeSound(abi.encodeCall(market.coupleOf, (tc)));
        ITraining.CouplePhase phase = market.coupleOf(tc).phase;
        vm.assume(phase == ITraining.CouplePhase.None || phase >= ITraining.CouplePhase.Declined);
        bytes memory location = abi.encode(word);
        uint16[] memory subsets = new uint16[](1);
        bytes memory call;
        if (which == 0) call = abi.encodeCall(market.approveTC, (tc, word));
        else if (which == 1) call = abi.encodeCall(market.declineTC, (tc));
        else if (which == 2) call = abi.encodeCall(market.cancelTC, (tc));
        else if (which == 3) call = abi.encodeCall(market.expireRequest, (tc));
        else if (which == 4) call = abi.encodeCall(market.completeTC, (tc, word));
        else if (which == 5) call = abi.encodeCall(market.expireTC, (tc));
        else if (which == 6) call = abi.encodeCall(market.startRound, (tc, word, word, location));
        else if (which == 7) call = abi.encodeCall(market.drawRound, (tc, word));
        else if (which == 8) call = abi.encodeCall(market.expireDraw, (tc));
        else if (which == 9) call = abi.encodeCall(market.updateTJ, (tc, any, uint16(any), word, word, location));
        else if (which == 10) {
            call = abi.encodeCall(market.flagTJ, (tc, any, uint16(any), ITraining.FlagReason.PlanRefused));
        } else if (which == 11) call = abi.encodeCall(market.closeRound, (tc, subsets));
        else call = abi.encodeCall(market.settleRound, (tc, uint16(any), word, _oneReport(any, word)));
        bool ok = _call(caller, call);
        assert(!ok);
    }

    function _oneReport(uint256 ci, bytes32 word) private pure returns (ISettlement.Report[] memory reports) {
        reports = new ISettlement.Report[](1);
        reports[0] = ISettlement.Report(ci, word, word);
    }

    /// @dev The accounts that a couple's coins can be in, all coins being parts of what the market holds.
    function _open(uint256 tc, address other) private view returns (Holdings memory before) {
        _assumeSound(abi.encodeCall(market.coupleOf, (tc)));
        before.mo = Ids.ownerOf(tc);
        Couples.Couple memory couple = market.coupleOf(tc);
        before.dO = couple.dataOwner;
        before.other = other;
        vm.assume(before.mo != before.dO && other != before.mo && other != before.dO);
        before.moBalance = market.balanceOf(before.mo);
        before.doBalance = market.balanceOf(before.dO);
        before.otherBalance = market.balanceOf(other);
        before.escrow = couple.escrow;
        before.bond = market.coupleBondOf(tc);
        vm.assume(before.moBalance <= MAX_HOLDINGS && before.doBalance <= MAX_HOLDINGS);
    }

    function _same(
        Holdings memory before,
        uint256 tc,
        uint256 moBalance,
        uint256 doBalance,
        uint256 escrow
    ) private view {
        assert(market.balanceOf(before.mo) == moBalance);
        assert(market.balanceOf(before.dO) == doBalance);
        assert(market.balanceOf(before.other) == before.otherBalance);
        assert(market.coupleOf(tc).escrow == escrow);
    }
}
