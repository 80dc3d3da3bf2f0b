"""Figures of studies: few forms, one look, the plotted numbers beside each (style 4.3)."""
