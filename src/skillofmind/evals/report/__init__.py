"""Reports: what one or more runs came to, as a page, as Markdown and as JSON.

    (name, Summary, cases) per run --joined--> rows --packed--> report.html
                           Summary ----------> report.md, report.json

A *row* of the page is one item with the answer of every run to it. The page is one file that loads nothing:
numbers, a small index of all rows and blocks of whole cases, each compressed, so that 20,000 cases open at
once and a case is unpacked when somebody reads it. Equal runs give equal bytes.
"""

from skillofmind.evals.report.write import FORMATS, Format, Run, write_report

__all__ = ["FORMATS", "Format", "Run", "write_report"]
