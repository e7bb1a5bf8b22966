// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITraining} from "./ITraining.sol";

/// @title Settlement: the contract decides who trained
/// @notice Once reporting is closed (everyone answered, or the deadline passed) anyone who knows a subset's digest
/// opens it. All reports of the subset are laid on the table; those whose receipt opens to the digest agree. With a
/// quorum of agreeing reports the subset is settled:
///
/// | verdict  | who                                  | coins                                                        |
/// |----------|--------------------------------------|--------------------------------------------------------------|
/// | Accepted | its receipt opens to the digest      | is paid the job's price from the escrow                      |
/// | Faulty   | its receipt does not                 | loses its bond: up to a job's price to the escrow, the rest  |
/// |          |                                      | to the accepted alike (what does not divide, to the escrow)  |
/// | Missed   | silent                               | loses the miss penalty to the escrow                         |
/// | Flagged  | could not train, and said so in time | nothing                                                      |
///
/// and the DO gets its share of the round's price. A subset that nobody settles is void, and the silent are fined. Its
/// reports are Void and not paid, with three exceptions: the round was flagged out (then nobody is fined either),
/// somebody of the subset flagged, or the MO asked for a quorum over the strict majority of the subset's instances.
/// There a report is paid the job's price, whatever it says, and the DO gets its share and the price of the jobs that
/// were not reported: an MO whose weights not all could read, or that one liar keeps from its quorum, has the results
/// of the others, and pays for the subset what it costs. One flag is enough: if fewer than half lie, an MO that lets
/// all read and asks for no more than a majority has an honest quorum. An instance that is Faulty, or whose bond no
/// longer covers another miss, leaves the pool.
///
/// Trust: fewer than half of the replicas of a subset are dishonest (the paper's assumption). Without a quorum a call
/// reverts, so a false digest does nothing. A report cannot be copied from an opened digest: reporting is closed by
/// then.
interface ISettlement {
    /// @notice A report as it stands in its {ITraining-JobReported} event.
    struct Report {
        uint256 ci;
        bytes32 hash;
        bytes32 nonce;
    }

    /// @notice A quorum agrees on `digest` for this subset. A {JobJudged} for each of its jobs that was not flagged
    /// comes before.
    event SubsetSettled(
        uint256 indexed tc,
        address indexed settler,
        uint16 round,
        uint16 subset,
        bytes32 digest,
        uint256 dataOwnerShare
    );

    /// @notice The verdict on one job; `amount` is what its CO was paid (Accepted, Void) or lost (Faulty, Missed). A
    /// job that is void and not paid has no such event.
    event JobJudged(uint256 indexed tc, uint256 indexed ci, uint16 round, ITraining.JobStatus verdict, uint256 amount);

    /// @notice Nobody settled this subset in time, or nobody could: a {JobJudged} for each job that was paid or fined
    /// comes before. `dataOwnerShare` is zero unless reports were paid.
    event SubsetVoided(uint256 indexed tc, address indexed by, uint16 round, uint16 subset, uint256 dataOwnerShare);

    /// @notice Every drawn subset is settled or void: the next round may start.
    event RoundClosed(uint256 indexed tc, uint16 round);

    /// @notice This subset is not drawn in this round, or is settled or void already.
    error Settlement_NotPending(uint256 tc, uint256 subset);

    /// @notice This instance reported, and its report is not among `reports`.
    error Settlement_ReportMissing(uint256 tc, uint256 ci);

    /// @notice This report is not the one that its instance made.
    error Settlement_ReportAltered(uint256 tc, uint256 ci);

    /// @notice There are more reports than this subset's instances made.
    error Settlement_TooManyReports(uint256 given, uint256 made);

    /// @notice Too few reports agree with the digest.
    error Settlement_NoQuorum(uint256 tc, uint256 subset, uint256 agreeing, uint256 needed);

    /// @notice Opens the digest of one drawn subset, judges its jobs and pays.
    /// @dev Caller: anyone, while Settling. Emits {JobJudged} for each job that was not flagged,
    /// {IDistribution-InstanceRetiring} for each instance that leaves, {SubsetSettled}, and {RoundClosed} with the
    /// round's last subset.
    /// @param digest sha256 of the trained model's canonical bytes.
    /// @param reports Every report of this subset in this round, each once, in any order.
    function settleRound(uint256 tc, uint16 subset, bytes32 digest, Report[] calldata reports) external;

    /// @notice Exit from Overdue: voids subsets that nobody settled. Their silent instances lose the miss penalty,
    /// unless the round was flagged out; who reported is paid where others flagged, or where the MO asked for more than
    /// a majority.
    /// @dev Caller: anyone, while Overdue. Emits {JobJudged} for each job that is paid or fined,
    /// {IDistribution-InstanceRetiring} for each instance that leaves, {SubsetVoided} for each subset, and
    /// {RoundClosed} with the last. The caller chooses how many at once.
    /// @param subsets Drawn and pending.
    function closeRound(uint256 tc, uint16[] calldata subsets) external;
}
