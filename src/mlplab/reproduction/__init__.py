"""Published results, re-run and judged.

published   the figures (published.yaml), cell by cell
plan        cells -> jobs, each config once
verdicts    published beside ours
report      the verdicts as a table, as Markdown and as a page
command     what ``python src/reproduce.py`` does with all of these
"""
