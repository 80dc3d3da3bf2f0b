"""The chain as an eth-tester backend: for tests that are written against `EthereumTester`.

    from eth_tester import EthereumTester
    from mock_rails.tempo.eth_tester_backend import TempoBackend

    tester = EthereumTester(TempoBackend())
    web3 = Web3(EthereumTesterProvider(tester))

A room of its own, because importing it loads eth-tester: `mock_rails.tempo` does not.
"""

from mock_rails.tempo.eth_tester_backend.backend import ETH_TESTER_CHAIN_ID, TempoBackend

__all__ = ["ETH_TESTER_CHAIN_ID", "TempoBackend"]
