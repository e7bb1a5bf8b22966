"""The vault: sealing to a member's key, and the object store.

`keys` a member's encryption key, `sealing` for one reader, `envelope` for many, `store` the seam and its
fake, `local_store` the backend in a folder, `packages` the five put together.
"""
