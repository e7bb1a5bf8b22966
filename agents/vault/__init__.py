"""The vault: sealing to a member's key, and the object store.

`keys` a member's encryption key, `sealing` for one reader, `envelope` for many, `packages` what is sealed and
stored at once. `store` is the seam, `places` what a URL names, `local_store` the backend in a folder,
`remote_store` the one elsewhere, by `bucket`. `own_objects` is what a member has put, `grants` who may what.
"""
