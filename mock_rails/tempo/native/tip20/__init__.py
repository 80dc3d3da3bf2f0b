"""TIP-20, the token standard of Tempo: a contract per concern and one class that joins them."""

from mock_rails.tempo.native.tip20.token import Tip20

__all__ = ["Tip20"]
