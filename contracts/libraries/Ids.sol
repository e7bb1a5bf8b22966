// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Identifiers that name their owner
/// @notice An id is the owner's address, what kind of thing it is, and a serial number that counts the owner's things
/// of that kind from 1. Who owns an asset is therefore read from its id, never from storage; an owner knows the id of
/// what it is about to create; and nobody's transaction can change the id that another's will get.
///
/// ```
///   255                                   96 95    80 79          32 31    16 15     0
///  +----------------------------------------+--------+--------------+--------+--------+
///  |             owner address              |  kind  |    serial    | subset | replica|
///  +----------------------------------------+--------+--------------+--------+--------+
/// ```
/// A cloud instance's id is its dataset's id with `subset` (0..255) and `replica` (1..255) filled in.
library Ids {
    uint256 internal constant DATASET = 1;
    uint256 internal constant MODEL = 2;
    uint256 internal constant COUPLE = 3;

    uint256 private constant INSTANCE_BITS = 32;

    function make(address owner, uint256 kind, uint256 serial) internal pure returns (uint256 id) {
        return (uint256(uint160(owner)) << 96) | (kind << 80) | (serial << INSTANCE_BITS);
    }

    function ownerOf(uint256 id) internal pure returns (address owner) {
        return address(uint160(id >> 96));
    }

    function serialOf(uint256 id) internal pure returns (uint256 serial) {
        return (id >> INSTANCE_BITS) & type(uint48).max;
    }

    function instance(uint256 ds, uint256 subset, uint256 replica) internal pure returns (uint256 ci) {
        return ds | (subset << 16) | replica;
    }

    function datasetOf(uint256 ci) internal pure returns (uint256 ds) {
        return (ci >> INSTANCE_BITS) << INSTANCE_BITS;
    }

    function subsetOf(uint256 ci) internal pure returns (uint256 subset) {
        return (ci >> 16) & type(uint16).max;
    }

    function replicaOf(uint256 ci) internal pure returns (uint256 replica) {
        return ci & type(uint16).max;
    }
}
