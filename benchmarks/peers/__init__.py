"""The programs the sandbox is measured against, installed from their registries when a run needs them."""
