"""Drawing a comparison: HTML pages with all that they need inside.

app/, sweeps/ and reproduction/ enter here. Read ``comparison_page`` first, then ``sections`` and ``charts``. Besides:
``drawn`` and ``evidence`` (what is shown), ``key_sections``, ``page_table``, the ``*_charts`` and ``trials`` on
``charts``, ``palette`` and ``scales``; ``templates`` fills in the frame that all pages share, ``charts.js`` draws and
``table.js`` sorts, filters and selects.
"""
