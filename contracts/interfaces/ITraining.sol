// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Training: rounds that nobody can steer
/// @notice A train couple (TC) is one model trained on one dataset. The MO locks the whole escrow when it asks and the
/// DO a bond when it agrees; each commits to a chain of seeds. Every round opens one link of both, the MO's first, and
/// the market draws the subsets from the two. All instances of a drawn subset train and report.
///
/// ```
/// TC:  Requested -> Approved -> Drawing -> Training -> Settling -> Approved ... -> Completed
///        |  |         |            |           |           |
///        |  |         |            |           |           +- after its deadline: Overdue -> Approved (closeRound)
///        |  |         |            |           +- more than half of the jobs flagged: Overdue, at once
///        |  |         |            +- after its deadline: Withheld -> Aborted (expireDraw)
///        |  |         +- all rounds used, or after its window: Ended -> Completed (expireTC)
///        |  +- after its deadline: Lapsed -> Cancelled (expireRequest)
///        +-> Declined (by the DO) | Cancelled (by the MO)
///
/// TJ:  Idle -> Reported -> Accepted | Faulty | Void        Idle -> Flagged        Idle -> Missed
/// ```
///
/// Flagged out. A CO that cannot train says so. Once more than half of a round's jobs are flagged the round waits for
/// nobody any more: it is Overdue, {ISettlement-closeRound} pays those who had reported and fines nobody.
///
/// Trust: the last to reveal, the DO, can only withhold. That costs its bond, ends the couple, and is never followed by
/// a fresh draw. An MO and a DO that are one and the same can choose their draws; they cheat nobody but themselves.
interface ITraining {
    /// @notice Where a train couple stands, as of now: `Lapsed`, `Ended`, `Withheld`, `Settling` and `Overdue` come
    /// with time.
    enum CouplePhase {
        None,
        Requested,
        Lapsed,
        Approved,
        Ended,
        Drawing,
        Withheld,
        Training,
        Settling,
        Overdue,
        Declined,
        Cancelled,
        Aborted,
        Completed
    }

    /// @notice Where a train job stands. A job exists for each pair of couple and instance, `Idle` until it is
    /// answered. `Void`: reported, but its subset ended without a quorum. It is paid where others flagged, and
    /// not else.
    enum JobStatus {
        Idle,
        Reported,
        Flagged,
        Accepted,
        Faulty,
        Missed,
        Void
    }

    /// @notice Why a CO cannot train. The market counts flags, whatever the reason.
    enum FlagReason {
        WeightsUnavailable,
        WeightsMismatch,
        PlanUnavailable,
        PlanMismatch,
        PlanRefused
    }

    /// @notice A train couple as the market knows it.
    /// @param phase As of the block's time.
    /// @param round The last round started; 0 before the first.
    /// @param rem Drawn instances that have not answered in this round.
    /// @param flagsLeft How many more of its jobs may be flagged before the round is flagged out; 65,535 once it is.
    /// @param quorum Reports that must agree, if that is more than a strict majority of the subset's instances. Of
    /// fewer instances than that all must.
    /// @param poolVersion The dataset's pool changes when the round was started.
    /// @param deadline Of the party that is waited for, in seconds; 0 if it waits for none. While Settling and Overdue
    /// it is still the deadline for reports; settling ends `settleWindowSeconds` after it.
    /// @param windowEndsAt No round starts after it.
    /// @param escrow What is left of the MO's coins, and what its COs have forfeited to it.
    /// @param moTip The MO's last link revealed, or its commitment. `doTip` likewise.
    /// @param drawnThisEpoch Subsets drawn since all were last available.
    /// @param pending Subsets drawn in this round and not settled or void yet.
    struct TrainCouple {
        uint256 ds;
        uint256 mod;
        CouplePhase phase;
        uint16 round;
        uint16 maxRounds;
        uint16 rem;
        uint16 flagsLeft;
        uint8 quorum;
        uint24 poolVersion;
        uint40 deadline;
        uint40 windowEndsAt;
        uint96 escrow;
        bytes32 moTip;
        bytes32 doTip;
        uint256 drawnThisEpoch;
        uint256 pending;
    }

    /// @notice A train job as the market knows it.
    /// @param commitment keccak256(hash, nonce) of the last report, its first 27 bytes.
    /// @param round The round it was last answered in, or missed.
    struct TrainJob {
        bytes27 commitment;
        uint16 round;
        JobStatus status;
    }

    /// @notice The MO registered a model; `planHash` is sha256 of its training plan.
    event ModelCreated(
        uint256 indexed mod,
        address indexed modelOwner,
        string modelType,
        bytes32 planHash,
        bytes planLocation
    );

