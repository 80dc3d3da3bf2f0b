"""Figures and reports: the only modules here that draw. Each figure is a pure function of results.

Every picture is saved as PNG and SVG with a JSON file of the plotted numbers beside it.
"""
