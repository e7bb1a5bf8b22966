// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IDistribution} from "../interfaces/IDistribution.sol";
import {Ids} from "../libraries/Ids.sol";
import {Pool} from "./Pool.sol";

/// @title Distribution
/// @notice A dataset is offered, its replicas are handed out, declared, verified and given up.
/// @dev Branch tree and rules: docs/specification.md, D.
abstract contract Distribution is Pool {
    uint256 private constant MAX_SUBSETS = 256;
    uint256 internal constant MAX_REPLICAS = 16;

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

    function _requireOwner(uint256 id, address owner) internal view {
        if (msg.sender != owner) revert Distribution_NotOwner(id, msg.sender, owner);
    }

    function _requireStatus(
        uint256 ci,
        InstanceStatus required
    ) internal view returns (CloudInstance storage instance) {
        instance = _instances[ci];
        if (instance.status != required) revert Distribution_WrongStatus(ci, instance.status);
    }

    function _requireInTime(uint256 ci, uint256 deadline) internal view {
        if (block.timestamp > deadline) revert Distribution_TooLate(ci, deadline, block.timestamp);
    }

    /// @dev When anyone may release an instance: see {IDistribution-releaseCI}.
    function _releasableAfter(uint256 ci, CloudInstance storage instance) internal view returns (uint256) {
        Dataset storage dataset = _datasets[Ids.datasetOf(ci)];
        InstanceStatus status = instance.status;
        if (status == InstanceStatus.Free || status == InstanceStatus.Joined) {
            return uint256(instance.since) + dataset.answerWindowSeconds;
        }
        if (status == InstanceStatus.Retiring) {
            return
                uint256(instance.since) +
                dataset.drawWindowSeconds +
                dataset.reportWindowSeconds +
                2 * uint256(dataset.settleWindowSeconds);
        }
        if (status == InstanceStatus.Verified) return dataset.endsAt;
        revert Distribution_WrongStatus(ci, status);
    }
}
