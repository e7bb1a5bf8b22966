// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Receipt} from "../libraries/Receipt.sol";
import {IMarketplace} from "../interfaces/IMarketplace.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Training} from "./Training.sol";

/// @title Settlement
/// @notice Verdicts and payment.
/// @dev Branch tree and rules: docs/specification.md, S.
abstract contract Settlement is Training {
    /// @dev What a settlement works on: one subset of one round, and its instances in the order of their places.
    struct Hearing {
        uint256 tc;
        uint256 ds;
        uint16 round;
        uint16 subset;
        uint256 count;
        uint256 agreeing;
        uint256[MAX_REPLICAS] cis;
        JobStatus[MAX_REPLICAS] verdicts;
    }

    /// @inheritdoc ISettlement
    function settleRound(uint256 tc, uint16 subset, bytes32 digest, Report[] calldata reports) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Settling));
        Hearing memory hearing = _summon(couple, tc, subset);
        _hear(hearing, digest, reports);
        _requireQuorum(hearing, couple.quorum);
        uint256 share = _payOut(couple, hearing);
        emit SubsetSettled(tc, msg.sender, hearing.round, subset, digest, share);
        _dispose(couple, hearing);
    }

    /// @inheritdoc ISettlement
    function closeRound(uint256 tc, uint16[] calldata subsets) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Overdue));
        bool flaggedOut = couple.flagsLeft == FLAGGED_OUT;
        for (uint256 i = 0; i < subsets.length; ++i) {
            Hearing memory hearing = _summon(couple, tc, subsets[i]);
            uint256 share = 0;
            if (flaggedOut || _isBlocked(hearing, couple.quorum)) share = _compensate(couple, hearing);
            if (!flaggedOut) _fine(couple, hearing);
            emit SubsetVoided(tc, msg.sender, hearing.round, subsets[i], share);
            _dispose(couple, hearing);
        }
    }

    /// @inheritdoc IMarketplace
    function receiptDomain() external view returns (bytes32 domain) {
        return Receipt.domain();
    }

    /// @dev Calls up the instances that were in the pool when the round was started, each with where its job stands:
    /// Reported, Flagged or Missed.
    function _summon(Couple storage couple, uint256 tc, uint16 subset) private view returns (Hearing memory hearing) {
        if (!_isPending(couple, subset)) revert Settlement_NotPending(tc, subset);
        hearing.tc = tc;
        hearing.ds = _datasetOf(couple);
        hearing.round = couple.round;
        hearing.subset = subset;
        Subset memory places = _subsets[hearing.ds][subset];
        for (uint256 place = 0; place < places.occupied; ++place) {
            uint256 ci = _instanceAt(hearing.ds, subset, places.places, place);
            if (!_wasInPool(_instances[ci], couple.poolVersion)) continue;
            TrainJob storage job = _jobs[tc][ci];
            hearing.cis[hearing.count] = ci;
            hearing.verdicts[hearing.count++] = job.round == hearing.round ? job.status : JobStatus.Missed;
        }
    }

    /// @dev Lays each report beside its seal and the digest.
    function _hear(Hearing memory hearing, bytes32 digest, Report[] calldata reports) private view {
        bytes32 domain = Receipt.domain();
        uint256 heard;
        for (uint256 i = 0; i < hearing.count; ++i) {
            if (hearing.verdicts[i] != JobStatus.Reported) continue;
            uint256 ci = hearing.cis[i];
            Report calldata report = _find(reports, heard++, hearing.tc, ci);
            if (Receipt.seal(report.hash, report.nonce) != _jobs[hearing.tc][ci].seal) {
                revert Settlement_ReportAltered(hearing.tc, ci);
            }
            bytes32 opened = Receipt.training(
                domain,
                hearing.tc,
                hearing.round,
                ci,
                _instances[ci].cloudOwner,
                digest,
                report.nonce
            );
            bool agrees = opened == report.hash;
            if (agrees) ++hearing.agreeing;
            hearing.verdicts[i] = agrees ? JobStatus.Accepted : JobStatus.Faulty;
        }
        if (heard != reports.length) revert Settlement_TooManyReports(reports.length, heard);
    }

    /// @dev The order is free: places change hands while a settlement waits to be mined. The search begins where the
    /// report is if none has.
    function _find(
        Report[] calldata reports,
        uint256 start,
        uint256 tc,
        uint256 ci
    ) private pure returns (Report calldata report) {
        for (uint256 i = start; i < start + reports.length; ++i) {
            report = reports[i % reports.length];
            if (report.ci == ci) return report;
        }
        revert Settlement_ReportMissing(tc, ci);
    }

    function _requireQuorum(Hearing memory hearing, uint256 quorum) private pure {
        uint256 needed = _needed(hearing, quorum);
        if (hearing.agreeing < needed) {
            revert Settlement_NoQuorum(hearing.tc, hearing.subset, hearing.agreeing, needed);
        }
    }

    /// @dev A strict majority of the summoned, or more if the MO asked for more: all of them at most.
    function _needed(Hearing memory hearing, uint256 quorum) private pure returns (uint256 needed) {
        uint256 majority = hearing.count / 2 + 1;
        needed = quorum < hearing.count ? quorum : hearing.count;
        if (needed < majority) needed = majority;
    }

    /// @dev Whether so many flagged that the others could not have been a quorum.
    function _isBlocked(Hearing memory hearing, uint256 quorum) private pure returns (bool) {
        uint256 able;
        for (uint256 i = 0; i < hearing.count; ++i) {
            if (hearing.verdicts[i] != JobStatus.Flagged) ++able;
        }
        return able != hearing.count && able < _needed(hearing, quorum);
    }

    /// @dev Who trained where others could not has nobody to agree with; the MO has its result, and pays what the
    /// subset costs: who reported its price, the DO the rest.
    function _compensate(Couple storage couple, Hearing memory hearing) private returns (uint256 share) {
        Dataset storage dataset = _datasets[hearing.ds];
        uint256 jobPrice = dataset.jobPrice;
        uint256 reported;
        for (uint256 i = 0; i < hearing.count; ++i) {
            if (hearing.verdicts[i] != JobStatus.Reported) continue;
            hearing.verdicts[i] = JobStatus.Void;
            ++reported;
        }
        if (reported == 0) return 0;
        share = dataset.roundPrice / dataset.subsetsPerRound + jobPrice * (hearing.count - reported);
        _pay(hearing, JobStatus.Void, jobPrice);
        _free(couple.dataOwner, share);
        couple.escrow -= SafeCast.toUint96(share + jobPrice * reported);
    }

    /// @dev Nobody settled in time: the silent pay for it.
    function _fine(Couple storage couple, Hearing memory hearing) private {
        (uint256 penalties, ) = _punish(hearing, _datasets[hearing.ds]);
        couple.escrow += SafeCast.toUint96(penalties);
    }

    /// @dev Moves the coins of a subset with a quorum: forfeited bonds, the jobs' prices, the DO's share.
    function _payOut(Couple storage couple, Hearing memory hearing) private returns (uint256 share) {
        Dataset storage dataset = _datasets[hearing.ds];
        uint256 jobPrice = dataset.jobPrice;
        share = dataset.roundPrice / dataset.subsetsPerRound;
        (uint256 toEscrow, uint256 toAccepted) = _punish(hearing, dataset);
        uint256 bonus = toAccepted / hearing.agreeing;
        _pay(hearing, JobStatus.Accepted, jobPrice + bonus);
        _free(couple.dataOwner, share);
        toEscrow += toAccepted - bonus * hearing.agreeing;
        couple.escrow = SafeCast.toUint96(couple.escrow + toEscrow - jobPrice * hearing.agreeing - share);
    }

    /// @dev Takes the bond of the Faulty and the penalty of the Missed.
    function _punish(
        Hearing memory hearing,
        Dataset storage dataset
    ) private returns (uint256 toEscrow, uint256 toAccepted) {
        for (uint256 i = 0; i < hearing.count; ++i) {
            JobStatus verdict = hearing.verdicts[i];
            if (verdict != JobStatus.Faulty && verdict != JobStatus.Missed) continue;
            bool faulty = verdict == JobStatus.Faulty;
            uint256 taken = _slash(hearing.cis[i], faulty, dataset.missPenalty);
            uint256 compensation = faulty && taken > dataset.jobPrice ? dataset.jobPrice : taken;
            toEscrow += compensation;
            toAccepted += taken - compensation;
            _judge(hearing, i, taken);
        }
    }

    /// @dev Takes the whole bond of a Faulty instance, of a Missed one what the penalty asks and the bond can give. It
    /// leaves the pool if it was Faulty or cannot cover another miss.
    function _slash(uint256 ci, bool faulty, uint256 missPenalty) private returns (uint256 taken) {
        CloudInstance storage instance = _instances[ci];
        uint256 bond = instance.bond;
        taken = faulty || bond < missPenalty ? bond : missPenalty;
        instance.bond = uint96(bond - taken);
        bool leaves = faulty || bond - taken < missPenalty;
        if (leaves && instance.status == InstanceStatus.Verified) _leavePool(ci, instance);
    }

    function _pay(Hearing memory hearing, JobStatus verdict, uint256 amount) private {
        for (uint256 i = 0; i < hearing.count; ++i) {
            if (hearing.verdicts[i] != verdict) continue;
            _free(_instances[hearing.cis[i]].cloudOwner, amount);
            _judge(hearing, i, amount);
        }
    }

    function _judge(Hearing memory hearing, uint256 i, uint256 amount) private {
        JobStatus verdict = hearing.verdicts[i];
        TrainJob storage job = _jobs[hearing.tc][hearing.cis[i]];
        job.status = verdict;
        if (verdict == JobStatus.Missed) (job.seal, job.round) = (0, hearing.round);
        emit JobJudged(hearing.tc, hearing.cis[i], hearing.round, verdict, amount);
    }

    /// @dev The subset is no longer pending; with the last one the round is closed.
    function _dispose(Couple storage couple, Hearing memory hearing) private {
        uint256 notPending = couple.notPending | (1 << hearing.subset);
        couple.notPending = notPending;
        if (notPending == type(uint256).max) {
            _becomeIdle(couple);
            emit RoundClosed(hearing.tc, hearing.round);
        }
    }
}
