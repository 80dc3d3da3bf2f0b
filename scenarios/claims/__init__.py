"""What is said about MPP, as experiments: a number with its interval, and a verdict.

Each claim is a study of `scenarios/studies` run with settings of its own, and a judgement of its
rows (facts: protocol 6, E1 to E18). `python -m scenarios.claims` writes `docs/explain/claims.md`.
"""
