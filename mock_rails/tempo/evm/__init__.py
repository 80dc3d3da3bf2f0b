"""The EVM under the chain: py-evm's opcodes on our state, with Tempo's gas and native contracts.

Nothing here is imported before a transaction or a call reaches code that is not a native contract:
py-evm takes longer to import than the rest of the chain.
"""
