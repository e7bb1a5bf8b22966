// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Lottery} from "contracts/libraries/Lottery.sol";
import {Vm} from "assurance/proofs/Vm.sol";

/// @title Proofs of the lottery's arithmetic, for all words
/// @notice `popCount` is proved in steps: the set bits of a word are those of its halves, four times over, and a word of
/// 16 bits is counted bit by bit. Together: for every word of 256 bits `popCount` is the number of its set bits.
/// @custom:solver bits
contract LotteryProofs {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Counting a word of 256 bits is counting its halves.
    /// @custom:bounds none
    function check_popCountOf256IsOfHalves(uint256 set) external pure {
        assert(Lottery.popCount(set) == Lottery.popCount(set & type(uint128).max) + Lottery.popCount(set >> 128));
    }

    /// @notice Counting a word of 128 bits is counting its halves.
    /// @custom:bounds none
    function check_popCountOf128IsOfHalves(uint128 set) external pure {
        assert(Lottery.popCount(set) == Lottery.popCount(set & type(uint64).max) + Lottery.popCount(set >> 64));
    }

    /// @notice Counting a word of 64 bits is counting its halves.
    /// @custom:bounds none
    function check_popCountOf64IsOfHalves(uint64 set) external pure {
        assert(Lottery.popCount(set) == Lottery.popCount(set & type(uint32).max) + Lottery.popCount(set >> 32));
    }

    /// @notice Counting a word of 32 bits is counting its halves.
    /// @custom:bounds none
    function check_popCountOf32IsOfHalves(uint32 set) external pure {
        assert(Lottery.popCount(set) == Lottery.popCount(set & type(uint16).max) + Lottery.popCount(set >> 16));
    }

    /// @notice A word of 16 bits has as many set bits as one counts one by one.
    /// @custom:bounds none
    /// @custom:halmos --loop 16
    function check_popCountOf16IsTheSum(uint16 set) external pure {
        uint256 sum;
        for (uint256 i = 0; i < 16; ++i) sum += (set >> i) & 1;
        assert(Lottery.popCount(set) == sum);
    }

    /// @notice `full(size)` is the set of the `size` lowest bits.
    /// @custom:bounds none: sizes 1..256
    function check_fullHasTheLowestBits(uint16 size, uint8 bit) external pure {
        VM.assume(size != 0 && size <= 256);
        assert(((Lottery.full(size) >> bit) & 1 == 1) == (bit < size));
    }

    /// @notice `lowestIndex` of a set that is not empty is a member's, and no member has a lower one.
    /// @custom:bounds none
    function check_lowestIndexIsTheLowest(uint256 set) external pure {
        VM.assume(set != 0);
        uint256 index = Lottery.lowestIndex(set);
        assert(index < 256);
        assert(set & ((1 << index) - 1) == 0);
        assert((set >> index) & 1 == 1);
    }

    /// @notice What is drawn is of the pool, none twice, as many as asked for: bits of the pool, `count` of them. The seed
    /// is any, so every outcome of the hash is.
    /// @custom:bounds all pools among the 4 lowest subsets, 1 or 2 drawn; every seed of which no ticket but the first is
    /// rejected (a ticket is with probability 2^-16)
    /// @custom:halmos --loop 16 --solver-timeout-branching 10s
    function check_drawIsWithoutReplacement(bytes32 seed, uint8 pool, bool two) external pure {
        uint256 word = uint256(keccak256(abi.encode(seed, uint256(0))));
        VM.assume(uint16(word >> 224) != type(uint16).max && uint16(word >> 208) != type(uint16).max);
        for (uint8 some = 1; some < 16; ++some) if (pool == some) return _draw(seed, some, two ? 2 : 1);
    }

    function _draw(bytes32 seed, uint256 pool, uint256 count) private pure {
        if (count > Lottery.popCount(pool)) return;
        uint256 drawn = Lottery.draw(seed, pool, count);
        assert(drawn & ~pool == 0);
        assert(Lottery.popCount(drawn) == count);
    }

    /// @notice The set bit of a rank is a single member of the set, with as many members below it as the rank says.
    /// @custom:bounds sets among the 16 lowest subsets
    /// @custom:halmos --loop 8
    function check_nthSetBitHasItsRank(uint16 set, uint8 rank) external pure {
        VM.assume(rank < Lottery.popCount(set));
        uint256 bit = Lottery.nthSetBit(set, rank);
        assert(bit != 0 && bit & (bit - 1) == 0 && bit & set == bit);
        assert(Lottery.popCount(set & (bit - 1)) == rank);
    }
}
