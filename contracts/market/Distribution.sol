// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Ids} from "../libraries/Ids.sol";
import {IDistribution} from "../interfaces/IDistribution.sol";
import {Members} from "./Members.sol";

/// @title Distribution
/// @notice Datasets, their subsets and the instances that hold them.
/// @dev Branch tree and rules: docs/specification.md, D.
abstract contract Distribution is Members {
    uint256 private constant MAX_SUBSETS = 256;
    uint256 internal constant MAX_REPLICAS = 16;
    uint256 private constant PLACE_BITS = 8;

    /// @dev Three words; a round's calls read the first or the last.
    struct Dataset {
        uint96 roundPrice;
        uint96 jobPrice;
        uint16 subsets;
        uint16 subsetsPerRound;
        uint8 maxReplicas;
        uint24 drawWindowSeconds;
        // second word
        uint96 instanceBond;
        uint96 coupleBond;
        uint32 coupleWindowSeconds;
        uint24 answerWindowSeconds;
        // third word
        uint96 missPenalty;
        uint24 reportWindowSeconds;
        uint24 settleWindowSeconds;
        uint40 endsAt;
        uint24 poolVersion;
        uint16 covered;
    }

    /// @dev One word. `places` holds, 8 bits each, the replica numbers of the `occupied` instances that hold a place.
    struct Subset {
        uint128 places;
        uint8 occupied;
        uint8 live;
        uint8 named;
    }

    mapping(uint256 ds => Dataset) internal _datasets;
    mapping(uint256 ds => mapping(uint256 index => Subset)) internal _subsets;
    mapping(uint256 ci => CloudInstance) internal _instances;

    // --- the data owner ---

    /// @inheritdoc IDistribution
    function createDS(
        DatasetTerms calldata terms,
        bytes32 metadataHash,
        bytes calldata metadataLocation
    ) external returns (uint256 ds) {
        _requireRole(msg.sender, Role.DataOwner);
        _checkTerms(terms);
        ds = Ids.make(msg.sender, Ids.DATASET, ++_accounts[msg.sender].datasets);
        _datasets[ds] = Dataset({
            roundPrice: terms.roundPrice,
            jobPrice: terms.jobPrice,
            subsets: terms.subsets,
            subsetsPerRound: terms.subsetsPerRound,
            maxReplicas: terms.maxReplicas,
            drawWindowSeconds: terms.drawWindowSeconds,
            instanceBond: terms.instanceBond,
            coupleBond: terms.coupleBond,
            coupleWindowSeconds: terms.coupleWindowSeconds,
            answerWindowSeconds: terms.answerWindowSeconds,
            missPenalty: terms.missPenalty,
            reportWindowSeconds: terms.reportWindowSeconds,
            settleWindowSeconds: terms.settleWindowSeconds,
            endsAt: terms.endsAt,
            poolVersion: 0,
            covered: 0
        });
        emit DatasetCreated(ds, msg.sender, terms, metadataHash, metadataLocation);
    }

    /// @inheritdoc IDistribution
    function createCI(
        uint256 ds,
        uint16[] calldata subsets,
        address[] calldata cloudOwners,
        bytes[] calldata sealedLocations
    ) external {
        Dataset storage dataset = _requireDataset(ds);
        _requireOwner(ds, Ids.ownerOf(ds));
        if (block.timestamp > dataset.endsAt) revert Distribution_Ended(dataset.endsAt, block.timestamp);
        if (subsets.length != cloudOwners.length || subsets.length != sealedLocations.length) {
            revert Distribution_LengthMismatch();
        }
        for (uint256 i = 0; i < subsets.length; ++i) {
            uint256 ci = _takePlace(ds, dataset, subsets[i], cloudOwners[i]);
            _instances[ci] = CloudInstance({
                cloudOwner: cloudOwners[i],
                status: InstanceStatus.Free,
                since: uint40(block.timestamp),
                verifiedAt: 0,
                leftAt: 0,
                bond: 0
            });
            emit InstanceCreated(ci, cloudOwners[i], sealedLocations[i]);
        }
    }

    /// @inheritdoc IDistribution
    function verifyCI(uint256[] calldata cis, bool[] calldata ok) external {
        if (cis.length != ok.length) revert Distribution_LengthMismatch();
        for (uint256 i = 0; i < cis.length; ++i) {
            _verify(cis[i], ok[i]);
        }
    }

    // --- the cloud owner ---

    /// @inheritdoc IDistribution
    function joinCI(uint256 ci, bytes32 dataHash, bytes32 nonce) external {
        CloudInstance storage instance = _requireStatus(ci, InstanceStatus.Free);
        _requireOwner(ci, instance.cloudOwner);
        Dataset storage dataset = _datasets[Ids.datasetOf(ci)];
        _requireInTime(ci, instance.since + dataset.answerWindowSeconds);
        _lock(msg.sender, dataset.instanceBond);
        instance.bond = dataset.instanceBond;
        _enter(instance, InstanceStatus.Joined);
        emit InstanceJoined(ci, msg.sender, dataHash, nonce);
    }

    /// @inheritdoc IDistribution
    function refuseCI(uint256 ci) external {
        CloudInstance storage instance = _requireStatus(ci, InstanceStatus.Free);
        _requireOwner(ci, instance.cloudOwner);
        _enter(instance, InstanceStatus.Refused);
        _freePlace(ci);
        emit InstanceRefused(ci, msg.sender);
    }

    // --- leaving ---

    /// @inheritdoc IDistribution
    function retireCI(uint256 ci) external {
        CloudInstance storage instance = _instances[ci];
        if (msg.sender != instance.cloudOwner) _requireOwner(ci, Ids.ownerOf(ci));
        InstanceStatus status = instance.status;
        if (status == InstanceStatus.Verified) _leavePool(ci, instance);
        else if (status == InstanceStatus.Free || status == InstanceStatus.Joined) _retire(ci, instance);
        else revert Distribution_WrongStatus(ci, status);
    }

    /// @inheritdoc IDistribution
    function releaseCI(uint256 ci) external {
        CloudInstance storage instance = _instances[ci];
        uint256 opensAfter = _releasableAfter(ci, instance);
        if (block.timestamp <= opensAfter) revert Distribution_TooEarly(ci, opensAfter, block.timestamp);
        if (instance.status == InstanceStatus.Verified) _leavePool(ci, instance);
        _retire(ci, instance);
    }

    // --- views ---

    /// @inheritdoc IDistribution
    function datasetTerms(uint256 ds) external view returns (DatasetTerms memory terms) {
        Dataset storage dataset = _datasets[ds];
        return
            DatasetTerms({
                subsets: dataset.subsets,
                subsetsPerRound: dataset.subsetsPerRound,
                maxReplicas: dataset.maxReplicas,
                roundPrice: dataset.roundPrice,
                jobPrice: dataset.jobPrice,
                instanceBond: dataset.instanceBond,
                missPenalty: dataset.missPenalty,
                coupleBond: dataset.coupleBond,
                answerWindowSeconds: dataset.answerWindowSeconds,
                drawWindowSeconds: dataset.drawWindowSeconds,
                reportWindowSeconds: dataset.reportWindowSeconds,
                settleWindowSeconds: dataset.settleWindowSeconds,
                coupleWindowSeconds: dataset.coupleWindowSeconds,
                endsAt: dataset.endsAt
            });
    }

    /// @inheritdoc IDistribution
    function datasetPool(uint256 ds) external view returns (uint256 version, uint256 covered) {
        return (_datasets[ds].poolVersion, _datasets[ds].covered);
    }

    /// @inheritdoc IDistribution
    function instancesOf(uint256 ds, uint256 index) external view returns (uint256[] memory cis) {
        Subset memory subset = _subsets[ds][index];
        cis = new uint256[](subset.occupied);
        for (uint256 place = 0; place < subset.occupied; ++place) {
            cis[place] = _instanceAt(ds, index, subset.places, place);
        }
    }

    /// @inheritdoc IDistribution
    function cloudInstance(uint256 ci) external view returns (CloudInstance memory instance) {
        return _instances[ci];
    }

    // --- the pool ---

    /// @dev Whether an instance was in the pool after its `version`-th change.
    function _wasInPool(CloudInstance storage instance, uint256 version) internal view returns (bool) {
        uint256 leftAt = instance.leftAt;
        uint256 verifiedAt = instance.verifiedAt;
        return verifiedAt != 0 && verifiedAt <= version && (leftAt == 0 || leftAt > version);
    }

    /// @dev Takes a Verified instance out of the pool.
    function _leavePool(uint256 ci, CloudInstance storage instance) internal {
        uint256 ds = Ids.datasetOf(ci);
        Dataset storage dataset = _datasets[ds];
        instance.leftAt = ++dataset.poolVersion;
        if (--_subsets[ds][Ids.subsetOf(ci)].live == 0) --dataset.covered;
        _enter(instance, InstanceStatus.Retiring);
        emit InstanceRetiring(ci, msg.sender);
    }

    function _joinPool(uint256 ci, CloudInstance storage instance) private {
        uint256 ds = Ids.datasetOf(ci);
        Dataset storage dataset = _datasets[ds];
        instance.verifiedAt = ++dataset.poolVersion;
        if (++_subsets[ds][Ids.subsetOf(ci)].live == 1) ++dataset.covered;
        _enter(instance, InstanceStatus.Verified);
    }

    function _verify(uint256 ci, bool ok) private {
        CloudInstance storage instance = _requireStatus(ci, InstanceStatus.Joined);
        _requireOwner(ci, Ids.ownerOf(ci));
        _requireInTime(ci, instance.since + _datasets[Ids.datasetOf(ci)].answerWindowSeconds);
        if (ok) {
            _joinPool(ci, instance);
            emit InstanceVerified(ci, msg.sender);
        } else {
            _enter(instance, InstanceStatus.Rejected);
            _freePlace(ci);
            _freeBond(instance);
            emit InstanceRejected(ci, msg.sender);
        }
    }

    /// @dev The end of an instance that is not, or no longer, in the pool.
    function _retire(uint256 ci, CloudInstance storage instance) private {
        _enter(instance, InstanceStatus.Retired);
        _freePlace(ci);
        emit InstanceRetired(ci, msg.sender, _freeBond(instance));
    }

    function _enter(CloudInstance storage instance, InstanceStatus status) private {
        instance.status = status;
        instance.since = uint40(block.timestamp);
    }

    function _freeBond(CloudInstance storage instance) private returns (uint256 bond) {
        bond = instance.bond;
        if (bond == 0) return 0;
        instance.bond = 0;
        _free(instance.cloudOwner, bond);
    }

    // --- places ---

    function _instanceAt(uint256 ds, uint256 index, uint256 places, uint256 place) internal pure returns (uint256 ci) {
        return Ids.instance(ds, index, uint8(places >> (place * PLACE_BITS)));
    }

    function _takePlace(
        uint256 ds,
        Dataset storage dataset,
        uint256 index,
        address cloudOwner
    ) private returns (uint256 ci) {
        if (index >= dataset.subsets) revert Distribution_NoSubset(ds, index, dataset.subsets);
        _requireRole(cloudOwner, Role.CloudOwner);
        Subset memory subset = _subsets[ds][index];
        if (subset.occupied == dataset.maxReplicas) revert Distribution_SubsetFull(ds, index, subset.occupied);
        if (subset.named == type(uint8).max) revert Distribution_ReplicasExhausted(ds, index);
        for (uint256 place = 0; place < subset.occupied; ++place) {
            ci = _instanceAt(ds, index, subset.places, place);
            if (_instances[ci].cloudOwner == cloudOwner) revert Distribution_AlreadyNamed(ci, cloudOwner);
        }
        ++subset.named;
        subset.places |= uint128(uint256(subset.named) << (uint256(subset.occupied) * PLACE_BITS));
        ++subset.occupied;
        _subsets[ds][index] = subset;
        return Ids.instance(ds, index, subset.named);
    }

    /// @dev The last place moves into the one that falls free.
    function _freePlace(uint256 ci) private {
        Subset storage stored = _subsets[Ids.datasetOf(ci)][Ids.subsetOf(ci)];
        uint256 places = stored.places;
        uint256 last = uint256(stored.occupied) - 1;
        uint256 lastReplica = uint8(places >> (last * PLACE_BITS));
        uint256 replica = Ids.replicaOf(ci);
        uint256 place = 0;
        while (uint8(places >> (place * PLACE_BITS)) != replica) ++place;
        places ^= (replica ^ lastReplica) << (place * PLACE_BITS);
        stored.places = uint128(places & ((1 << (last * PLACE_BITS)) - 1));
        stored.occupied = uint8(last);
    }

    // --- checks ---

    function _checkTerms(DatasetTerms calldata terms) private view {
        if (
            terms.subsets == 0 ||
            terms.subsets > MAX_SUBSETS ||
            terms.subsetsPerRound == 0 ||
            terms.subsetsPerRound > terms.subsets ||
            terms.maxReplicas == 0 ||
            terms.maxReplicas > MAX_REPLICAS
        ) revert Distribution_BadShape(terms.subsets, terms.subsetsPerRound, terms.maxReplicas);
        if (
            terms.answerWindowSeconds == 0 ||
            terms.drawWindowSeconds == 0 ||
            terms.reportWindowSeconds == 0 ||
            terms.settleWindowSeconds == 0 ||
            terms.coupleWindowSeconds == 0
        ) revert Distribution_ZeroWindow();
        if (terms.instanceBond < terms.jobPrice || terms.instanceBond < terms.missPenalty) {
            revert Distribution_BondTooSmall(terms.instanceBond, terms.jobPrice, terms.missPenalty);
        }
        if (terms.endsAt <= block.timestamp) revert Distribution_Ended(terms.endsAt, block.timestamp);
    }

    function _requireDataset(uint256 ds) internal view returns (Dataset storage dataset) {
        dataset = _datasets[ds];
        if (dataset.subsets == 0) revert Distribution_NoDataset(ds);
    }

    function _requireOwner(uint256 id, address owner) private view {
        if (msg.sender != owner) revert Distribution_NotOwner(id, msg.sender, owner);
    }

    function _requireStatus(uint256 ci, InstanceStatus required) private view returns (CloudInstance storage instance) {
        instance = _instances[ci];
        if (instance.status != required) revert Distribution_WrongStatus(ci, instance.status);
    }

    function _requireInTime(uint256 ci, uint256 deadline) private view {
        if (block.timestamp > deadline) revert Distribution_TooLate(ci, deadline, block.timestamp);
    }

    /// @dev When anyone may release an instance: see {IDistribution-releaseCI}.
    function _releasableAfter(uint256 ci, CloudInstance storage instance) private view returns (uint256) {
        Dataset storage dataset = _datasets[Ids.datasetOf(ci)];
        InstanceStatus status = instance.status;
        if (status == InstanceStatus.Free || status == InstanceStatus.Joined) {
            return uint256(instance.since) + dataset.answerWindowSeconds;
        }
        if (status == InstanceStatus.Retiring) {
            return uint256(instance.since) + dataset.reportWindowSeconds + 2 * uint256(dataset.settleWindowSeconds);
        }
        if (status == InstanceStatus.Verified) return dataset.endsAt;
        revert Distribution_WrongStatus(ci, status);
    }
}
