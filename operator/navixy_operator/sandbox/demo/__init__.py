"""The demo: the operator's main job on a control plane of its own, told as a story and verified.

story.py        the acts in order
verify.py       what each act must have come to, compared and said
checks.py       the comparisons, with none of the operator's own code
changes.py      what happens in the customer database between the cycles
between.py      pins, lost connections and a mass close, beside the cycles
telling.py      what the acts share
live.py         a cycle, watched from the outside
stage.py        the parts: control plane, F1.1, database, operator
show.py         what it looks like
keep.py         the end of ``--keep``: how to use what runs
performance.py  all of it from the first line to the last, with signals and errors
"""

from navixy_operator.sandbox.demo.performance import perform

__all__ = ["perform"]
