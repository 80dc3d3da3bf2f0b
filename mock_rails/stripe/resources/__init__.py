"""The resources: one file a noun, each with its object, its rules and its endpoints.

`mock_rails/stripe/endpoints.py` collects the endpoints.
"""
