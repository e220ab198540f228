"""Security 担保与押品: guarantees that are paid for and called, pledges, what both do to a loss."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, Transfer, chart, create_transfers, lookup_accounts
from puhui.party import check_actor, take_party
from puhui.payment import admit, wallet_account
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.joint import shared_with_others
from puhui.servicing.desk.loan.live import change_loan, take_live, take_loan
from puhui.servicing.nouns import Happening, PlanEvent
from puhui.servicing.nouns.collect import (
    AddPledge,
    CallGuarantees,
    GuaranteeKey,
    GuaranteeMoved,
    GuaranteesCalled,
    PledgeKey,
    PledgeMoved,
    RepayGuarantor,
)
from puhui.servicing.rules.burden import call_of
from puhui.servicing.rules.expected import MILLION, covered_lgd
from puhui.servicing.tables import collect as tables
from puhui.servicing.tables import live

KINDS = ("land_right", "house", "vehicle", "machine", "livestock", "receivable", "deposit")
CHUNK = 1000


def sign_guarantee(
    act: Act, loan_id: str, guarantor_id: str, share_millionths: int, call_after_days: int
) -> str:
    """Put a guarantee that the guarantor signed on record; its id.

    Whoever calls has looked at what the guarantor can carry. Without a premium: one that the
    borrower pays stands in the contract that the borrower signed. Refused: ``servicing.no_loan``,
    ``servicing.loan_over``, ``servicing.bad_guarantee``, ``party.unknown``, ``party.erased``.
    """
    row = take_live(act, loan_id)
    guarantee_id = _add(act, row, guarantor_id, share_millionths, 0, call_after_days)
    cover_loan(act, row.id)
    return guarantee_id


def guarantee_loan(
    act: Act,
    loan_id: str,
    guarantor_id: str,
    share_millionths: int,
    premium_minor: int,
    call_after_days: int,
) -> None:
    """Let a guarantor that the product names stand for a loan; its premium goes from the
    borrower's wallet to the guarantor's.

    Refused: ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.bad_guarantee``,
    ``servicing.wallet_short``, ``payment.wallet_closed``, ``party.unknown``, ``party.erased``.
    """
    row = take_live(act, loan_id)
    _add(act, row, guarantor_id, share_millionths, premium_minor, call_after_days)
    _pay(act, row.party_id, guarantor_id, row.currency, premium_minor, "fee")


def _add(
    act: Act,
    row: Row,
    guarantor_id: str,
    share_millionths: int,
    premium_minor: int,
    call_after_days: int,
) -> str:
    """Put a guarantee on record; its id."""
    assert premium_minor >= 0, premium_minor
    guarantor = take_party(act, guarantor_id)
    check_guarantee(act.tx, row, guarantor.id, share_millionths, call_after_days)
    guarantee_id = act.new_id("guarantee")
    act.tx.put(
        tables.INSERT_GUARANTEE,
        id=guarantee_id,
        loan_id=row.id,
        guarantor_id=guarantor.id,
        share_millionths=share_millionths,
        premium_minor=premium_minor,
        called_minor=0,
        recovered_minor=0,
        call_after_days=call_after_days,
    )
    return guarantee_id


def check_guarantee(
    tx: Transaction, row: Row, guarantor_id: str, share_millionths: int, call_after_days: int
) -> None:
    """Whether a guarantee fits a loan, given those it has. Refused: ``servicing.bad_guarantee``.

    ``row`` is any that names a loan or its contract by ``id`` and the borrower by ``party_id``.
    """
    given = tx.one(tables.SUM_GUARANTEES, loan_id=row.id)
    assert given is not None
    if share_millionths < 1 or given.millionths + share_millionths > MILLION:
        raise Refused("servicing.bad_guarantee", "All guarantees of a loan are up to the whole.")
    last = risk_figures().impaired_from
    if not 1 <= call_after_days <= last:
        raise Refused("servicing.bad_guarantee", f"A guarantee is called within {last} days.")
    if guarantor_id == row.party_id:
        raise Refused("servicing.bad_guarantee", "Nobody guarantees a loan of their own.")


def guarantors_of(tx: Transaction, loan_id: str) -> list[str]:
    """Whoever stands for a loan, each once, in order of their numbers."""
    rows = tx.all(tables.READ_GUARANTEES, loan_id=loan_id)
    return sorted({row.guarantor_id for row in rows})


def claims_of(tx: Transaction, loan_id: str) -> dict[str, int]:
    """What the borrower owes guarantors of calls still, minor units, by guarantee."""
    rows = tx.all(tables.READ_GUARANTEES, loan_id=loan_id)
    return {row.id: int(row.called_minor - row.recovered_minor) for row in rows}


@use_case("servicing.call_guarantee", roles=("loan_officer", "risk_analyst"))
def call_guarantee(act: Act, input: GuaranteeKey) -> GuaranteeMoved:
    """Call a guarantee for its share of the arrears of a loan that is late for long enough.

    However often it is called, the guarantor pays the share of what the borrower leaves unpaid,
    no part of the rest. The guarantor's wallet pays on the loan and the guarantor takes the
    lender's place for as much (代位追偿); the contract follows at the close of the day. Refused:
    ``servicing.no_guarantee``,
    ``servicing.loan_over``, ``servicing.not_impaired``, ``servicing.nothing_owed``,
    ``servicing.wallet_short``, ``party.four_eyes``.
    """
    found = _read(act, input.guarantee_id)
    row = take_live(act, found.loan_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    return _call(act, found, row)


def _read(act: Act, guarantee_id: str) -> Row:
    """A guarantee; it is locked after its loan alone. Refused: ``servicing.no_guarantee``."""
    found = act.tx.one(tables.READ_GUARANTEE, id=guarantee_id)
    if found is None:
        raise Refused("servicing.no_guarantee", "There is no such guarantee.")
    return found


def _call(act: Act, found: Row, row: Row) -> GuaranteeMoved:
    """Take what a guarantee of a loan that is locked comes to."""
    if row.stage != 3 and row.days_past_due < found.call_after_days:
        raise Refused("servicing.not_impaired", "A guarantee is called when a loan is impaired.")
    owed = call_of(row.arrears_minor, found.share_millionths, claims_of(act.tx, row.id), found.id)
    if owed <= 0:
        raise Refused("servicing.nothing_owed", "Nothing that this guarantor owes is past due.")
    (wallet,) = lookup_accounts(act.tx, [wallet_account(found.guarantor_id, row.currency)])
    held = 0 if wallet is None or wallet.flags & Account.CLOSED else wallet.available_minor
    if held < owed:
        raise Refused("servicing.wallet_short", "There is too little in the guarantor's wallet.")
    paid = PlanEvent(
        "", Happening.REPAID, act.today, owed, payer_id=found.guarantor_id, guarantee_id=found.id
    )
    change_loan(act, row.id, paid)
    payload = {"loan": row.id, "amount_minor": owed}
    act.emit("servicing.guarantee_called", found.guarantor_id, payload)
    after = _read(act, found.id)
    return GuaranteeMoved(after.id, after.called_minor, after.recovered_minor)


@use_case("servicing.call_guarantees", roles=("system",), batch="guarantee_ids")
def call_guarantees(act: Act, input: CallGuarantees) -> GuaranteesCalled:
    """Call every guarantee whose loan is late for as many days as was agreed.

    A guarantor whose wallet is short or frozen is asked again at the close of the next day.
    """
    called = short = 0
    for guarantee_id in input.guarantee_ids:
        found = _read(act, guarantee_id)
        row = take_loan(act.tx, found.loan_id)
        try:
            _call(act, found, row)
            called += 1
        except Refused as refused:
            short += refused.code == "servicing.wallet_short"
    return GuaranteesCalled(called, short)


def guarantee_chunks(node: Node, day: date) -> list[CallGuarantees]:
    """Guarantees of loans that are late for as long as was agreed."""
    with node.read() as tx:
        ids = [row.id for row in tx.all(tables.READ_CALLABLE)]
    return [CallGuarantees(day, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)]


@use_case("servicing.repay_guarantor", roles=("customer", "loan_officer", "operator"))
def repay_guarantor(act: Act, input: RepayGuarantor) -> GuaranteeMoved:
    """The borrower pays a guarantor back who has paid on the loan.

    Refused: ``servicing.no_guarantee``, ``servicing.over_claim``, ``servicing.wallet_short``,
    ``payment.wallet_closed``, ``payment.tier_balance``, ``party.not_yours``, and
    ``party.four_eyes`` where staff would pay themselves.
    """
    row = take_loan(act.tx, _read(act, input.guarantee_id).loan_id)
    found = act.tx.one(tables.LOCK_GUARANTEE, id=input.guarantee_id)
    assert found is not None, input.guarantee_id
    check_actor(act.tx, act.actor, acts_for=row.party_id, second_to=found.guarantor_id)
    left = found.called_minor - found.recovered_minor
    if not 0 < input.amount_minor <= left:
        raise Refused("servicing.over_claim", f"The guarantor is owed {left} minor units.")
    admit(act.tx, found.guarantor_id, row.currency, input.amount_minor)
    _pay(act, row.party_id, found.guarantor_id, row.currency, input.amount_minor, "subrogation")
    recovered = found.recovered_minor + input.amount_minor
    act.tx.put(tables.RECOVER_GUARANTEE, id_=found.id, recovered_minor_=recovered)
    return GuaranteeMoved(found.id, found.called_minor, recovered)


def cover_loan(act: Act, loan_id: str) -> None:
    """Bring what would be lost of a loan to its pledges, guarantees and joint lenders.

    Guarantees count where their guarantor is a registered partner: whether anybody else could pay
    was looked into by nobody. What is repaid leaves more cover than this says until it is done
    again; whoever lets more be owed does it at once.
    """
    row = take_loan(act.tx, loan_id)
    pledges = [
        (pledge.kind, int(pledge.value_minor))
        for pledge in act.tx.all(tables.READ_PLEDGES, loan_id=loan_id)
        if pledge.status == "held"
    ]
    given = act.tx.one(tables.SUM_BACKED, loan_id=loan_id)
    assert given is not None
    lgd = covered_lgd(
        risk_figures(),
        Decimal(row.base_lgd_millionths) / MILLION,
        outstanding_minor=row.outstanding_minor,
        pledges=pledges,
        guaranteed=Decimal(given.millionths) / MILLION,
        of_others=Decimal(shared_with_others(act.tx, loan_id)) / MILLION,
    )
    act.tx.put(live.SET_LGD, id_=loan_id, lgd_=int(lgd * MILLION))


def _pay(
    act: Act, payer_id: str, payee_id: str, currency: str, amount_minor: int, reason: str
) -> None:
    """Move money between two wallets.

    Refused: ``servicing.wallet_short``, ``payment.wallet_closed`` where one is frozen.
    """
    if not amount_minor:
        return
    wallets = [wallet_account(party_id, currency) for party_id in (payer_id, payee_id)]
    if None in lookup_accounts(act.tx, wallets):
        raise Refused("servicing.wallet_short", "One of the two has no wallet in this currency.")
    codes = chart()
    transfer = Transfer(
        act.new_number(), wallets[0], wallets[1], amount_minor, currency, codes.transfer(reason)
    )
    (status,) = create_transfers(act, [transfer], are_new=True)
    if status.value.endswith("account_already_closed"):
        raise Refused("payment.wallet_closed", "One of the two wallets is closed.")
    if status.value != "created":
        raise Refused("servicing.wallet_short", "There is too little in the wallet.")


@use_case("servicing.add_pledge", roles=("loan_officer", "operator"))
def add_pledge(act: Act, input: AddPledge) -> PledgeMoved:
    """Put something that is pledged for a loan on record, with what it is worth.

    Refused: ``servicing.no_loan``, ``servicing.loan_over``, ``servicing.bad_pledge``,
    ``party.four_eyes``.
    """
    row = take_live(act, input.loan_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    if input.kind not in KINDS or input.value_minor <= 0:
        raise Refused("servicing.bad_pledge", f"A pledge is one of {', '.join(KINDS)}.")
    pledge_id = act.new_id("pledge")
    act.tx.put(
        tables.INSERT_PLEDGE,
        id=pledge_id,
        loan_id=row.id,
        kind=input.kind,
        value_minor=input.value_minor,
        valued_on=act.today.isoformat(),
        status="held",
    )
    cover_loan(act, row.id)
    return PledgeMoved(pledge_id, "held")


@use_case("servicing.release_pledge", roles=("loan_officer", "operator"))
def release_pledge(act: Act, input: PledgeKey) -> PledgeMoved:
    """Give a pledge back when the loan is over.

    Refused: ``servicing.no_pledge``, ``servicing.pledge_needed`` while the loan lives,
    ``party.four_eyes``.
    """
    found = act.tx.one(tables.LOCK_PLEDGE, id=input.pledge_id)
    if found is None or found.status != "held":
        raise Refused("servicing.no_pledge", "There is no such pledge, or it was given back.")
    row = take_loan(act.tx, found.loan_id)
    check_actor(act.tx, act.actor, second_to=row.party_id)
    if row.status != "paid_off":
        raise Refused("servicing.pledge_needed", "The loan it is pledged for is not paid off.")
    act.tx.put(tables.RELEASE_PLEDGE, id_=found.id)
    return PledgeMoved(found.id, "released")


day_step(320, "servicing.call_guarantees", guarantee_chunks)
