"""Partners as staff see them: who stands behind the names that products give others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.lending import shelf
from puhui.servicing import joint
from puhui.web.ask import Ask
from puhui.web.column import Column, Kind, product_title
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.say import Say


@dataclass(frozen=True, slots=True)
class Named:
    """A name, the products that give it as lender or guarantor, and the party; "" where none."""

    name: str
    lends: tuple[str, ...]
    guarantees: tuple[str, ...]
    party_id: str


COLUMNS = (
    Column("name", "partner.name", lambda row: row.name),
    Column("state", "arrears.status", lambda row: "known" if row.party_id else "missing",
           Kind.WORD, words="partner.state_",
           mark=lambda row: "yes" if row.party_id else "no"),
    Column("party", "partner.party", lambda row: row.party_id or None, Kind.ID,
           link=lambda row: f"/desk/customer/{row.party_id}" if row.party_id else ""),
    Column("lends", "partner.lends", lambda row: ", ".join(row.lends) or None),
    Column("guarantees", "partner.guarantees", lambda row: ", ".join(row.guarantees) or None),
)  # fmt: skip

ASIDES = (
    Column("lender", "partner.party", lambda row: row.lender_id, Kind.ID,
           link=lambda row: f"/desk/customer/{row.lender_id}"),
    Column("kept", "partner.aside", lambda row: row.kept_minor, Kind.MONEY),
    Column("since", "partner.since", lambda row: row.since_us, Kind.MOMENT),
)  # fmt: skip


def _titled(say: Say) -> tuple[Column, ...]:
    """The columns of the page: products by their titles, which files tell by name."""

    def titles(names: Callable[[Named], tuple[str, ...]]) -> Callable[[Named], str | None]:
        glue = say.pick("、", ", ")
        return lambda row: glue.join(product_title(say, name) for name in names(row)) or None

    return (
        *COLUMNS[:3],
        replace(COLUMNS[3], value=titles(lambda row: row.lends)),
        replace(COLUMNS[4], value=titles(lambda row: row.guarantees)),
    )


def show(ask: Ask) -> Response:
    """Every name that a product gives or somebody registered, and a form for a name."""
    return _show(ask)


def _rows(ask: Ask) -> list[Named]:
    with ask.node.read() as tx:
        known = {row.name: str(row.party_id) for row in joint.list_partners(tx)}
    products = [shelf.load_product(name) for name in shelf.product_names()]
    lends = _by_partner([(p.name, one.partner) for p in products for one in p.joint])
    stands = _by_partner([(p.name, one.partner) for p in products for one in p.guarantees])
    names = sorted({*known, *lends, *stands})
    return [
        Named(name, lends.get(name, ()), stands.get(name, ()), known.get(name, ""))
        for name in names
    ]


def _by_partner(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The products that give each name, from pairs of a product and a name."""
    found: dict[str, tuple[str, ...]] = {}
    for product, partner in pairs:
        found[partner] = (*found.get(partner, ()), product)
    return found


def _show(ask: Ask) -> Response:
    rows = _rows(ask)
    if ending_of(ask):
        return file_reply(ask, "partners", COLUMNS, of_rows(rows))
    with ask.node.read() as tx:
        asides = joint.list_asides(tx)
    return ask.page(
        "desk_partners.html",
        asides=asides,
        aside_columns=ASIDES,
        at="partners",
        rows=rows,
        columns=_titled(ask.say),
        name=ask.text("name"),
        party=ask.text("party"),
        done=ask.query.get("done", ""),
    )


def register(ask: Ask) -> Response:
    """Say which party stands behind a name from now on."""
    told = {"name": ask.text("name"), "party_id": ask.text("party")}
    try:
        ask.act("servicing.register_partner", told)
    except Refused as refused:
        field = "name" if refused.code == "servicing.bad_partner" else "party"
        ask.wrong(field, said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go("/desk/partners?done=kept")


def pay_out(ask: Ask) -> Response:
    """Pay what is kept for a lender to its own bank account."""
    told = {"lender_id": ask.text("lender"), "currency": ask.text("currency")}
    try:
        ask.act("servicing.pay_lender_out", told)
    except Refused as refused:
        ask.wrong("lender", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go("/desk/partners?done=paid")
