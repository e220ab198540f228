"""Guarding people from too much debt: one look at capacity, own limits, drawdowns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_UP, Decimal

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, MINOR_MAX
from puhui.kernel.store import Row
from puhui.lending import tables as lending_tables
from puhui.lending.desk.guard.debt import is_forgotten, open_debts
from puhui.lending.desk.guard.obligation import here_of, obligations_from, with_declared
from puhui.lending.desk.shelf import DECISION, TERMS
from puhui.lending.formats.capacity import load_caps
from puhui.lending.nouns.ask_capacity import OwnLimitSet, SetOwnLimit
from puhui.lending.nouns.obligation import Capacity, Leaves, Standing
from puhui.lending.rules.capacity import (
    check_capacity,
    monthly_of,
    months_left,
    require_capacity,
)
from puhui.lending.rules.plan import months_of
from puhui.lending.tables import capacity as tables
from puhui.party import Party, check_actor, take_party


def capacity_of(
    act: Act,
    party: Party,
    *,
    product: str,
    currency: str,
    wanted_minor: int,
    wanted_monthly_minor: int,
    known: str | None,
    without: str = "",
    leaves: Leaves = Leaves.NOTHING,
    income_minor: int | None = None,
    multiple: Decimal | None = None,
) -> Capacity:
    """What capacity says today of one more debt, with the person's row held until the act ends.

    ``known`` is the stored decision that tells the income and what was declared: a person is not
    asked again at each drawdown. ``without`` is the contract that the new debt stands for;
    ``leaves`` the kind of limit that is about to be raised and so does not bind. Whoever raises
    a limit asks this. Where no income is known the caps do not pass unseen: of a person known by
    name the reason is ``income_unknown`` then; ``income_minor`` is one that an officer verified,
    ``multiple`` of it what the product lets all debt be, where that is less than the law's.
    Four statements and the lock, and one for each debt elsewhere. In an act
    that runs again on a forgotten person nothing stands against it: what was said is on record.
    """
    act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=party.id, decisions=0)
    caps = load_caps(act.today)
    income, declared = known_of(known)
    income = income if income_minor is None else income_minor
    # Promises come first: one that is signed meanwhile counts twice rather than not at all.
    promises = act.tx.all(tables.READ_PROMISES, party_id=party.id) if not without else []
    rows = act.tx.all(tables.READ_STANDING, party_id=party.id)
    debts = open_debts(act, party, rows)
    here = here_of(act.tx, party.id, act.today)
    if act.recorded is not None:
        return Capacity(None, ())
    owed = obligations_from(party.id, rows, promises, debts, here, without=without)
    owed = with_declared(owed, currency, declared, caps)
    if leaves is Leaves.OWN_LIMIT:
        owed = replace(owed, own_limits=())
    elif leaves is Leaves.CREDIT_LIMIT:
        owed = replace(owed, credit_limits=())
    found = check_capacity(
        Standing(owed, caps),
        product=product,
        currency=currency,
        yearly_income_minor=income,
        wanted_minor=wanted_minor,
        wanted_monthly_minor=wanted_monthly_minor,
        multiple=multiple,
    )
    is_blind = income is None and wanted_minor > 0 and not party.is_anonymous
    return Capacity("income_unknown", found.facts) if is_blind and not found.reason else found


def known_of(text: str | None) -> tuple[int | None, int]:
    """Yearly income and declared debts as a stored decision has them; None where it has none."""
    if text is None or text == "null":
        return None, 0
    for guard in DECISION.validate_json(text).guards:
        if guard.code == "debt_to_income" and guard.facts:
            facts = dict(guard.facts)
            return facts["yearly_income_minor"], facts.get("declared_minor", 0)
    return None, 0


def multiple_of(text: str | None) -> Decimal | None:
    """How many yearly incomes all debt could be by a stored decision; None where it does not say.

    Rounded up at twelve digits, which moves no amount by a minor unit.
    """
    if text is None or text == "null":
        return None
    guards = DECISION.validate_json(text).guards
    found = {k: minor for one in guards if one.code == "debt_to_income" for k, minor in one.facts}
    income, most = found.get("yearly_income_minor", 0), found.get("debt_max_minor")
    if income <= 0 or most is None:
        return None
    return (Decimal(most) / income).quantize(Decimal("1e-12"), ROUND_UP)


def check_drawdown(
    act: Act, party: Party, contract: Row, *, owed_minor: int, last_due: date | None = None
) -> None:
    """Look again before money goes out: what came up since the decision counts too.

    ``owed_minor`` is what is owed by the contract once it has, its cost taken in proportion. Of a
    loan that runs it is spread over the months to its ``last_due`` day, not over the whole term:
    what is drawn late is paid back by the same day; and nothing is drawn while another loan here
    is past due.

    Refused: ``lending.over_capacity``, ``lending.own_limit_reached``,
    ``lending.credit_limit_reached``, ``lending.income_unknown``, ``lending.past_due``.
    """
    decided = act.tx.one(tables.READ_DECISION_FOR, application_id=contract.application_id)
    terms = TERMS.validate_json(contract.terms)
    cost_minor = -(-contract.total_cost_minor * owed_minor // contract.principal_minor)
    months = months_of(terms) if last_due is None else months_left((last_due - act.today).days)
    capacity = capacity_of(
        act,
        party,
        product=contract.product,
        currency=contract.currency,
        wanted_minor=owed_minor,
        wanted_monthly_minor=-(-(owed_minor + cost_minor) // months),
        known=None if decided is None else decided.decision,
        without=contract.id,
        multiple=multiple_of(None if decided is None else decided.decision),
    )
    if last_due is not None and dict(capacity.facts).get("arrears_minor"):
        raise Refused("lending.past_due", "Something of another loan is past due; pay that first.")
    require_capacity(capacity)


@use_case("lending.lower_credit_limit", roles=("customer", "loan_officer", "operator"), api=True)
def lower_credit_limit(act: Act, input: SetOwnLimit) -> OwnLimitSet:
    """Let oneself owe less here, at once and without a reason; what is owed already stays.

    Refused: ``lending.bad_amount``, ``lending.not_lower``, ``party.not_yours``,
    ``party.unknown``, ``party.erased``.
    """
    before = _own_limit(act, input)
    if before is not None and input.credit_limit_minor >= before:
        raise Refused("lending.not_lower", "Your limit is lower already.")
    return _set_limit(act, input, before)


def take_own_party(act: Act, input: SetOwnLimit) -> SetOwnLimit | None:
    """The party, kept; None where what was looked at then is gone.

    Refused: ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    party = act.kept["party"] = take_party(act, input.party_id)
    return None if is_forgotten(act, party) else input