    /// @notice The MO asks to train `mod` on `ds`, commits to its seeds and has locked `escrow`.
    event CoupleRequested(
        uint256 indexed tc,
        address indexed modelOwner,
        uint256 indexed ds,
        uint256 mod,
        uint16 maxRounds,
        bytes32 seedTip,
        uint8 quorum,
        uint256 escrow
    );

    /// @notice The DO agreed, committed to its seeds and locked its bond.
    event CoupleApproved(uint256 indexed tc, address indexed dataOwner, bytes32 seedTip);

    /// @notice The DO declined. The escrow is free.
    event CoupleDeclined(uint256 indexed tc, address indexed dataOwner);

    /// @notice The request was taken back by its MO, or lapsed and was cleared by `by`. The escrow is free.
    event CoupleCancelled(uint256 indexed tc, address indexed by);

    /// @notice The MO revealed its seed and published the round's weights.
    event RoundStarted(
        uint256 indexed tc,
        address indexed modelOwner,
        uint16 round,
        bytes32 moSeed,
        bytes32 modelHash,
        bytes modelLocation
    );

    /// @notice The draw: bit i of `drawn` is subset i; `jobs` instances are asked to train.
    event RoundDrawn(
        uint256 indexed tc,
        address indexed dataOwner,
        uint16 round,
        bytes32 doSeed,
        uint256 drawn,
        uint16 jobs
    );

    /// @notice A CO trained: `hash` is its receipt. Only the MO can open `sealedLocation` and find the result.
    event JobReported(
        uint256 indexed tc,
        uint256 indexed ci,
        address indexed cloudOwner,
        uint16 round,
        bytes32 hash,
        bytes32 nonce,
        bytes sealedLocation
    );

    /// @notice A CO could not train, and says why.
    event JobFlagged(
        uint256 indexed tc,
        uint256 indexed ci,
        address indexed cloudOwner,
        uint16 round,
        FlagReason reason
    );

    /// @notice More than half of the round's jobs were flagged: it can only be closed, which pays who had reported and
    /// fines nobody. `by` raised the deciding flag.
    event RoundVoided(uint256 indexed tc, address indexed by, uint16 round);

    /// @notice The DO withheld its seed: its bond and the escrow are in the MO's balance.
    event CoupleAborted(uint256 indexed tc, address indexed by);

    /// @notice Training is over: what was left of the escrow is in the MO's balance, the bond in the DO's.
    /// @param finalModelHash sha256 of the final model as its owner declares it; zero if it did not.
    event CoupleCompleted(uint256 indexed tc, address indexed by, bytes32 finalModelHash, uint256 refund);

    /// @notice `model` does not exist or is another MO's.
    error Training_NotYourModel(uint256 mod, address caller);

    /// @notice The caller is not the party of this couple that may do this.
    error Training_NotParty(uint256 tc, address caller, address party);

    /// @notice `maxRounds` is zero, or `quorum` is over the replicas that the dataset allows.
    error Training_BadRequest(uint256 maxRounds, uint256 quorum, uint256 maxReplicas);

    /// @notice The dataset's offer ends before the couple's last round would be over.
    error Training_DatasetEnds(uint256 ds, uint256 endsAt, uint256 needed);

    /// @notice Not every subset has an instance in the pool.
    error Training_SubsetsUncovered(uint256 ds, uint256 covered, uint256 subsets);

    /// @notice The couple is in `phase`; the call needs one of `allowed` (bit i is phase i).
    error Training_WrongPhase(uint256 tc, CouplePhase phase, uint256 allowed);

    /// @notice `link` is not the preimage of `tip`, the last link of this chain.
    error Training_WrongSeed(uint256 tc, bytes32 link, bytes32 tip);

    /// @notice The instance is not of this couple's dataset, its subset was not drawn, or it was not in the pool when
    /// the round was started.
    error Training_NotDrawn(uint256 tc, uint256 ci);

    /// @notice The caller is not the instance's CO.
    error Training_NotInstanceOwner(uint256 ci, address caller, address cloudOwner);

    /// @notice The answer is for another round than the one that is open.
    error Training_WrongRound(uint256 tc, uint256 round, uint256 open);

    /// @notice This job has been answered in this round.
    error Training_AlreadyAnswered(uint256 tc, uint256 ci, JobStatus status);

    /// @notice Registers a model: what it is and how it is trained.
    /// @dev Caller: an MO. Emits {ModelCreated}; nothing else of it is stored.
    /// @param modelType Its family, for people; the plan says exactly.
    /// @param planHash sha256 of the training plan.
    /// @param planLocation Where the plan is: an id in the object store.
    /// @return mod The new id: kind 2, the MO's next serial.
    function createMod(
        string calldata modelType,
        bytes32 planHash,
        bytes calldata planLocation
    ) external returns (uint256 mod);

