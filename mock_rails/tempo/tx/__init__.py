"""Transactions: their model, their bytes, their hashes, their signatures and their JSON.

Nothing here looks at the chain's state: whether a nonce is right or a fee can be paid is the
executor's business. Import from the modules; `model` is the seam that everyone uses.
"""
