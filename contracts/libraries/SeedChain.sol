// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Hash chains of secrets, opened one link a round
/// @notice Whoever commits to `tip = H(H(...H(secret)))` has fixed the seeds of all rounds at once and can only reveal
/// them in order. The last link revealed becomes the tip that the next one is checked against.
library SeedChain {
    /// @notice Whether `link` is the preimage of `tip`.
    function opens(bytes32 tip, bytes32 link) internal pure returns (bool) {
        return keccak256(abi.encode(link)) == tip;
    }

    /// @notice A round's seed: neither party alone can know or choose it.
    function roundSeed(bytes32 moSeed, bytes32 doSeed, uint256 tc, uint256 round) internal pure returns (bytes32) {
        return keccak256(abi.encode(moSeed, doSeed, tc, round));
    }
}
