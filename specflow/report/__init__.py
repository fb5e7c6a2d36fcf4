"""A run → one HTML page that needs nothing else: no network, no script, everything inline.

facts.py       history and workspace → what is known of a run, as frozen data
pipeline.py    the plan of a run → its graph as SVG
previews.py    a file or folder → what a reader can see of it
timeline.py, metrics.py, sections.py   facts → parts of the page
page.py        the parts → the page; style.py its style sheet
markup.py      elements and text as HTML; all text is escaped there
"""

from __future__ import annotations

from specflow.report.facts import gather
from specflow.report.page import page

__all__ = ["gather", "page"]
