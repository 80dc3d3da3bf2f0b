"""The how-fast room: Locust load, micro-benchmarks and the report that compares them.

Every figure is a ratio of two things measured in the same run on the same machine; the last lines
of a benchmark are `ratio NAME: VALUE`, for people and for CI alike.
"""
