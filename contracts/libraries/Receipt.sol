// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title The hash rule: one for data, one for trained models
/// @notice A receipt commits its reporter to a secret digest without showing it. The paper appends a nonce so that two
/// honest replicas never publish the same hash (II-B); here the receipt also binds chain, market, job and reporter, so
/// that a copied (hash, nonce) pair opens to nothing for whoever copied it.
///
/// `digest` is sha256 of canonical bytes: of a data subset, or of a trained model.
library Receipt {
    bytes32 private constant TYPE = keccak256("Holdfast receipt v1");

    /// @notice What makes a receipt worthless on any other chain or market.
    function domain() internal view returns (bytes32) {
        return keccak256(abi.encode(TYPE, block.chainid, address(this)));
    }

    /// @notice The receipt of a cloud owner that holds a data subset.
    function data(
        bytes32 domain_,
        uint256 ds,
        uint256 subset,
        address cloudOwner,
        bytes32 digest,
        bytes32 nonce
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(domain_, ds, subset, cloudOwner, digest, nonce));
    }

    /// @notice The receipt of a cloud owner that trained a model.
    function training(
        bytes32 domain_,
        uint256 tc,
        uint256 round,
        uint256 ci,
        address cloudOwner,
        bytes32 digest,
        bytes32 nonce
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(domain_, tc, round, ci, cloudOwner, digest, nonce));
    }

    /// @notice What the market stores of a report: enough to recognise it, in one word with its round and verdict.
    function commitment(bytes32 hash, bytes32 nonce) internal pure returns (bytes27) {
        return bytes27(keccak256(abi.encode(hash, nonce)));
    }
}
