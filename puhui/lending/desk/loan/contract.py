"""Contracts: the text shown before consent, its acceptance, and the money that follows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Account, chart, create_accounts
from puhui.lending import tables
from puhui.lending.desk.ask.apply import (
    HOLD,
    OFFER_DAYS,
    hold_application,
    require_application,
)
from puhui.lending.desk.guard.capacity import check_drawdown
from puhui.lending.desk.guard.debt import is_forgotten
from puhui.lending.desk.loan.secure import keep_back, secure
from puhui.lending.desk.shelf import offer_in, servicing_text
from puhui.lending.formats.shelf import load_law, load_product, load_template
from puhui.lending.nouns import Contract, ContractFacts, Cost, Plan, Product
from puhui.lending.nouns.request import (
    Accept,
    Accepted,
    BooksOpened,
    ContractKey,
    Disbursed,
    Drawdown,
    OpenBooks,
    Voided,
    VoidStale,
)
from puhui.lending.rules.contract import render_contract
from puhui.lending.rules.plan import plan_of
from puhui.lending.rules.price import check_apr, premium_of
from puhui.party import check_actor, place_hold, release_hold, take_party
from puhui.payment import admit, numbers, own_account, wallet_account
from puhui.servicing import build_schedule, cost, live

LENDER = "lender"
OWN_ACCOUNTS = (
    "funding",
    "interest_income",
    "interest_receivable",
    "fee_income",
    "penalty_income",
    "loan_loss",
)
LOAN_HOLD = "open_loan"


loan_account, transfer_chain = live.loan_account, live.transfer_chain


def contract_id_of(application_id: str, on: date, language: str) -> str:
    """The contract of an application as written on a day; only one of them is ever in force."""
    return f"contract-{Account.id_of(f'{application_id}:{on}:{language}'):032x}"


def draft_contract(
    tx: Transaction, application_id: str, on: date, language: str
) -> tuple[Contract, Plan, Cost]:
    """The contract as it would be signed on ``on``, with total cost and apr, for the borrower
    to read before the consent. One statement.

    Refused: ``lending.no_application``, ``lending.not_offered``, ``lending.offer_expired``,
    ``lending.product_changed``, ``lending.no_language``, ``lending.apr_over_cap`` where all that
    the borrower would pay is above the cap of today.
    """
    row = require_application(tx.one(tables.READ_OFFER, id=application_id), application_id)
    return _draft(row, on, language)


def _draft(row: Row, on: date, language: str) -> tuple[Contract, Plan, Cost]:
    """The contract of a row of ``READ_OFFER``; ``draft_contract`` says what is refused."""
    if row.status != "offered":
        raise Refused("lending.not_offered", f"This application is {row.status}, not offered.")
    if (on - business_date(row.decided_us)).days > OFFER_DAYS:
        raise Refused("lending.offer_expired", "The offer has ended; please apply again.")
    if load_product(row.product).digest != row.product_digest:
        raise Refused("lending.product_changed", "The product was changed; please apply again.")
    return _write(row.id, row.party_id, row.product, row.product_digest, row.decision, on, language)


@lru_cache(maxsize=512)
def _write(
    application_id: str,
    party_id: str,
    product_name: str,
    product_digest: str,
    decision: str,
    on: date,
    language: str,
) -> tuple[Contract, Plan, Cost]:
    """The contract that follows from these and nothing else: read once, signed soon after."""
    offer = offer_in(decision)
    assert offer is not None, application_id
    product = load_product(product_name)
    assert product.digest == product_digest, product_name
    plan = plan_of(offer, product)
    schedule = build_schedule(plan, offer.principal_minor, on)
    premium = premium_of(product, offer.principal_minor)
    price = cost(plan, schedule, offer.upfront_fee_minor + premium)
    check_apr(price.apr, product, load_law(), on)
    wallet = wallet_account(party_id, offer.currency)
    facts = ContractFacts(
        contract_id=contract_id_of(application_id, on, language),
        borrower_id=party_id,
        lender_id=LENDER,
        signed_on=on,
        wallet_id=f"{wallet:032x}",
        number=numbers.receipt(application_id),
        wallet_number=numbers.shown(wallet),
    )
    text = render_contract(
        load_template(language), language, facts, product, offer, plan, schedule, price
    )
    return text, plan, price


def _take_offer(act: Act, application_id: str) -> Row:
    """The application, locked until the act ends, with what was decided last.

    Where PostgreSQL waited for the lock and another decision was made meanwhile, the row has none.
    Refused: ``lending.no_application``.
    """
    row = act.tx.one(tables.LOCK_OFFER, id=application_id)
    if row is not None and row.decided_us is None:
        row = act.tx.one(tables.READ_OFFER, id=application_id)
    return require_application(row, application_id)


@use_case("lending.accept", roles=("customer", "loan_officer", "operator", "system"), api=True)
def accept(act: Act, input: Accept) -> Accepted:
    """Sign the contract whose text the borrower has read, named by its digest.

    Refused: ``lending.no_application``, ``lending.not_offered``, ``lending.offer_expired``,
    ``lending.product_changed``, ``lending.apr_over_cap``,
    ``lending.contract_changed`` where the text read is not the text
    of today, ``lending.not_identified`` where a later identity check failed,
    ``lending.no_language``, ``payment.tier_balance`` and ``payment.wallet_closed`` where the
    wallet could not take the money in, ``party.not_yours``, ``party.erased``.
    """
    row = _take_offer(act, input.application_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    party = take_party(act, row.party_id)
    if not party.is_anonymous and not party.is_identified:
        raise Refused("lending.not_identified", "The identity is not verified any more.")
    text, plan, price = _draft(row, act.today, input.language)
    if text.digest != input.contract_digest:
        raise Refused(
            "lending.contract_changed", "The contract was changed since you read it; read it again."
        )
    admit(act.tx, row.party_id, row.currency, price.principal_minor - price.fee_minor)
    product = load_product(row.product)
    contract_id = contract_id_of(row.id, act.today, input.language)
    signature = act.node.keys.sign(text.digest.encode())
    act.tx.put(
        tables.PUT_CONTRACT,
        id=contract_id,
        application_id=row.id,
        party_id=row.party_id,
        product=row.product,
        product_digest=row.product_digest,
        currency=row.currency,
        principal_minor=price.principal_minor,
        annual_rate=str(plan.annual_rate),
        apr=str(price.apr),
        total_cost_minor=price.total_minor,
        upfront_fee_minor=price.fee_minor - premium_of(product, price.principal_minor),
        counts_from=act.today.isoformat(),
        terms=live.plan_text(plan),
        servicing=servicing_text(product.servicing),
        language=text.language,
        text=text.text,
        text_digest=text.digest,
        signature=signature,
        accepted_by=act.actor,
        accepted_us=act.now_us,
        status="signed",
        started_on=None,
        disbursed_minor=0,
        repaid_minor=0,
        written_off_minor=0,
        outstanding_minor=0,
        days_past_due=0,
        arrears_minor=0,
        aged_on=None,
    )
    act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.id, status_="accepted")
    if not party.is_anonymous:
        place_hold(act, party, reason=LOAN_HOLD, reference=contract_id, instead_of=(HOLD, row.id))
    act.emit("lending.accepted", row.party_id, {"contract": contract_id})
    act.note(product=row.product_digest)
    return Accepted(contract_id, text.digest, signature)


@use_case("lending.void_contract", roles=("customer", "loan_officer", "operator", "system"),
          api=True)  # fmt: skip
def void_contract(act: Act, input: ContractKey) -> ContractKey:
    """Undo a contract that was signed and not yet paid out; the offer stands again.

    The borrower may do so at any time before the money comes, and it is how a contract that was
    left overnight is signed anew. Refused: ``lending.no_contract``, ``lending.not_signed``,
    ``party.not_yours``.
    """
    row = take_contract(act, input.contract_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    if row.status != "signed":
        raise Refused("lending.not_signed", f"This contract is {row.status} already.")
    _void(act, row)
    return input


def _void(act: Act, row: Row) -> None:
    """Undo a signed contract; no decision on the person may run meanwhile and miss the offer."""
    act.tx.put(tables.LOCK_OBLIGOR, party_id=row.party_id, decisions=0)
    act.tx.put(tables.VOID_CONTRACT, id_=row.id)
    act.tx.put(tables.SET_APPLICATION_STATUS, id_=row.application_id, status_="offered")
    party = take_party(act, row.party_id)
    if not party.is_anonymous:
        hold_application(act, party, row.application_id)
    release_hold(act, row.party_id, reason=LOAN_HOLD, reference=row.id)
    act.emit("lending.contract_voided", row.party_id, {"contract": row.id})


@use_case("lending.void_stale_contracts", roles=("system",), batch="contract_ids")
def void_stale_contracts(act: Act, input: VoidStale) -> Voided:
    """Undo contracts that were signed before a day and never paid out; their offers stand again.

    Such a contract can never be paid out, as it counts from the day it was signed, and would
    stand as a debt for ever.
    """
    voided = []
    for contract_id in input.contract_ids:
        row = act.tx.one(tables.LOCK_CONTRACT, id=contract_id)
        if row is None or row.status != "signed" or business_date(row.accepted_us) >= input.day:
            continue
        _void(act, row)
        voided.append(row.id)
    return Voided(tuple(voided))


@use_case("lending.open_books", roles=("operator", "system"))
def open_books(act: Act, input: OpenBooks) -> BooksOpened:
    """Open the lender's own accounts in a currency; a second time finds them there.

    They have no balance limit, so none of them is a hot row when many loans are paid out.
    Refused: ``lending.no_currency``.
    """
    if input.currency not in DIGITS:
        raise Refused("lending.no_currency", f"There is no currency {input.currency[:10]!r} here.")
    numbers = {name: own_account(name, input.currency) for name in OWN_ACCOUNTS}
    create_accounts(
        act,
        [
            Account(number, input.currency, chart().account(name))
            for name, number in numbers.items()
        ],
    )
    return BooksOpened({name: f"{number:032x}" for name, number in numbers.items()})


def take_for_drawdown(act: Act, input: Drawdown) -> Drawdown | None:
    """The contract and its party, locked; None where what was looked at then is gone."""
    row = take_contract(act, input.contract_id)
    check_actor(act.tx, act.actor, acts_for=row.party_id)
    act.kept["contract"], act.kept["party"] = row, take_party(act, row.party_id)
    return None if is_forgotten(act, act.kept["party"]) else input


@use_case("lending.disburse", roles=("customer", "loan_officer", "operator", "system"), api=True,
          recompute=take_for_drawdown)  # fmt: skip
def disburse(act: Act, input: Drawdown) -> Disbursed:
    """Pay a signed loan out to the borrower's wallet, which is opened if there is none.

    The amount goes from the loan's account through the funding account to the wallet, a fee
    agreed on is taken from the wallet at once (to be earned over the loan's life where it is part
    of the interest), all as one linked chain. Joint lenders pay their
    shares, and guarantors get their premiums, as the product says. Of a loan drawn at will less
    than the line may be drawn first; the rest is drawn by ``lending.draw``.
    Refused: ``lending.no_contract``, ``lending.not_signed``, ``lending.contract_stale``,
    ``lending.bad_amount``, ``lending.not_revolving``, ``lending.over_agreed``,
    ``lending.books_not_open``, ``lending.over_capacity``, ``lending.own_limit_reached``,
    ``lending.credit_limit_reached``, ``payment.tier_balance``, ``payment.wallet_closed``,
    ``party.not_yours``, ``party.erased``.
    """
    row: Row = act.kept["contract"]
    if row.status != "signed":
        raise Refused("lending.not_signed", f"This contract is {row.status} already.")
    if row.counts_from != act.today.isoformat():
        raise Refused(
            "lending.contract_stale", "The contract counts from another day; please sign it anew."
        )
    amount = _first_draw(row, input.amount_minor)
    check_drawdown(act, act.kept["party"], row, owed_minor=amount)
    admit(act.tx, row.party_id, row.currency, amount - row.upfront_fee_minor)
    wallet = wallet_account(row.party_id, row.currency)
    loan = loan_account(row.id)
    funding = own_account("funding", row.currency)
    product = load_product(row.product)
    chain = [
        (loan, funding, amount, "disbursement"),
        (funding, wallet, amount, "disbursement"),
        *keep_back(row, product),
    ]
    transfer_chain(act, chain, row.currency, opening=_accounts(wallet, loan, row))
    act.tx.put(
        tables.START_CONTRACT,
        id_=row.id,
        started_on_=act.today.isoformat(),
        amount_minor_=amount,
    )
    hand_over(act, row, product=product, amount_minor=amount)
    secure(act, row, product, amount)
    act.emit(
        "lending.disbursed",
        row.party_id,
        {"contract": row.id, "amount_minor": amount, "currency": row.currency},
    )
    paid = amount - row.upfront_fee_minor
    return Disbursed(row.id, f"{wallet:032x}", paid, row.currency, act.today)


def _first_draw(row: Row, wanted_minor: int) -> int:
    """What is paid out at first: all of it, or less of a loan that may be drawn again."""
    if not wanted_minor or wanted_minor == row.principal_minor:
        return int(row.principal_minor)
    plan = live.plan_in(row.terms)
    if not (plan.is_revolving or plan.has_drawings):
        raise Refused("lending.not_revolving", "This loan is paid out whole.")
    if wanted_minor > row.principal_minor:
        raise Refused("lending.over_agreed", "That is more than was agreed on.")
    if wanted_minor <= row.upfront_fee_minor:
        raise Refused("lending.bad_amount", "A first draw must be above nought, and above the fee.")
    return wanted_minor


def hand_over(
    act: Act, row: Row, *, product: Product, amount_minor: int, by: date | None = None
) -> None:
    """Hand a loan over to servicing on the day its money is paid out, or as it stands ``by``.

    The person's other loans follow the newer chance of default.
    """
    found = act.tx.one(tables.READ_CHANCE, application_id=row.application_id)
    chance = None if found is None or found.pd is None else Decimal(found.pd)
    plan = live.plan_in(row.terms)
    credit_minor = int(row.principal_minor) if plan.is_revolving else 0
    identity = live.LoanIdentity(
        row.id, row.party_id, row.product, row.currency, chance, product.pricing.lgd, credit_minor
    )
    live.open_loan(
        act,
        identity,
        plan,
        on=date.fromisoformat(row.counts_from),
        amount_minor=amount_minor,
        by=by or act.today,
    )
    if chance is not None:
        live.regrade(act, row.party_id, chance)


def _accounts(wallet: int, loan: int, row: Row) -> list[Account]:
    codes, currency = chart(), row.currency
    deferred = own_account("deferred_fee", currency)
    of_fee = [Account(deferred, currency, codes.account("deferred_fee"))]
    return [
        *(of_fee if row.upfront_fee_minor else ()),
        Account(
            wallet,
            currency,
            codes.account("customer_deposit"),
            flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS,
        ),
        Account(
            loan,
            currency,
            codes.account("loan_principal"),
            flags=Account.CREDITS_MUST_NOT_EXCEED_DEBITS,
        ),
    ]


def take_contract(act: Act, contract_id: str) -> Row:
    """The contract, locked until the act ends. Refused: ``lending.no_contract``."""
    row = act.tx.one(tables.LOCK_CONTRACT, id=contract_id)
    if row is None:
        raise Refused("lending.no_contract", f"There is no contract {contract_id[:60]}.")
    return row
