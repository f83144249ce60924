"""How do tests of other things than the pace go fast? Under an override, as the rules want it."""

from __future__ import annotations

from netwatch.pace import Pace

FAST = Pace(packets=100_000, guarded=100_000, overall=1_000_000, pause=0.0)

# The same as a site file says it; the whole range is left for the tests that are about it.
TABLES = """\
[sweep]
whole_range_nights = 0
[pace]
packets = 100_000
guarded = 100_000
overall = 1_000_000
pause = 0.0
[pace.override]
by = "the tests"
reason = "they have no patients"
"""