@use_case("lending.raise_credit_limit", roles=("customer",), api=True,
          recompute=take_own_party)  # fmt: skip
def raise_credit_limit(act: Act, input: SetOwnLimit) -> OwnLimitSet:
    """Let oneself owe more here again, as far as the capacity known from the last decision goes.

    The limit guards a person; nobody else lifts it.

    Refused: ``lending.bad_amount``, ``lending.not_higher``, ``lending.over_capacity``,
    ``lending.income_unknown``,
    ``party.not_yours``, ``party.unknown``, ``party.erased``.
    """
    before = _own_limit(act, input)
    if before is None or input.credit_limit_minor <= before:
        raise Refused("lending.not_higher", "There is no lower limit of yours to raise.")
    decided = act.tx.one(
        tables.READ_LAST_DECISION, party_id=input.party_id, currency=input.currency
    )
    promises = act.tx.all(tables.READ_PROMISES, party_id=input.party_id)
    rows = act.tx.all(tables.READ_STANDING, party_id=input.party_id)
    here = here_of(act.tx, input.party_id, act.today)
    owed = obligations_from(input.party_id, rows, promises, {}, here)
    more = max(0, input.credit_limit_minor - owed.owed_here_minor(input.currency))
    months = load_caps(act.today).declared_months
    found = capacity_of(
        act,
        act.kept["party"],
        product="",
        currency=input.currency,
        wanted_minor=more,
        wanted_monthly_minor=monthly_of(more, months, Decimal(0)),
        known=None if decided is None else decided.decision,
        leaves=Leaves.OWN_LIMIT,
    )
    require_capacity(found)
    return _set_limit(act, input, before)


def _own_limit(act: Act, input: SetOwnLimit) -> int | None:
    """The limit a person set itself before, with the person's row held."""
    if not 0 <= input.credit_limit_minor < MINOR_MAX or input.currency not in DIGITS:
        raise Refused("lending.bad_amount", "This is no amount that anybody can owe.")
    check_actor(act.tx, act.actor, acts_for=input.party_id)
    take_party(act, input.party_id)
    act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=input.party_id, decisions=0)
    row = act.tx.one(tables.READ_OWN_LIMIT, party_id=input.party_id, currency=input.currency)
    return None if row is None else int(row.credit_limit_minor)


def _set_limit(act: Act, input: SetOwnLimit, before: int | None) -> OwnLimitSet:
    act.tx.put(
        tables.PUT_OWN_LIMIT,
        party_id=input.party_id,
        currency=input.currency,
        credit_limit_minor=input.credit_limit_minor,
        set_us=act.now_us,
    )
    payload = {"currency": input.currency, "credit_limit_minor": input.credit_limit_minor}
    act.emit("lending.own_limit_set", input.party_id, payload)
    return OwnLimitSet(input.party_id, input.currency, input.credit_limit_minor, before)
