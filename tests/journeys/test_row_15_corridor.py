"""Row 15, money across borders: the way by correspondents beside ours, from stated parameters.

Goal: the comparison is made by running our own acts and a simulation whose every parameter is told;
the same dice give the same figures.
"""

from __future__ import annotations

from tests.cli.program import Program


def test_the_corridor_is_compared(program: Program) -> None:
    words = ("corridor", "--payments", "40", "--seed", "3", "--json")
    first, again = program(*words).figures, program(*words).figures
    assert 0 < first["cost_ratio"] < 1
    assert 0 < first["ours_s_p50"] < first["correspondent_s_p50"]
    assert first["ours_cost_minor_p50"] < first["correspondent_cost_minor_p50"]
    for name in ("cost_ratio", "correspondent_s_p50", "correspondent_cost_minor_p50"):
        assert first[name] == again[name]
