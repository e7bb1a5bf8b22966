// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Members: pseudonyms with a role and a key
/// @notice A member is an address, one role for life, and a public key to which others seal what only it may read. No
/// name, URL or network address is ever on chain (paper, II-A1). Anyone may register; who is behind an address is
/// settled between the parties, off chain.
interface IMembers {
    /// @notice What a member does in the market. `None` is anyone not registered.
    enum Role {
        None,
        DataOwner,
        CloudOwner,
        ModelOwner
    }

    /// @notice `member` registered. Seal to `encryptionKey`: a secp256k1 point, 64 bytes, x then y, big-endian.
    event MemberCreated(address indexed member, Role indexed role, bytes encryptionKey);

    /// @notice `member` has a role already, and keeps it.
    error Members_AlreadyRegistered(address member, Role role);

    /// @notice The call is for another role than the caller's.
    error Members_WrongRole(address member, Role role, Role required);

    /// @notice An encryption key is 64 bytes: an uncompressed secp256k1 point without its 0x04 prefix.
    error Members_BadEncryptionKey(uint256 length);

    /// @notice Registers the caller as a data owner (DO). Coins sent along open its balance.
    /// @dev Emits {MemberCreated}, and {ILedger-Deposited} if coins came along.
    /// @param encryptionKey 64 bytes, see {MemberCreated}. The market checks its length only: a key that is no point on
    /// the curve harms nobody but its owner.
    function createDO(bytes calldata encryptionKey) external payable;

    /// @notice Registers the caller as a cloud owner (CO). See {createDO}.
    function createCO(bytes calldata encryptionKey) external payable;

    /// @notice Registers the caller as a model owner (MO). See {createDO}.
    function createMO(bytes calldata encryptionKey) external payable;

    /// @notice The role of `member`; `None` if it never registered.
    function roleOf(address member) external view returns (Role role);
}
