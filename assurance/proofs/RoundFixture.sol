// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Marketplace} from "contracts/Marketplace.sol";
import {Ids} from "contracts/libraries/Ids.sol";
import {Receipt} from "contracts/libraries/Receipt.sol";

/// @title A market with one round on it, of which one subset is to be settled or closed
/// @notice Whatever the proofs leave open comes in as an argument. The round's other subset is pending, too.
abstract contract RoundFixture is Marketplace {
    uint256 internal constant REPLICAS = 3;
    address internal constant CLOUD_OWNER = address(0xC0);
    uint16 internal constant ROUND = 7;
    uint16 internal constant SUBSET = 2;
    uint24 internal constant POOL_VERSION = 9;
    bytes32 internal constant DIGEST = "digest";
    bytes32 internal constant NONCE = "nonce";

    /// @dev What a replica did.
    enum Act {
        Agrees,
        Differs,
        IsSilent,
        Flags
    }

    /// @dev All the amounts that the round is about. `roundPrice` is the subset's share of it, too: a round draws one.
    struct Amounts {
        uint96 roundPrice;
        uint96 jobPrice;
        uint96 missPenalty;
        uint96 escrow;
        uint96[REPLICAS] bonds;
        uint96[REPLICAS] balances;
    }

    /// @dev Of that round. No constants: halmos knows a mapping's slot by the hash that is taken for it, and
    /// the compiler would take that of a constant.
    uint256 private _ds;
    uint256 private _tc;

    /// @dev Builds the round: drawn, not all answered, reporting closed at `deadline`.
    function setUpRound(
        uint256 ds,
        uint256 tc,
        Act[REPLICAS] calldata acts,
        uint8 quorum,
        uint16 flagsLeft,
        uint40 deadline,
        Amounts calldata amounts
    ) external {
        (_ds, _tc) = (ds, tc);
        Dataset storage dataset = _datasets[ds];
        dataset.roundPrice = amounts.roundPrice;
        dataset.jobPrice = amounts.jobPrice;
        dataset.missPenalty = amounts.missPenalty;
        dataset.subsets = 8;
        dataset.subsetsPerRound = 1;
        dataset.settleWindowSeconds = 100;
        dataset.poolVersion = POOL_VERSION;
        dataset.covered = 8;
        _subsets[ds][SUBSET] = Subset(0x030201, uint8(REPLICAS), uint8(REPLICAS), uint8(REPLICAS));
        Couple storage couple = _couples[tc];
        couple.dataOwner = Ids.ownerOf(ds);
        couple.datasetSerial = 1;
        couple.phase = CouplePhase.Training;
        couple.quorum = quorum;
        couple.round = ROUND;
        couple.maxRounds = ROUND;
        couple.rem = 1;
        couple.flagsLeft = flagsLeft;
        couple.poolVersion = POOL_VERSION;
        couple.deadline = deadline;
        couple.escrow = amounts.escrow;
        couple.notPending = ~uint256((1 << SUBSET) | 1);
        for (uint256 i = 0; i < REPLICAS; ++i) {
            CloudInstance storage instance = _instances[_ci(i)];
            instance.cloudOwner = _cloudOwner(i);
            instance.status = InstanceStatus.Verified;
            instance.verifiedAt = uint24(i + 1);
            instance.bond = amounts.bonds[i];
            _accounts[_cloudOwner(i)].balance = amounts.balances[i];
            _jobs[tc][_ci(i)] = _job(acts[i], i);
        }
    }

    /// @dev A couple of a dataset of one subset of which nobody holds a replica, waiting for a link of a chain.
    function setUpChains(uint256 ds, uint256 tc, CouplePhase phase, bytes32 moTip, bytes32 doTip) external {
        Dataset storage dataset = _datasets[ds];
        (dataset.subsets, dataset.subsetsPerRound) = (1, 1);
        Couple storage couple = _couples[tc];
        couple.dataOwner = Ids.ownerOf(ds);
        couple.datasetSerial = uint32(Ids.serialOf(ds));
        couple.windowEndsAt = uint40(block.timestamp);
        couple.phase = phase;
        couple.round = ROUND;
        couple.maxRounds = ROUND + 1;
        couple.deadline = uint40(block.timestamp);
        (couple.moTip, couple.doTip) = (moTip, doTip);
    }

    /// @dev How many subsets that dataset has and a round draws, and which this epoch has drawn already.
    function setUpEpoch(uint256 ds, uint256 tc, uint16 subsets, uint16 subsetsPerRound, uint256 drawn) external {
        Dataset storage dataset = _datasets[ds];
        (dataset.subsets, dataset.subsetsPerRound) = (subsets, subsetsPerRound);
        _couples[tc].drawnThisEpoch = drawn;
    }

    /// @dev What `settleRound` is called with.
    function reports(Act[REPLICAS] calldata acts) external view returns (Report[] memory laid) {
        uint256 count;
        for (uint256 i = 0; i < REPLICAS; ++i) if (_reports(acts[i])) ++count;
        laid = new Report[](count);
        count = 0;
        for (uint256 i = 0; i < REPLICAS; ++i) {
            if (_reports(acts[i])) laid[count++] = Report(_ci(i), _hash(acts[i], i), NONCE);
        }
    }

    /// @dev Where the coins are.
    function coins()
        external
        view
        returns (
            uint256 escrow,
            uint256 dataOwner,
            uint256[REPLICAS] memory bonds,
            uint256[REPLICAS] memory balances,
            uint256 pending
        )
    {
        (escrow, dataOwner) = (_couples[_tc].escrow, _accounts[Ids.ownerOf(_ds)].balance);
        for (uint256 i = 0; i < REPLICAS; ++i) {
            bonds[i] = _instances[_ci(i)].bond;
            balances[i] = _accounts[_cloudOwner(i)].balance;
        }
        pending = ~_couples[_tc].notPending;
    }

    function _job(Act act, uint256 i) private view returns (TrainJob memory job) {
        if (_reports(act)) return TrainJob(Receipt.commitment(_hash(act, i), NONCE), ROUND, JobStatus.Reported);
        if (act == Act.Flags) return TrainJob(0, ROUND, JobStatus.Flagged);
    }

    function _reports(Act act) private pure returns (bool) {
        return act == Act.Agrees || act == Act.Differs;
    }

    /// @dev Who differs opens to another digest.
    function _hash(Act act, uint256 i) private view returns (bytes32 hash) {
        bytes32 digest = act == Act.Agrees ? DIGEST : bytes32("another");
        return Receipt.training(Receipt.domain(), _tc, ROUND, _ci(i), _cloudOwner(i), digest, NONCE);
    }

    function _ci(uint256 i) private view returns (uint256 ci) {
        return Ids.instance(_ds, SUBSET, i + 1);
    }

    function _cloudOwner(uint256 i) private pure returns (address cloudOwner) {
        return address(uint160(CLOUD_OWNER) + uint160(i));
    }
}
