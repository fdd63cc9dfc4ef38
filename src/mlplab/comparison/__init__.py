"""Comparing runs that are in the store.

query       runs, points and confusion matrices as tidy frames and arrays
statistics  mean, spread, confidence interval, and whether two groups differ
ranking     groups of runs that differ in their seed alone, best first
tables      a ranking as text: for a terminal, Markdown, CSV, JSON
"""
