"""The audit trail's delivery: from facts to stored entries, whatever happens (design section 5).

A fact becomes an entry when it is heard, with its place in the chain of its run. Entries are stored in batches, and
wait on the local disk while their database is away. What is queued when a process is killed, of the last tenth of a
second mostly, is lost with it; the chain shows that.
"""

from navixy_operator.trail.delivery import Pace
from navixy_operator.trail.retention import Rhythm
from navixy_operator.trail.trail import Manner, Trail

__all__ = ["Manner", "Pace", "Rhythm", "Trail"]
