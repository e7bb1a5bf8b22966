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
    struct SubsetTally {
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
        SubsetTally memory tally = _tallyOf(couple, tc, subset);
        _checkReports(tally, digest, reports);
        _requireQuorum(tally, couple.quorum);
        uint256 share = _payOut(couple, tally);
        emit SubsetSettled(tc, msg.sender, tally.round, subset, digest, share);
        _closeSubset(couple, tally);
    }

    /// @inheritdoc ISettlement
    function closeRound(uint256 tc, uint16[] calldata subsets) external {
        Couple storage couple = _requirePhase(tc, _only(CouplePhase.Overdue));
        bool flaggedOut = couple.flagsLeft == FLAGGED_OUT;
        for (uint256 i = 0; i < subsets.length; ++i) {
            SubsetTally memory tally = _tallyOf(couple, tc, subsets[i]);
            uint256 share = 0;
            if (flaggedOut || _paysReports(tally, couple.quorum)) share = _compensate(couple, tally);
            if (!flaggedOut) _fine(couple, tally);
            emit SubsetVoided(tc, msg.sender, tally.round, subsets[i], share);
            _closeSubset(couple, tally);
        }
    }

    /// @inheritdoc IMarketplace
    function receiptDomain() external view returns (bytes32 domain) {
        return Receipt.domain();
    }

    /// @dev The instances that were in the pool when the round was started, each with where its job stands:
    /// Reported, Flagged or Missed.
    function _tallyOf(
        Couple storage couple,
        uint256 tc,
        uint16 subset
    ) private view returns (SubsetTally memory tally) {
        if (!_isPending(couple, subset)) revert Settlement_NotPending(tc, subset);
        tally.tc = tc;
        tally.ds = _datasetOf(couple);
        tally.round = couple.round;
        tally.subset = subset;
        Subset memory places = _subsets[tally.ds][subset];
        for (uint256 place = 0; place < places.occupied; ++place) {
            uint256 ci = _instanceAt(tally.ds, subset, places.places, place);
            if (!_wasInPool(_instances[ci], couple.poolVersion)) continue;
            TrainJob storage job = _jobs[tc][ci];
            tally.cis[tally.count] = ci;
            tally.verdicts[tally.count++] = job.round == tally.round ? job.status : JobStatus.Missed;
        }
    }

    /// @dev Checks each report against its commitment and the digest: it agrees or is Faulty.
    function _checkReports(SubsetTally memory tally, bytes32 digest, Report[] calldata reports) private view {
        bytes32 domain = Receipt.domain();
        uint256 found;
        for (uint256 i = 0; i < tally.count; ++i) {
            if (tally.verdicts[i] != JobStatus.Reported) continue;
            uint256 ci = tally.cis[i];
            Report calldata report = _find(reports, found++, tally.tc, ci);
            if (Receipt.commitment(report.hash, report.nonce) != _jobs[tally.tc][ci].commitment) {
                revert Settlement_ReportAltered(tally.tc, ci);
            }
            bytes32 opened = Receipt.training(
                domain,
                tally.tc,
                tally.round,
                ci,
                _instances[ci].cloudOwner,
                digest,
                report.nonce
            );
            bool agrees = opened == report.hash;
            if (agrees) ++tally.agreeing;
            tally.verdicts[i] = agrees ? JobStatus.Accepted : JobStatus.Faulty;
        }
        if (found != reports.length) revert Settlement_TooManyReports(reports.length, found);
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

    function _requireQuorum(SubsetTally memory tally, uint256 quorum) private pure {
        uint256 needed = _needed(tally, quorum);
        if (tally.agreeing < needed) {
            revert Settlement_NoQuorum(tally.tc, tally.subset, tally.agreeing, needed);
        }
    }

    /// @dev A strict majority of the assigned, or more if the MO asked for more: all of them at most.
    function _needed(SubsetTally memory tally, uint256 quorum) private pure returns (uint256 needed) {
        uint256 majority = _majority(tally);
        needed = quorum < tally.count ? quorum : tally.count;
        if (needed < majority) needed = majority;
    }

    /// @dev Of the assigned, strict.
    function _majority(SubsetTally memory tally) private pure returns (uint256 majority) {
        majority = tally.count / 2 + 1;
    }

    /// @dev Whether the MO may be why there is no verdict: it asked for more than a majority (also if so many are not
    /// assigned any more), or somebody flagged. Either way a minority of liars is enough to keep the others from one.
    function _paysReports(SubsetTally memory tally, uint256 quorum) private pure returns (bool) {
        if (quorum > _majority(tally)) return true;
        for (uint256 i = 0; i < tally.count; ++i) {
            if (tally.verdicts[i] == JobStatus.Flagged) return true;
        }
        return false;
    }

    /// @dev Who trained where others could not has nobody to agree with; the MO has its result, and pays what the
    /// subset costs: who reported its price, the DO the rest.
    function _compensate(Couple storage couple, SubsetTally memory tally) private returns (uint256 share) {
        Dataset storage dataset = _datasets[tally.ds];
        uint256 jobPrice = dataset.jobPrice;
        uint256 reported;
        for (uint256 i = 0; i < tally.count; ++i) {
            if (tally.verdicts[i] != JobStatus.Reported) continue;
            tally.verdicts[i] = JobStatus.Void;
            ++reported;
        }
        if (reported == 0) return 0;
        share = dataset.roundPrice / dataset.subsetsPerRound + jobPrice * (tally.count - reported);
        _pay(tally, JobStatus.Void, jobPrice);
        _free(couple.dataOwner, share);
        couple.escrow -= SafeCast.toUint96(share + jobPrice * reported);
    }

    /// @dev Nobody settled in time: the silent pay for it.
    function _fine(Couple storage couple, SubsetTally memory tally) private {
        (uint256 penalties, ) = _punish(tally, _datasets[tally.ds]);
        couple.escrow += SafeCast.toUint96(penalties);
    }

    /// @dev Moves the coins of a subset with a quorum: forfeited bonds, the jobs' prices, the DO's share.
    function _payOut(Couple storage couple, SubsetTally memory tally) private returns (uint256 share) {
        Dataset storage dataset = _datasets[tally.ds];
        uint256 jobPrice = dataset.jobPrice;
        share = dataset.roundPrice / dataset.subsetsPerRound;
        (uint256 toEscrow, uint256 toAccepted) = _punish(tally, dataset);
        uint256 bonus = toAccepted / tally.agreeing;
        _pay(tally, JobStatus.Accepted, jobPrice + bonus);
        _free(couple.dataOwner, share);
        toEscrow += toAccepted - bonus * tally.agreeing;
        couple.escrow = SafeCast.toUint96(couple.escrow + toEscrow - jobPrice * tally.agreeing - share);
    }

    /// @dev Takes the bond of the Faulty and the penalty of the Missed.
    function _punish(
        SubsetTally memory tally,
        Dataset storage dataset
    ) private returns (uint256 toEscrow, uint256 toAccepted) {
        for (uint256 i = 0; i < tally.count; ++i) {
            JobStatus verdict = tally.verdicts[i];
            if (verdict != JobStatus.Faulty && verdict != JobStatus.Missed) continue;
            bool faulty = verdict == JobStatus.Faulty;
            uint256 taken = _slash(tally.cis[i], faulty, dataset.missPenalty);
            uint256 compensation = faulty && taken > dataset.jobPrice ? dataset.jobPrice : taken;
            toEscrow += compensation;
            toAccepted += taken - compensation;
            _recordVerdict(tally, i, taken);
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

    function _pay(SubsetTally memory tally, JobStatus verdict, uint256 amount) private {
        for (uint256 i = 0; i < tally.count; ++i) {
            if (tally.verdicts[i] != verdict) continue;
            _free(_instances[tally.cis[i]].cloudOwner, amount);
            _recordVerdict(tally, i, amount);
        }
    }

    function _recordVerdict(SubsetTally memory tally, uint256 i, uint256 amount) private {
        JobStatus verdict = tally.verdicts[i];
        TrainJob storage job = _jobs[tally.tc][tally.cis[i]];
        job.status = verdict;
        if (verdict == JobStatus.Missed) (job.commitment, job.round) = (0, tally.round);
        emit JobJudged(tally.tc, tally.cis[i], tally.round, verdict, amount);
    }

    /// @dev The subset is no longer pending; with the last one the round is closed.
    function _closeSubset(Couple storage couple, SubsetTally memory tally) private {
        uint256 notPending = couple.notPending | (1 << tally.subset);
        couple.notPending = notPending;
        if (notPending == type(uint256).max) {
            _becomeIdle(couple);
            emit RoundClosed(tally.tc, tally.round);
        }
    }
}
