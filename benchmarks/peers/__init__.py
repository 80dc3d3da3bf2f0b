"""The programs the sandbox is measured against, installed from their registries when needed."""
