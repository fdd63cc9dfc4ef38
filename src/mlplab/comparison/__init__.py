"""Comparing runs that are in the store.

query       runs, points and confusion matrices as tidy frames and arrays
statistics  mean, spread, confidence interval, and whether two groups differ
ranking     groups of runs that differ in their seed alone, best first
tables      a ranking as text: for a terminal, Markdown, CSV, JSON
evidence    what a page shows besides: points, confusion matrices, the images that are hardest
charts      loss curves, and accuracy over what varies; class_charts, inside: by class, and by layer
page        all of it as one HTML file
command     what is typed, and what ends a sweep
"""
