// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Draws without replacement
/// @notice Sets of subsets are 256-bit words: bit i is subset i. A draw costs the same however many subsets there are.
library Lottery {
    /// @notice Takes `count` members of `pool`, each set of that size equally likely given a uniform `seed`.
    /// @dev Each pick reads 16 bits of keccak256(seed, j), rejecting those past the last whole multiple of what is left
    /// (no modulo bias), and takes the set bit of that rank.
    /// @param seed The round's seed.
    /// @param pool What may be drawn; at least `count` bits are set.
    /// @param count How many to draw.
    /// @return drawn Exactly `count` of the bits of `pool`.
    function draw(bytes32 seed, uint256 pool, uint256 count) internal pure returns (uint256 drawn) {
        uint256 left = popCount(pool);
        uint256 word;
        uint256 reads;
        while (count != 0) {
            if (reads % 16 == 0) word = uint256(keccak256(abi.encode(seed, reads / 16)));
            uint256 ticket = word >> 240;
            word <<= 16;
            ++reads;
            if (ticket >= 65_536 - (65_536 % left)) continue;
            uint256 bit = nthSetBit(pool, ticket % left);
            pool ^= bit;
            drawn |= bit;
            --left;
            --count;
        }
    }

    /// @notice The set of all of `size` subsets, 1..256.
    function full(uint256 size) internal pure returns (uint256) {
        return type(uint256).max >> (256 - size);
    }

    /// @notice The lowest-numbered set bit of `set` that has `rank` set bits below it, as a word with that bit alone.
    /// @param set A set with more than `rank` members.
    function nthSetBit(uint256 set, uint256 rank) internal pure returns (uint256 bit) {
        uint256 shift;
        for (uint256 width = 128; width != 0; width >>= 1) {
            uint256 below = popCount((set >> shift) & (type(uint256).max >> (256 - width)));
            if (rank >= below) {
                rank -= below;
                shift += width;
            }
        }
        return 1 << shift;
    }

    /// @notice The index of the lowest set bit of a non-empty `set`.
    function lowestIndex(uint256 set) internal pure returns (uint256 index) {
        return popCount((set & (~set + 1)) - 1);
    }

    /// @notice How many bits are set.
    /// @dev Adds neighbouring fields in place until sixteen 16-bit fields hold at most 16 each; the product's top field
    /// is their sum. `unchecked`: no field can overflow into its neighbour, and the product is meant to lose its high
    /// bits.
    function popCount(uint256 set) internal pure returns (uint256 count) {
        unchecked {
            set -= (set >> 1) & 0x5555555555555555555555555555555555555555555555555555555555555555;
            set =
                (set & 0x3333333333333333333333333333333333333333333333333333333333333333) +
                ((set >> 2) & 0x3333333333333333333333333333333333333333333333333333333333333333);
            set = (set + (set >> 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            set = (set + (set >> 8)) & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
            return (set * 0x0001000100010001000100010001000100010001000100010001000100010001) >> 240;
        }
    }
}