    /// @notice Asks to train a model on a dataset and locks the whole escrow:
    /// `maxRounds * (roundPrice + subsetsPerRound * maxReplicas * jobPrice)`.
    /// @dev Caller: the model's MO. Emits {CoupleRequested}.
    /// @param maxRounds 1..65,535; void rounds count.
    /// @param seedTip H^maxRounds(secret), H = keccak256: see `SeedChain`.
    /// @param quorum Reports that must agree on a digest, if more than a strict majority of a subset's instances; 0
    /// asks for no more than that. At most `maxReplicas`; where fewer instances are asked, all of them must agree.
    /// @return tc The new id: kind 3, the MO's next serial.
    function requestTC(
        uint256 mod,
        uint256 ds,
        uint16 maxRounds,
        bytes32 seedTip,
        uint8 quorum
    ) external returns (uint256 tc);

    /// @notice Agrees, commits to the DO's seeds and locks its bond. Every subset must have an instance in the pool.
    /// @dev Caller: the dataset's DO, while Requested. Emits {CoupleApproved}. Costs the same however many instances
    /// there are: train jobs are idle until they are answered.
    function approveTC(uint256 tc, bytes32 seedTip) external;

    /// @notice Declines; the escrow is free.
    /// @dev Caller: the dataset's DO, while Requested. Emits {CoupleDeclined}.
    function declineTC(uint256 tc) external;

    /// @notice Takes a request back; the escrow is free.
    /// @dev Caller: the MO, while Requested or Lapsed. Emits {CoupleCancelled}.
    function cancelTC(uint256 tc) external;

    /// @notice Starts the next round: reveals the MO's next link and publishes the weights.
    /// @dev Caller: the MO, while Approved. Emits {RoundStarted}. Whoever is in the pool now is of the round if its
    /// subset is drawn; what enters or leaves later changes nothing.
    /// @param moSeed The preimage of `moTip`.
    /// @param modelHash sha256 of the weights' canonical bytes.
    /// @param modelLocation Where they are, sealed for the dataset's COs: an id in the object store.
    function startRound(uint256 tc, bytes32 moSeed, bytes32 modelHash, bytes calldata modelLocation) external;

    /// @notice Reveals the DO's next link; the market draws the subsets.
    /// @dev Caller: the DO, while Drawing. Emits {RoundDrawn}. Drawing is without replacement until every subset was
    /// drawn, so each is drawn within ceil(m / k) rounds; the last round of such an epoch may draw fewer than k.
    function drawRound(uint256 tc, bytes32 doSeed) external;

    /// @notice Reports a trained model.
    /// @dev Caller: the instance's CO, while Training. Emits {JobReported}.
    /// @param round The round it is for: a report that comes late is refused, not taken for the next round's.
    /// @param hash Its receipt for the model's digest.
    /// @param nonce The nonce in that receipt.
    /// @param sealedLocation Where the result is, sealed to the MO's key.
    function updateTJ(
        uint256 tc,
        uint256 ci,
        uint16 round,
        bytes32 hash,
        bytes32 nonce,
        bytes calldata sealedLocation
    ) external;

    /// @notice Answers that the weights or the plan cannot be fetched, do not match their hash, or break the CO's
    /// limits. It is neither paid nor slashed. Once more than half of the round's jobs are flagged the round is
    /// Overdue: no job is answered any more, and {ISettlement-closeRound} pays those that were reported.
    /// @dev Caller: the instance's CO, while Training. Emits {JobFlagged}, and {RoundVoided} if it decides.
    function flagTJ(uint256 tc, uint256 ci, uint16 round, FlagReason reason) external;

    /// @notice Ends training; what is left of the escrow and the DO's bond are free.
    /// @dev Caller: the MO, while Approved or Ended. Emits {CoupleCompleted}.
    function completeTC(uint256 tc, bytes32 finalModelHash) external;

    /// @notice Exit from Lapsed: the DO did not answer. The escrow is free.
    /// @dev Caller: anyone. Emits {CoupleCancelled}.
    function expireRequest(uint256 tc) external;

    /// @notice Exit from Withheld: the DO did not open its seed. Its bond and the escrow go to the MO.
    /// @dev Caller: anyone. Emits {CoupleAborted}.
    function expireDraw(uint256 tc) external;

    /// @notice Exit from Ended: all rounds are used, or the window has passed. As {completeTC}, without a final model.
    /// @dev Caller: anyone. Emits {CoupleCompleted}.
    function expireTC(uint256 tc) external;

    /// @notice Where `tc` stands as of now.
    function phaseOf(uint256 tc) external view returns (CouplePhase phase);

    /// @notice One train couple; all zero if there is none.
    function trainCouple(uint256 tc) external view returns (TrainCouple memory couple);

    /// @notice One train job; all zero if it was never answered.
    function trainJob(uint256 tc, uint256 ci) external view returns (TrainJob memory job);
}
