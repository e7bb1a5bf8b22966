// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Ids} from "contracts/libraries/Ids.sol";
import {RoundFixture} from "assurance/proofs/RoundFixture.sol";

/// @title The market, open to the proofs
/// @notice Nothing of the market is overridden, functions are only added: what is proved of it holds of `Marketplace`.
contract OpenMarket is RoundFixture {
    function lock(address account, uint256 amount) external {
        _lock(account, amount);
    }

    function free(address account, uint256 amount) external {
        _free(account, amount);
    }

    function accountOf(address account) external view returns (Account memory kept) {
        return _accounts[account];
    }

    function coupleOf(uint256 tc) external view returns (Couple memory couple) {
        return _couples[tc];
    }

    /// @dev Of the dataset that a couple is of.
    function coupleBondOf(uint256 tc) external view returns (uint256 bond) {
        return _datasets[_datasetOf(_couples[tc])].coupleBond;
    }

    /// @dev What a couple of this dataset locks for so many rounds.
    function priceOf(uint256 ds, uint256 rounds) external view returns (uint256 price) {
        Dataset storage dataset = _datasets[ds];
        uint256 jobs = uint256(dataset.subsetsPerRound) * dataset.maxReplicas;
        return rounds * (uint256(dataset.roundPrice) + jobs * dataset.jobPrice);
    }

    function nextCoupleOf(address account) external view returns (uint256 tc) {
        return Ids.make(account, Ids.COUPLE, uint256(_accounts[account].couples) + 1);
    }
}
