// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITraining} from "../interfaces/ITraining.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lottery} from "../libraries/Lottery.sol";
import {Receipt} from "../libraries/Receipt.sol";
import {SeedChain} from "../libraries/SeedChain.sol";
import {Couples} from "./Couples.sol";

/// @title Training
/// @notice The rounds of a train couple: seeds, draws and answers.
/// @dev Branch tree and rules: docs/specification.md, T.
abstract contract Training is Couples {
    /// @inheritdoc ITraining
    function startRound(uint256 tc, bytes32 moSeed, bytes32 modelHash, bytes calldata modelLocation) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Approved));
        _requireParty(tc, Ids.ownerOf(tc));
        couple.moTip = _openLink(tc, couple.moTip, moSeed);
        Dataset storage dataset = _datasets[_datasetOf(couple)];
        uint16 round = ++couple.round;
        couple.poolVersion = dataset.poolVersion;
        couple.phase = CouplePhase.Drawing;
        couple.deadline = uint40(block.timestamp + dataset.drawWindowSeconds);
        emit RoundStarted(tc, msg.sender, round, moSeed, modelHash, modelLocation);
    }

    /// @inheritdoc ITraining
    function drawRound(uint256 tc, bytes32 doSeed) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Drawing));
        _requireParty(tc, couple.dataOwner);
        couple.doTip = _openLink(tc, couple.doTip, doSeed);
        uint256 ds = _datasetOf(couple);
        Dataset storage dataset = _datasets[ds];
        bytes32 seed = SeedChain.roundSeed(couple.moTip, doSeed, tc, couple.round);
        uint256 drawn = _draw(couple, seed, Lottery.full(dataset.subsets), dataset.subsetsPerRound);
        uint256 jobs = _countAssigned(ds, drawn, couple.poolVersion);

        couple.notPending = ~drawn;
        couple.rem = uint16(jobs);
        couple.flagsLeft = uint16(jobs / 2);
        couple.phase = CouplePhase.Training;
        couple.deadline = uint40(block.timestamp + dataset.reportWindowSeconds);
        emit RoundDrawn(tc, msg.sender, couple.round, doSeed, drawn, uint16(jobs));
    }

    /// @inheritdoc ITraining
    function updateTJ(
        uint256 tc,
        uint256 ci,
        uint16 round,
        bytes32 hash,
        bytes32 nonce,
        bytes calldata sealedLocation
    ) external {
        _answer(tc, ci, round, TrainJob(Receipt.commitment(hash, nonce), round, JobStatus.Reported));
        emit JobReported(tc, ci, msg.sender, round, hash, nonce, sealedLocation);
    }

    /// @inheritdoc ITraining
    function flagTJ(uint256 tc, uint256 ci, uint16 round, FlagReason reason) external {
        Couple storage couple = _answer(tc, ci, round, TrainJob(0, round, JobStatus.Flagged));
        emit JobFlagged(tc, ci, msg.sender, round, reason);
        if (couple.flagsLeft != 0) {
            --couple.flagsLeft;
        } else {
            couple.flagsLeft = FLAGGED_OUT;
            emit RoundVoided(tc, msg.sender, round);
        }
    }

    /// @inheritdoc ITraining
    function expireDraw(uint256 tc) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Withheld));
        _free(Ids.ownerOf(tc), _datasets[_datasetOf(couple)].coupleBond);
        _end(tc, couple, CouplePhase.Aborted);
        emit CoupleAborted(tc, msg.sender);
    }

    // --- the draw ---

    /// @dev Checks a link of a seed chain; it is the next tip.
    function _openLink(uint256 tc, bytes32 tip, bytes32 link) private pure returns (bytes32) {
        if (!SeedChain.opens(tip, link)) revert Training_WrongSeed(tc, link, tip);
        return link;
    }

    function _draw(Couple storage couple, bytes32 seed, uint256 all, uint256 count) private returns (uint256 drawn) {
        uint256 before = couple.drawnThisEpoch;
        if (before == all) before = 0;
        uint256 pool = all & ~before;
        uint256 left = Lottery.popCount(pool);
        drawn = Lottery.draw(seed, pool, count < left ? count : left);
        uint256 drawnNow = before | drawn;
        // an epoch that begins and ends with this draw need not be remembered: none drawn and all drawn mean the same
        if (drawnNow != all || couple.drawnThisEpoch != 0) couple.drawnThisEpoch = drawnNow;
    }

    function _countAssigned(uint256 ds, uint256 drawn, uint256 poolVersion) private view returns (uint256 count) {
        while (drawn != 0) {
            uint256 index = Lottery.lowestIndex(drawn);
            Subset memory subset = _subsets[ds][index];
            for (uint256 place = 0; place < subset.occupied; ++place) {
                uint256 ci = _instanceAt(ds, index, subset.places, place);
                if (_wasInPool(_instances[ci], poolVersion)) ++count;
            }
            drawn &= drawn - 1;
        }
    }

    // --- answers ---

    function _answer(
        uint256 tc,
        uint256 ci,
        uint16 round,
        TrainJob memory job
    ) private returns (Couple storage couple) {
        couple = _requirePhase(tc, _only(CouplePhase.Training));
        if (round != couple.round) revert Training_WrongRound(tc, round, couple.round);
        CloudInstance storage instance = _instances[ci];
        if (msg.sender != instance.cloudOwner) revert Training_NotInstanceOwner(ci, msg.sender, instance.cloudOwner);
        if (
            Ids.datasetOf(ci) != _datasetOf(couple) ||
            !_isPending(couple, Ids.subsetOf(ci)) ||
            !_wasInPool(instance, couple.poolVersion)
        ) revert Training_NotDrawn(tc, ci);
        TrainJob storage stored = _jobs[tc][ci];
        if (stored.round == round) revert Training_AlreadyAnswered(tc, ci, stored.status);
        _jobs[tc][ci] = job;
        --couple.rem;
    }
}
