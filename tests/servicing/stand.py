"""Standing for a loan without lending, which looks at people: for tests of what follows."""

from __future__ import annotations

from dataclasses import dataclass

from puhui.kernel.act import USE_CASES, Act, use_case
from puhui.servicing import security


@dataclass(frozen=True, slots=True)
class StandFor:
    """A guarantor's share of a loan, in millionths."""

    loan_id: str
    guarantor_id: str
    share: int


def stand_for(act: Act, input: StandFor) -> str:
    """Let somebody stand for a loan, as lending does once it has looked at them."""
    return security.sign_guarantee(act, input.loan_id, input.guarantor_id, input.share, 91)


if "bench.stand_for" not in USE_CASES:
    use_case("bench.stand_for", roles=("system",))(stand_for)
