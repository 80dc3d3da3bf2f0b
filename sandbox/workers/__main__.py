"""`python -m sandbox.workers`: one worker; started by the devnet, not by people."""

from __future__ import annotations

from sandbox.workers.worker import main

if __name__ == "__main__":
    main()
