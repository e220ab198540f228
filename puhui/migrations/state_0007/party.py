"""What state 0007 adds to the rows of party: holds of guarantors who signed before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

HOLD_GUARANTORS = sa.text("""
INSERT INTO party_hold (party_id, reason, reference, until)
SELECT DISTINCT party.id, 'guarantee', contract.id, CAST(NULL AS TEXT)
FROM servicing_guarantee AS given
JOIN lending_contract AS contract ON contract.id = given.loan_id
JOIN party ON party.id = given.guarantor_id
WHERE party.subject IS NOT NULL AND party.erased_us IS NULL
  AND (contract.status IN ('current', 'past_due')
       OR (contract.status = 'written_off' AND contract.arrears_minor > 0))
  AND NOT EXISTS (SELECT 1 FROM party_hold AS held WHERE held.party_id = party.id
                  AND held.reason = 'guarantee' AND held.reference = contract.id)
""")
"""The hold that a signature places since, derived from the guarantee of each loan that lives."""


def hold_guarantors() -> None:
    """Keep from erasure whoever stands for a loan that lives."""
    op.execute(HOLD_GUARANTORS)


MAKERS = (hold_guarantors,)
"""In any order."""
