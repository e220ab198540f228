"""Settling the county in a node: people, firms, logins, consents, wallets, history and records.

Everything goes through the ordinary acts under stable keys, so a run that was cut short goes on
where it stopped, and one more run finds all done. The first day of a county is the day on which
it was first settled; the ledger remembers it.
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from puhui.demo.desk.acts import COUNTY, ROOT, Acting, Progress, Wish, expect, is_done
from puhui.demo.desk.history import opened_accounts, record_wishes, transfer_wishes
from puhui.demo.desk.wallet import CLEARING, CURRENCY, wallet_of
from puhui.demo.draw.county import County, draw_county
from puhui.demo.figures import read_figures
from puhui.demo.nouns import (
    DemoLogin,
    Firm,
    GuardCase,
    Person,
    SeededCounty,
    SeededMerchant,
)
from puhui.demo.rules.season import day_number
from puhui.kernel.act import Actor
from puhui.kernel.clock import business_date, start_of_day_us
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.ledger import Account, chart, lookup_accounts

FIELDS = (
    "birth_date",
    "bureau_debt",
    "invoice",
    "past_repayment",
    "registry_fact",
    "stated_income",
    "wallet_flow",
)
"""The data fields that an applicant's row is made from, and that a consent must cover."""

PURPOSE = "credit_decision"
CONSENT_DAYS = 365
SETTLED_KEY = f"{ROOT}/settled"


