// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Distribution: a dataset becomes replicas at cloud owners
/// @notice A DO splits its dataset (DS) off chain into skewed subsets (DSS) and hands each to several COs. One replica
/// of one subset at one CO is a cloud instance (CI). The chain sees terms, hashes and sealed locations; never data.
///
/// ```
/// CI:  Free -> Joined -> Verified -> Retiring -> Retired
///       |  \      |  \                              ^
///       |   \     |   +-> Rejected (by the DO)      |
///       |    \    +-- left, or its window passed ---+
///       |     +-> Refused (by the CO)               |
///       +-- taken back, or its window passed -------+
/// ```
///
/// The pool. A round is trained by the instances that were Verified when it was started, which is
/// before anybody can know its draw. Each dataset counts the changes of its pool; an instance remembers the count at
/// which it entered and left, a round the count at which it was started. So an instance may leave at any time and is
/// still judged, paid or slashed for the rounds that need it: its bond is held for
/// `drawWindow + reportWindow + 2 * settleWindow` more, by which time all those rounds are over.
///
/// Times are block timestamps in seconds. Up to and including a deadline the party that is waited for may act; after it
/// the exit is open to anyone.
///
/// Trust: the DO decides whom it names and whether a receipt is right; all it can take from a CO by that is the CO's
/// place in the pool, never its bond. Whether the data are any good no contract can tell: that is what the metadata,
/// the model owner's own samples and the COs' cross-check (paper, II-D) are for.
interface IDistribution {
    /// @notice What a data owner offers. Fixed for the life of the dataset.
    /// @param subsets How many subsets (m), 1..256.
    /// @param subsetsPerRound How many of them a round draws (k), 1..m.
    /// @param maxReplicas How many instances a subset may have at once, 1..16.
    /// @param roundPrice What the DO is paid for a round; each settled subset pays one k-th, rounded down.
    /// @param jobPrice What a CO is paid for an accepted train job.
    /// @param instanceBond What a CO locks for each instance; at least `jobPrice` and at least `missPenalty`.
    /// @param missPenalty What an instance loses when it is drawn and stays silent.
    /// @param coupleBond What the DO locks for each train couple and loses if it withholds a seed.
    /// @param answerWindowSeconds To join, to verify, to approve a train couple. Windows are 1..16,777,215 s (194
    /// days).
    /// @param drawWindowSeconds For the DO to open its seed once a round was started.
    /// @param reportWindowSeconds For the COs to train and report once a round was drawn.
    /// @param settleWindowSeconds To open digests once reporting is closed.
    /// @param coupleWindowSeconds How long after its request's answer window a train couple may start rounds.
    /// @param endsAt When the offer ends: every round of every train couple is over by then, and every instance may
    /// leave.
    struct DatasetTerms {
        uint16 subsets;
        uint16 subsetsPerRound;
        uint8 maxReplicas;
        uint96 roundPrice;
        uint96 jobPrice;
        uint96 instanceBond;
        uint96 missPenalty;
        uint96 coupleBond;
        uint24 answerWindowSeconds;
        uint24 drawWindowSeconds;
        uint24 reportWindowSeconds;
        uint24 settleWindowSeconds;
        uint32 coupleWindowSeconds;
        uint40 endsAt;
    }

    /// @notice Where a cloud instance stands. `None` does not exist.
    enum InstanceStatus {
        None,
        Free,
        Joined,
        Verified,
        Retiring,
        Retired,
        Refused,
        Rejected
    }

    /// @notice A cloud instance as the market knows it.
    /// @param since When it entered its status, in seconds.
    /// @param verifiedAt Count of pool changes with which it entered the pool; 0 if it never did. A subset has at most
    /// 255 instances ever, and each enters and leaves once: a dataset's pool changes at most 256 * 255 * 2 = 130,560
    /// times, so the count never overflows.
    /// @param leftAt Count of pool changes with which it left the pool; 0 if it has not.
    struct CloudInstance {
        address cloudOwner;
        InstanceStatus status;
        uint40 since;
        uint24 verifiedAt;
        uint24 leftAt;
        uint96 bond;
    }

    /// @notice The DO offers a dataset; its description, which says nothing of its content, is at `metadataLocation`.
    event DatasetCreated(
        uint256 indexed ds,
        address indexed dataOwner,
        DatasetTerms terms,
        bytes32 metadataHash,
        bytes metadataLocation
    );

    /// @notice The DO names `cloudOwner` for one replica. Only that CO can open `sealedLocation` and find its data
    /// package.
    event InstanceCreated(uint256 indexed ci, address indexed cloudOwner, bytes sealedLocation);

    /// @notice The CO holds the data: `dataHash` is its receipt, see the hash rule in `Receipt`. Its bond is locked.
    event InstanceJoined(uint256 indexed ci, address indexed cloudOwner, bytes32 dataHash, bytes32 nonce);

    /// @notice The CO found that its data are not what the other replicas declare, or cannot be had.
    event InstanceRefused(uint256 indexed ci, address indexed cloudOwner);

    /// @notice The DO found the receipt right: the instance is in the pool.
    event InstanceVerified(uint256 indexed ci, address indexed dataOwner);

    /// @notice The DO found the receipt wrong. The bond is free.
    event InstanceRejected(uint256 indexed ci, address indexed dataOwner);

    /// @notice The instance left the pool; its bond stays until all rounds that need it are over. `by` is who made it
    /// leave: the DO, the CO, or whoever settled the round in which its bond was slashed.
    event InstanceRetiring(uint256 indexed ci, address indexed by);

