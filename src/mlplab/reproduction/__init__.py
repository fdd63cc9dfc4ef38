"""Published results, re-run and judged.

published   the figures (published.yaml), cell by cell
plan        cells -> jobs, each config once
known       jobs that have finished already, in whatever sweep
verdicts    published beside ours
answers     the assignment's questions, from what was measured
report      the verdicts as a table, as Markdown and as a page
command     what ``python src/reproduce.py`` does with all of these
"""
