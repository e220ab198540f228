"""Cut-offs 分界值: the one that was chosen on a model's training rows, put in force."""

from __future__ import annotations

from decimal import Decimal

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.lending import tables
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns.request import CutOffSet, SetCutOff


@use_case("lending.set_cut_off", roles=("risk_analyst", "system"))
def set_cut_off(act: Act, input: SetCutOff) -> CutOffSet:
    """Put the cut-off in force that was chosen on a model's training rows.

    Refused: ``lending.no_product``, ``lending.bad_cut_off``.
    """
    load_product(input.product)
    if not Decimal(0) <= input.pd_max <= Decimal(1):
        raise Refused("lending.bad_cut_off", "A cut-off is a probability from 0 to 1.")
    act.tx.put(
        tables.PUT_CUT_OFF,
        product=input.product,
        model_digest=input.model_digest,
        pd_max=str(input.pd_max),
        reason=input.reason,
        set_by=act.actor,
        set_us=act.now_us,
    )
    act.note(model=input.model_digest)
    return CutOffSet(input.product, input.model_digest, input.pd_max)