    /// @notice The instance is gone and `bond`, what was left of it, is in its CO's balance.
    event InstanceRetired(uint256 indexed ci, address indexed by, uint256 bond);

    /// @notice `subsets`, `subsetsPerRound` or `maxReplicas` is outside 1..256, 1..subsets, 1..16.
    error Distribution_BadShape(uint256 subsets, uint256 subsetsPerRound, uint256 maxReplicas);

    /// @notice A window is zero.
    error Distribution_ZeroWindow();

    /// @notice The bond does not cover a job's price and the penalty for silence.
    error Distribution_BondTooSmall(uint256 instanceBond, uint256 jobPrice, uint256 missPenalty);

    /// @notice The offer would end before it begins, or has ended.
    error Distribution_Ended(uint256 endsAt, uint256 timestamp);

    /// @notice There is no such dataset.
    error Distribution_NoDataset(uint256 ds);

    /// @notice The caller is not the owner of the asset.
    error Distribution_NotOwner(uint256 id, address caller, address owner);

    /// @notice Arrays that belong together differ in length.
    error Distribution_LengthMismatch();

    /// @notice The dataset has no subset of this index.
    error Distribution_NoSubset(uint256 ds, uint256 subset, uint256 subsets);

    /// @notice All places for replicas of this subset are taken.
    error Distribution_SubsetFull(uint256 ds, uint256 subset, uint256 maxReplicas);

    /// @notice This subset has had all the 255 instances that its ids can name.
    error Distribution_ReplicasExhausted(uint256 ds, uint256 subset);

    /// @notice This CO is named for this subset already.
    error Distribution_AlreadyNamed(uint256 ci, address cloudOwner);

    /// @notice The instance is in the wrong status for this call.
    error Distribution_WrongStatus(uint256 ci, InstanceStatus status);

    /// @notice The time for this answer is over.
    error Distribution_TooLate(uint256 ci, uint256 deadline, uint256 timestamp);

    /// @notice The time for this exit has not come.
    error Distribution_TooEarly(uint256 ci, uint256 opensAfter, uint256 timestamp);

    /// @notice Creates a dataset with all its subsets (the paper's CreateDS and CreateDSS).
    /// @dev Caller: a DO. Emits {DatasetCreated}.
    /// @param terms See {DatasetTerms}.
    /// @param metadataHash sha256 of the dataset's public description.
    /// @param metadataLocation Where the description is: an id in the object store.
    /// @return ds The new id: kind 1, the DO's next serial.
    function createDS(
        DatasetTerms calldata terms,
        bytes32 metadataHash,
        bytes calldata metadataLocation
    ) external returns (uint256 ds);

    /// @notice Names a CO for each of several replicas.
    /// @dev Caller: the dataset's DO. Emits {InstanceCreated} for each; the ids are consecutive replicas of each
    /// subset.
    /// @param ds The dataset.
    /// @param subsets For each replica, its subset's index.
    /// @param cloudOwners For each replica, a registered CO, not yet named for that subset.
    /// @param sealedLocations For each replica, where its data package is, sealed to that CO's key.
    function createCI(
        uint256 ds,
        uint16[] calldata subsets,
        address[] calldata cloudOwners,
        bytes[] calldata sealedLocations
    ) external;

    /// @notice Declares that the caller holds the data, and locks its bond.
    /// @dev Caller: the CO named, within the answer window of {createCI}. Emits {InstanceJoined}.
    /// @param dataHash Its receipt for the subset's digest.
    /// @param nonce The nonce in that receipt.
    function joinCI(uint256 ci, bytes32 dataHash, bytes32 nonce) external;

    /// @notice Declines: the data cannot be had, or are not what the other replicas declare.
    /// @dev Caller: the CO named, while Free. Emits {InstanceRefused}.
    function refuseCI(uint256 ci) external;

    /// @notice Accepts or rejects receipts.
    /// @dev Caller: the DO, within the answer window of {joinCI}. Emits {InstanceVerified} or {InstanceRejected} for
    /// each.
    function verifyCI(uint256[] calldata cis, bool[] calldata ok) external;

    /// @notice Leaves the pool, or never enters it.
    /// @dev Caller: the DO or that CO. From Verified the instance is Retiring, see "The pool"; from Free or Joined it
    /// is Retired at once and its bond free. Emits {InstanceRetiring} or {InstanceRetired}.
    function retireCI(uint256 ci) external;

    /// @notice The exit: frees the place and the bond of an instance that time has passed by.
    /// @dev Caller: anyone, once nobody answered in time (Free, Joined), the bond is no longer needed (Retiring) or the
    /// offer has ended (Verified). Emits {InstanceRetired}.
    function releaseCI(uint256 ci) external;

    /// @notice The terms of `ds`; all zero if there is no such dataset.
    function datasetTerms(uint256 ds) external view returns (DatasetTerms memory terms);

    /// @notice The pool of `ds`.
    /// @return version How often the pool has changed.
    /// @return covered How many subsets have an instance in the pool.
    function datasetPool(uint256 ds) external view returns (uint256 version, uint256 covered);

    /// @notice The instances that hold a place in a subset, in the order in which a settlement walks them.
    function instancesOf(uint256 ds, uint256 subset) external view returns (uint256[] memory cis);

    /// @notice One cloud instance; all zero if there is none.
    function cloudInstance(uint256 ci) external view returns (CloudInstance memory instance);
}
