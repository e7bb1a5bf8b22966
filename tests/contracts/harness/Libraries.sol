// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Ids} from "contracts/libraries/Ids.sol";
import {Lottery} from "contracts/libraries/Lottery.sol";
import {Receipt} from "contracts/libraries/Receipt.sol";
import {SeedChain} from "contracts/libraries/SeedChain.sol";

/// @title The libraries' internal functions, opened for their tests; those of the lottery many at once.
contract Libraries {
    // --- Ids ---

    function make(address owner, uint256 kind, uint256 serial) external pure returns (uint256) {
        return Ids.make(owner, kind, serial);
    }

    function ownerOf(uint256 id) external pure returns (address) {
        return Ids.ownerOf(id);
    }

    function serialOf(uint256 id) external pure returns (uint256) {
        return Ids.serialOf(id);
    }

    function instance(uint256 ds, uint256 subset, uint256 replica) external pure returns (uint256) {
        return Ids.instance(ds, subset, replica);
    }

    function datasetOf(uint256 ci) external pure returns (uint256) {
        return Ids.datasetOf(ci);
    }

    function subsetOf(uint256 ci) external pure returns (uint256) {
        return Ids.subsetOf(ci);
    }

    function replicaOf(uint256 ci) external pure returns (uint256) {
        return Ids.replicaOf(ci);
    }

    // --- Receipt ---

    function domain() external view returns (bytes32) {
        return Receipt.domain();
    }

    function data(
        bytes32 domain_,
        uint256 ds,
        uint256 subset,
        address cloudOwner,
        bytes32 digest,
        bytes32 nonce
    ) external pure returns (bytes32) {
        return Receipt.data(domain_, ds, subset, cloudOwner, digest, nonce);
    }

    function training(
        bytes32 domain_,
        uint256 tc,
        uint256 round,
        uint256 ci,
        address cloudOwner,
        bytes32 digest,
        bytes32 nonce
    ) external pure returns (bytes32) {
        return Receipt.training(domain_, tc, round, ci, cloudOwner, digest, nonce);
    }

    function commitment(bytes32 hash, bytes32 nonce) external pure returns (bytes27) {
        return Receipt.commitment(hash, nonce);
    }

    // --- SeedChain ---

    function opens(bytes32 tip, bytes32 link) external pure returns (bool) {
        return SeedChain.opens(tip, link);
    }

    function roundSeed(bytes32 moSeed, bytes32 doSeed, uint256 tc, uint256 round) external pure returns (bytes32) {
        return SeedChain.roundSeed(moSeed, doSeed, tc, round);
    }

    // --- Lottery ---

    function draws(
        bytes32[] calldata seeds,
        uint256[] calldata pools,
        uint256[] calldata counts
    ) external pure returns (uint256[] memory drawn) {
        drawn = new uint256[](seeds.length);
        for (uint256 i = 0; i < seeds.length; ++i) drawn[i] = Lottery.draw(seeds[i], pools[i], counts[i]);
    }

    function fulls(uint256[] calldata sizes) external pure returns (uint256[] memory sets) {
        sets = new uint256[](sizes.length);
        for (uint256 i = 0; i < sizes.length; ++i) sets[i] = Lottery.full(sizes[i]);
    }

    function nthSetBits(
        uint256[] calldata sets,
        uint256[] calldata ranks
    ) external pure returns (uint256[] memory bits) {
        bits = new uint256[](sets.length);
        for (uint256 i = 0; i < sets.length; ++i) bits[i] = Lottery.nthSetBit(sets[i], ranks[i]);
    }

    function lowestIndices(uint256[] calldata sets) external pure returns (uint256[] memory indices) {
        indices = new uint256[](sets.length);
        for (uint256 i = 0; i < sets.length; ++i) indices[i] = Lottery.lowestIndex(sets[i]);
    }

    function popCounts(uint256[] calldata sets) external pure returns (uint256[] memory counts) {
        counts = new uint256[](sets.length);
        for (uint256 i = 0; i < sets.length; ++i) counts[i] = Lottery.popCount(sets[i]);
    }
}
