// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Ids} from "contracts/libraries/Ids.sol";
import {Vm} from "assurance/proofs/Vm.sol";

/// @title Proofs of the identifiers: whoever reads an id reads what was written, and no two things share one
/// @custom:solver bits
contract IdsProofs {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice An id tells its owner and its serial.
    /// @custom:bounds none: every owner, kind below 2^16 and serial below 2^48
    function check_idTellsOwnerAndSerial(address owner, uint16 kind, uint48 serial) external pure {
        uint256 id = Ids.make(owner, kind, serial);
        assert(Ids.ownerOf(id) == owner);
        assert(Ids.serialOf(id) == serial);
    }

    /// @notice Two ids are the same only if owner, kind and serial are.
    /// @custom:bounds none
    function check_idsAreDistinct(
        address owner,
        uint16 kind,
        uint48 serial,
        address owner2,
        uint16 kind2,
        uint48 serial2
    ) external pure {
        VM.assume(Ids.make(owner, kind, serial) == Ids.make(owner2, kind2, serial2));
        assert(owner == owner2 && kind == kind2 && serial == serial2);
    }

    /// @notice An instance's id tells its dataset, its subset and its replica, and its owner is the dataset's.
    /// @custom:bounds none: every subset and replica below 2^16
    function check_instanceTellsItsPlace(address owner, uint48 serial, uint16 subset, uint16 replica) external pure {
        uint256 ds = Ids.make(owner, Ids.DATASET, serial);
        uint256 ci = Ids.instance(ds, subset, replica);
        assert(Ids.datasetOf(ci) == ds);
        assert(Ids.subsetOf(ci) == subset);
        assert(Ids.replicaOf(ci) == replica);
        assert(Ids.ownerOf(ci) == owner);
    }

    /// @notice No instance has the id of a dataset, a model or a couple: replicas count from 1.
    /// @custom:bounds none
    function check_instancesAreNothingElse(
        address owner,
        uint48 serial,
        uint16 subset,
        uint16 replica,
        address owner2,
        uint16 kind,
        uint48 serial2
    ) external pure {
        VM.assume(replica != 0);
        uint256 ci = Ids.instance(Ids.make(owner, Ids.DATASET, serial), subset, replica);
        assert(ci != Ids.make(owner2, kind, serial2));
    }
}
