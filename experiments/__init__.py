"""Command-line experiments: assembly of the rooms of avalanche_seg, no science."""