def seed_county(
    node: Node,
    *,
    size: int | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> SeededCounty:
    """Settle the county of ``seed`` with ``size`` merchants (default: county.toml) in ``node``.

    A second time changes nothing and gives the same county. Refused: ``demo.bad_size``,
    ``demo.other_county`` where the node holds a county of another seed, size or version.
    """
    figures = read_figures()
    wanted = figures.merchants if size is None else size
    day = _founded_on(node, seed, wanted) or business_date(node.clock.now_us())
    county = draw_county(seed, wanted, day)
    acting = Acting(node, progress)
    _found(acting, county)
    staff = _register_people(acting, [person for _, _, person in county.staff], "staff")
    _make_logins(acting, county, staff)
    bosses = _register_people(acting, [f.representative for f in county.suppliers], "boss")
    suppliers = _register_firms(acting, list(county.suppliers), bosses, "supplier")
    merchants = _register_merchants(acting, county)
    _make_consents(acting, county, merchants)
    wallets = [wallet_of(party_id) for party_id in merchants]
    if not _is_settled(node):
        _open_wallets(acting, county, merchants, suppliers)
        for step, name, wishes in (
            ("history", "ledger.create_transfers", transfer_wishes(county, wallets, suppliers)),
            ("records", "data.share_records", record_wishes(county, merchants)),
        ):
            for outcome in acting.run(name, wishes, step=step):
                _check_whole(expect(outcome))
        # Every merchant's history is read soon: it is found by account, not looked through.
        indexed = Wish(f"{ROOT}/indexed", {"at_most": 1000})
        expect(acting.run("ledger.index_transfers", [indexed], step="indexed")[0])
        _mark_settled(acting, county)
    return SeededCounty(
        seed=seed,
        day=county.day,
        merchants=tuple(
            SeededMerchant(party_id, wallet, merchant)
            for party_id, wallet, merchant in zip(merchants, wallets, county.merchants, strict=True)
        ),
        suppliers=tuple(suppliers),
        transfers=len(county.movements.shop) + len(merchants),
        new_acts=acting.new_acts,
    )


def _founded_on(node: Node, seed: int, size: int) -> date | None:
    """The first day of the county that this node holds; None where there is none."""
    with node.read() as tx:
        (found,) = lookup_accounts(tx, [CLEARING])
    if found is None:
        return None
    told = (found.user_data_64, found.user_data_32 >> 8, found.user_data_32 & 255)
    if told != (seed, size, read_figures().version):
        raise Refused(
            "demo.other_county",
            f"This node holds a demo county of seed {told[0]} with {told[1]} merchants"
            f" (version {told[2]}); open another one under another PUHUI_HOME.",
        )
    return business_date(found.time_us) + timedelta(days=1 + read_figures().history_days)


def _found(acting: Acting, county: County) -> None:
    """Open the account through which the outside world pays; it dates the county."""
    size = len(county.merchants) << 8 | read_figures().version
    account = Account(
        CLEARING,
        CURRENCY,
        chart().account("funding"),
        flags=Account.IMPORTED,
        user_data_64=county.seed,
        user_data_32=size,
        time_us=start_of_day_us(county.first) - 1,
    )
    wish = Wish(f"{ROOT}/founded", {"accounts": (account,)})
    _check_whole(expect(acting.run("ledger.create_accounts", [wish], step="county")[0]))


def _check_whole(outcome: Any) -> None:
    """A batch of the county is whole: every item was created, none refused."""
    odd = {status for status in getattr(outcome, "statuses", ()) if status != "created"}
    assert not odd, sorted(odd)
    assert not getattr(outcome, "refusals", ()), outcome.refusals[:3]


def _register_people(acting: Acting, people: list[Person], what: str) -> list[str]:
    wishes = [
        Wish(
            f"{ROOT}/{what}/{number}",
            {
                "name": person.name,
                "id_number": person.id_number,
                "phone": person.phone,
                "address": person.address,
            },
        )
        for number, person in enumerate(people)
    ]
    answers = acting.run("party.register_person", wishes, step=what)
    return [str(expect(answer).party_id) for answer in answers]


def _register_firms(acting: Acting, firms: list[Firm], owners: list[str], what: str) -> list[str]:
    wishes = [
        Wish(
            f"{ROOT}/{what}/{number}",
            {
                "name": firm.name,
                "uscc": firm.uscc,
                "legal_representative": owner,
                "beneficial_owners": [{"party_id": owner, "grounds": "ownership", "share": "1"}],
                "phone": firm.representative.phone,
                "address": firm.representative.address,
            },
        )
        for number, (firm, owner) in enumerate(zip(firms, owners, strict=True))
    ]
    answers = acting.run("party.register_firm", wishes, step=what)
    return [str(expect(answer).party_id) for answer in answers]


def _register_merchants(acting: Acting, county: County) -> list[str]:
    """The party of each merchant: its firm where there is one, else the owner; all identified."""
    owners = _register_people(acting, [merchant.owner for merchant in county.merchants], "owner")
    with_firm = [one for one in county.merchants if one.firm is not None]
    firms = _register_firms(
        acting,
        [one.firm for one in with_firm if one.firm is not None],
        [owners[one.number] for one in with_firm],
        "firm",
    )
    parties = list(owners)
    for merchant, firm_id in zip(with_firm, firms, strict=True):
        parties[merchant.number] = firm_id
    wishes = [
        Wish(
            f"{ROOT}/identity/{merchant.number}",
            {
                "party_id": parties[merchant.number],
                "method": "synthetic",
                "is_passed": True,
                "evidence_digest": sha256(f"{ROOT}/{merchant.number}".encode()).hexdigest(),
            },
        )
        for merchant in county.merchants
        if merchant.case is not GuardCase.UNVERIFIED
    ]
    for answer in acting.run("party.verify_identity", wishes, step="identity"):
        expect(answer)
    return parties


def demo_logins(node: Node) -> tuple[DemoLogin, ...]:
    """The staff logins of the demo; passwords follow from the keys of this node alone."""
    return tuple(
        DemoLogin(login, f"demo-{node.keys.index('demo_password', login)[:16]}", role)
        for login, role in read_figures().staff
    )


def _make_logins(acting: Acting, county: County, parties: list[str]) -> None:
    logins = demo_logins(acting.node)
    registered = acting.run(
        "party.register_user",
        (
            Wish(
                f"{ROOT}/user/{one.login}",
                {"login": one.login, "password": one.password, "party_id": party_id},
            )
            for one, party_id in zip(logins, parties, strict=True)
        ),
        step="logins",
    )
    granted = acting.run(
        "party.grant_role",
        (
            Wish(
                f"{ROOT}/role/{one.login}",
                {"user_id": expect(answer).user_id, "role": one.role},
            )
            for one, answer in zip(logins, registered, strict=True)
        ),
        step="roles",
    )
    for answer in granted:
        expect(answer)


def _make_consents(acting: Acting, county: County, parties: list[str]) -> None:
    """Every merchant but some consents to the reading of what a decision needs; some revoke it."""
    until = (county.day + timedelta(days=CONSENT_DAYS)).isoformat()
    consenting = [m for m in county.merchants if m.case is not GuardCase.WITHOUT_CONSENT]
    answers = acting.run(
        "data.grant_consent",
        (
            Wish(
                f"{ROOT}/consent/{merchant.number}",
                {
                    "party_id": parties[merchant.number],
                    "purpose": PURPOSE,
                    "fields": FIELDS,
                    "until": until,
                },
                _self(parties[merchant.number]),
            )
            for merchant in consenting
        ),
        step="consents",
    )
    revoked = [
        Wish(
            f"{ROOT}/revoke/{merchant.number}",
            {"consent_id": expect(answer).consent_id},
            _self(parties[merchant.number]),
        )
        for merchant, answer in zip(consenting, answers, strict=True)
        if merchant.case is GuardCase.CONSENT_REVOKED
    ]
    for answer in acting.run("data.revoke_consent", revoked, step="revoked"):
        expect(answer)


def _self(party_id: str) -> Actor:
    """A merchant acting for itself."""
    return Actor(party_id, frozenset(("customer",)))


def _open_wallets(
    acting: Acting, county: County, merchants: list[str], suppliers: list[str]
) -> None:
    for number, accounts in enumerate(opened_accounts(county, [*merchants, *suppliers])):
        wish = Wish(f"{ROOT}/wallets/{number}", {"accounts": accounts})
        _check_whole(expect(acting.run("ledger.create_accounts", [wish], step="wallets")[0]))


def _is_settled(node: Node) -> bool:
    with node.read() as tx:
        return is_done(tx, SETTLED_KEY)


def _mark_settled(acting: Acting, county: County) -> None:
    """The last act: the recorded ground on which past borrowers' synthetic rows may be used."""
    label = read_figures().label
    wish = Wish(
        SETTLED_KEY,
        {
            "source": f"{ROOT} (synthetic)",
            "file_digest": sha256(f"{county.seed}/{day_number(county.day)}".encode()).hexdigest(),
            "basis": label.en,
            "purpose": "model_training",
            "fields": tuple(name for name in FIELDS if name != "birth_date"),
            "until": (county.day + timedelta(days=CONSENT_DAYS)).isoformat(),
        },
        COUNTY,
    )
    expect(acting.run("data.grant_file_consent", [wish], step="settled")[0])
