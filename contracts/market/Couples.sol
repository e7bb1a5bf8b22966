// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ITraining} from "../interfaces/ITraining.sol";
import {Ids} from "../libraries/Ids.sol";
import {Distribution} from "./Distribution.sol";

/// @title Couples
/// @notice Train couples: how they are asked for, agreed to and ended, and where they stand.
/// @dev Branch tree and rules: docs/specification.md, T.
abstract contract Couples is Distribution {
    /// @dev Six words. The first is written once, the second by every call. `drawnThisEpoch` and `notPending` are kept
    /// such that they are never zero again after the first draw: a slot that goes back to zero is paid for anew each
    /// round.
    struct Couple {
        address dataOwner;
        uint32 datasetSerial;
        uint24 modelSerial;
        uint40 windowEndsAt;
        // second word
        CouplePhase phase;
        uint8 quorum;
        uint16 round;
        uint16 maxRounds;
        uint16 rem;
        uint16 flagsLeft;
        uint24 poolVersion;
        uint40 deadline;
        uint96 escrow;
        // then
        bytes32 moTip;
        bytes32 doTip;
        uint256 drawnThisEpoch;
        uint256 notPending;
    }

    /// @dev What `flagsLeft` says of a round that was flagged out; no round has so many jobs.
    uint16 internal constant FLAGGED_OUT = type(uint16).max;

    mapping(uint256 tc => Couple) internal _couples;
    mapping(uint256 tc => mapping(uint256 ci => TrainJob)) internal _jobs;

    // --- the request ---

    /// @inheritdoc ITraining
    function createMod(
        string calldata modelType,
        bytes32 planHash,
        bytes calldata planLocation
    ) external returns (uint256 mod) {
        _requireRole(msg.sender, Role.ModelOwner);
        mod = Ids.make(msg.sender, Ids.MODEL, ++_accounts[msg.sender].models);
        emit ModelCreated(mod, msg.sender, modelType, planHash, planLocation);
    }

    /// @inheritdoc ITraining
    function requestTC(
        uint256 mod,
        uint256 ds,
        uint16 maxRounds,
        bytes32 seedTip,
        uint8 quorum
    ) external returns (uint256 tc) {
        _requireModel(mod);
        Dataset storage dataset = _requireDataset(ds);
        if (maxRounds == 0 || quorum > dataset.maxReplicas) {
            revert Training_BadRequest(maxRounds, quorum, dataset.maxReplicas);
        }
        uint256 deadline = block.timestamp + dataset.answerWindowSeconds;
        uint256 windowEndsAt = deadline + dataset.coupleWindowSeconds;
        _requireWithinOffer(ds, dataset, windowEndsAt);
        uint256 escrow =
            uint256(maxRounds) *
                (uint256(dataset.roundPrice) +
                    uint256(dataset.subsetsPerRound) * dataset.maxReplicas * dataset.jobPrice);
        _lock(msg.sender, escrow);

        tc = Ids.make(msg.sender, Ids.COUPLE, ++_accounts[msg.sender].couples);
        Couple storage couple = _couples[tc];
        couple.dataOwner = Ids.ownerOf(ds);
        couple.datasetSerial = uint32(Ids.serialOf(ds));
        couple.modelSerial = uint24(Ids.serialOf(mod));
        couple.windowEndsAt = uint40(windowEndsAt);
        couple.phase = CouplePhase.Requested;
        couple.quorum = quorum;
        couple.maxRounds = maxRounds;
        couple.deadline = uint40(deadline);
        couple.escrow = SafeCast.toUint96(escrow);
        couple.moTip = seedTip;
        emit CoupleRequested(tc, msg.sender, ds, mod, maxRounds, seedTip, quorum, escrow);
    }

    /// @inheritdoc ITraining
    function approveTC(uint256 tc, bytes32 seedTip) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Requested));
        _requireParty(tc, couple.dataOwner);
        uint256 ds = _datasetOf(couple);
        Dataset storage dataset = _datasets[ds];
        if (dataset.covered != dataset.subsets) {
            revert Training_SubsetsUncovered(ds, dataset.covered, dataset.subsets);
        }
        _lock(msg.sender, dataset.coupleBond);
        couple.phase = CouplePhase.Approved;
        couple.deadline = 0;
        couple.doTip = seedTip;
        emit CoupleApproved(tc, msg.sender, seedTip);
    }

    /// @inheritdoc ITraining
    function declineTC(uint256 tc) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Requested));
        _requireParty(tc, couple.dataOwner);
        _end(tc, couple, CouplePhase.Declined);
        emit CoupleDeclined(tc, msg.sender);
    }

    /// @inheritdoc ITraining
    function cancelTC(uint256 tc) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Requested) | _only(CouplePhase.Lapsed));
        _requireParty(tc, Ids.ownerOf(tc));
        _end(tc, couple, CouplePhase.Cancelled);
        emit CoupleCancelled(tc, msg.sender);
    }

    /// @inheritdoc ITraining
    function expireRequest(uint256 tc) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Lapsed));
        _end(tc, couple, CouplePhase.Cancelled);
        emit CoupleCancelled(tc, msg.sender);
    }

    // --- the end ---

    /// @inheritdoc ITraining
    function completeTC(uint256 tc, bytes32 finalModelHash) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Approved) | _only(CouplePhase.Ended));
        _requireParty(tc, Ids.ownerOf(tc));
        _complete(tc, couple, finalModelHash);
    }

    /// @inheritdoc ITraining
    function expireTC(uint256 tc) external {
        _complete(tc, _requirePhase(tc, _only(CouplePhase.Ended)), 0);
    }

    // --- views ---

    /// @inheritdoc ITraining
    function phaseOf(uint256 tc) external view returns (CouplePhase phase) {
        return _phaseOf(_couples[tc]);
    }

    /// @inheritdoc ITraining
    function trainCouple(uint256 tc) external view returns (TrainCouple memory view_) {
        Couple storage couple = _couples[tc];
        CouplePhase phase = _phaseOf(couple);
        if (phase == CouplePhase.None) return view_;
        view_.ds = _datasetOf(couple);
        view_.mod = Ids.make(Ids.ownerOf(tc), Ids.MODEL, couple.modelSerial);
        view_.phase = phase;
        view_.round = couple.round;
        view_.maxRounds = couple.maxRounds;
        view_.rem = couple.rem;
        view_.flagsLeft = couple.flagsLeft;
        view_.quorum = couple.quorum;
        view_.poolVersion = couple.poolVersion;
        view_.deadline = couple.deadline;
        view_.windowEndsAt = couple.windowEndsAt;
        view_.escrow = couple.escrow;
        view_.moTip = couple.moTip;
        view_.doTip = couple.doTip;
        view_.drawnThisEpoch = couple.drawnThisEpoch;
        view_.pending = couple.phase == CouplePhase.Training ? ~couple.notPending : 0;
    }

    /// @inheritdoc ITraining
    function trainJob(uint256 tc, uint256 ci) external view returns (TrainJob memory job) {
        job = _jobs[tc][ci];
        if (job.status == JobStatus.Reported) {
            Couple storage couple = _couples[tc];
            bool open = couple.phase == CouplePhase.Training && couple.round == job.round;
            if (!open || !_isPending(couple, Ids.subsetOf(ci))) job.status = JobStatus.Void;
        }
    }

    // --- phases ---

    /// @dev What is stored, and what time makes of it. All that time changes is here.
    function _phaseOf(Couple storage couple) internal view returns (CouplePhase phase) {
        phase = couple.phase;
        if (phase == CouplePhase.Approved) {
            bool over = couple.round == couple.maxRounds || block.timestamp > couple.windowEndsAt;
            return over ? CouplePhase.Ended : phase;
        }
        bool late = block.timestamp > couple.deadline;
        if (phase == CouplePhase.Requested) return late ? CouplePhase.Lapsed : phase;
        if (phase == CouplePhase.Drawing) return late ? CouplePhase.Withheld : phase;
        if (phase != CouplePhase.Training) return phase;
        if (couple.flagsLeft == FLAGGED_OUT) return CouplePhase.Overdue;
        if (late || couple.rem == 0) {
            uint256 settleDeadline = uint256(couple.deadline) + _datasets[_datasetOf(couple)].settleWindowSeconds;
            return block.timestamp > settleDeadline ? CouplePhase.Overdue : CouplePhase.Settling;
        }
    }

    function _only(CouplePhase phase) internal pure returns (uint256 allowed) {
        return 1 << uint8(phase);
    }

    function _requirePhase(uint256 tc, uint256 allowed) internal view returns (Couple storage couple) {
        couple = _couples[tc];
        CouplePhase phase = _phaseOf(couple);
        if (_only(phase) & allowed == 0) revert Training_WrongPhase(tc, phase, allowed);
    }

    function _becomeIdle(Couple storage couple) internal {
        couple.phase = CouplePhase.Approved;
        couple.rem = 0;
        couple.deadline = 0;
    }

    function _complete(uint256 tc, Couple storage couple, bytes32 finalModelHash) private {
        _free(couple.dataOwner, _datasets[_datasetOf(couple)].coupleBond);
        uint256 refund = _end(tc, couple, CouplePhase.Completed);
        emit CoupleCompleted(tc, msg.sender, finalModelHash, refund);
    }

    /// @dev A terminal phase: what is left of the escrow is the MO's.
    function _end(uint256 tc, Couple storage couple, CouplePhase phase) internal returns (uint256 refund) {
        refund = couple.escrow;
        couple.escrow = 0;
        couple.deadline = 0;
        couple.phase = phase;
        _free(Ids.ownerOf(tc), refund);
    }

    // --- what follows from what is stored ---

    /// @dev False for an index over 255, which no subset has: shifting so far leaves no bit.
    function _isPending(Couple storage couple, uint256 index) internal view returns (bool) {
        return ~couple.notPending & (1 << index) != 0;
    }

    function _datasetOf(Couple storage couple) internal view returns (uint256 ds) {
        return Ids.make(couple.dataOwner, Ids.DATASET, couple.datasetSerial);
    }

    // --- checks ---

    function _requireModel(uint256 mod) private view {
        uint256 serial = Ids.serialOf(mod);
        bool known = serial != 0 && serial <= _accounts[msg.sender].models;
        if (!known || mod != Ids.make(msg.sender, Ids.MODEL, serial)) revert Training_NotYourModel(mod, msg.sender);
    }

    /// @dev A round that starts at the window's last second is over, and there was time to void what nobody settled,
    /// before the offer ends: from then on its instances can be released, and with them what the silent have forfeited.
    function _requireWithinOffer(uint256 ds, Dataset storage dataset, uint256 windowEndsAt) private view {
        uint256 needed =
            windowEndsAt +
                dataset.drawWindowSeconds +
                dataset.reportWindowSeconds +
                2 * uint256(dataset.settleWindowSeconds);
        if (needed > dataset.endsAt) revert Training_DatasetEnds(ds, dataset.endsAt, needed);
    }

    function _requireParty(uint256 tc, address party) internal view {
        if (msg.sender != party) revert Training_NotParty(tc, msg.sender, party);
    }
}
