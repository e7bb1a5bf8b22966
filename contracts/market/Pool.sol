// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IDistribution} from "../interfaces/IDistribution.sol";
import {Ids} from "../libraries/Ids.sol";
import {Members} from "./Members.sol";

/// @title Pool
/// @notice What the market stores of datasets, subsets and cloud instances; who is in the pool, and who holds a place.
/// @dev Branch tree and rules: docs/specification.md, D.
abstract contract Pool is Members {
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

    function _joinPool(uint256 ci, CloudInstance storage instance) internal {
        uint256 ds = Ids.datasetOf(ci);
        Dataset storage dataset = _datasets[ds];
        instance.verifiedAt = ++dataset.poolVersion;
        if (++_subsets[ds][Ids.subsetOf(ci)].live == 1) ++dataset.covered;
        _enter(instance, InstanceStatus.Verified);
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

    function _enter(CloudInstance storage instance, InstanceStatus status) internal {
        instance.status = status;
        instance.since = uint40(block.timestamp);
    }

    function _freeBond(CloudInstance storage instance) internal returns (uint256 bond) {
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
    ) internal returns (uint256 ci) {
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
    function _freePlace(uint256 ci) internal {
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

    function _requireDataset(uint256 ds) internal view returns (Dataset storage dataset) {
        dataset = _datasets[ds];
        if (dataset.subsets == 0) revert Distribution_NoDataset(ds);
    }
}
