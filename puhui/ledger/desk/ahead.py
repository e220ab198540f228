"""Summing ahead: of a ledger beside the store, transfers are summed during the day as they come.

A log only grows at its end, so what it holds is summed for the books without holding anybody up;
when the day is closed, the mark has no more to count than what came since. Each piece is summed
whole or not at all, so that the journal says the same when it is run again.
"""

from __future__ import annotations

from dataclasses import dataclass

from puhui.kernel.act import SYSTEM, Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import upkeep
from puhui.kernel.node import Node
from puhui.ledger.desk.beside.outside import outside_of
from puhui.ledger.desk.close import BooksSummed
from puhui.ledger.desk.movement import has_beside, sum_ahead_beside
from puhui.ledger.tables import general

PIECE = 16_384
"""Transfers of one piece: some thirty milliseconds of the writer's time."""


@dataclass(frozen=True, slots=True)
class SumAhead:
    """Sum the next ``transfers`` past what is summed, all of them; ``number`` is how many are
    summed already, which tells one piece from the next.
    """

    number: int
    transfers: int = PIECE


@use_case("ledger.sum_ahead", roles=("system", "operator"))
def sum_ahead(act: Act, input: SumAhead) -> BooksSummed:
    """Add a piece of transfers to the movements before the day is closed; nothing where they are
    not all there yet, or were summed meanwhile.

    Refused: ``ledger.batch_too_large`` unless 1 to 1,000,000 are asked for.
    """
    if not 1 <= input.transfers <= 1_000_000:
        raise Refused("ledger.batch_too_large", "Sum up 1 to 1,000,000 transfers at once.")
    tx = act.tx
    outside = outside_of(tx)
    progress = tx.one(general.LOCK_PROGRESS)
    summed = progress.summed_position if progress else 0
    if outside is None or summed != input.number:
        return BooksSummed(0)
    if not has_beside(tx, outside, summed, input.transfers):
        return BooksSummed(0)
    found = sum_ahead_beside(tx, outside, summed, input.transfers)
    assert found.transfers == input.transfers, found
    tx.run_many(general.ADD_MOVEMENT, found.rows)
    until = max(progress.until_position if progress else 0, found.position)
    tx.put(general.PUT_PROGRESS, id=1, summed_position=found.position, until_position=until)
    return BooksSummed(found.transfers)


def _sum_ahead(node: Node) -> bool:
    """Sum a piece of a ledger beside the store, where one is there whole; whether more may be."""
    with node.read() as tx:
        outside = outside_of(tx)
        if outside is None:
            return False
        progress = tx.one(general.READ_PROGRESS)
        summed = progress.summed_position if progress else 0
        if not has_beside(tx, outside, summed, PIECE):
            return False
    key = f"upkeep:ledger.sum_ahead:{summed}"
    done = node.act("ledger.sum_ahead", SumAhead(summed, PIECE), key=key, actor=SYSTEM)
    return bool(done.transfers)


upkeep("ledger.sum_ahead", _sum_ahead)
