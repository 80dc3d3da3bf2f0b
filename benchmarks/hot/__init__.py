"""Hot paths, each timed alone by pytest-benchmark and held against a loop of plain Python.

`make bench-hot` fails where a path became half as slow again, whatever the machine's speed.
"""
