"""Files of payments written as orders (pain.001): read back they ask for the same payments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.kernel import Refused
from puhui.kernel.clock import BUSINESS_ZONE
from puhui.payment import wallet_account
from puhui.payment.desk.initiation import OrderWritten, write_orders
from puhui.payment.formats.csv_file import read_csv
from puhui.payment.formats.iso20022 import read_pain001
from puhui.payment.nouns.line import PaymentLine

DAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 9, 0, tzinfo=BUSINESS_ZONE)
HEAD = "payment_id,payer,payee,amount,currency,purpose,remark\n"
PARTY = "party-019c0f26800739e2bf8994f86b73a800"
NUMBER = "00FF" * 8


def written(path: Path, text: str) -> OrderWritten:
    """What a file with these rows becomes."""
    path.write_text(HEAD + text, "utf-8")
    return write_orders(path, initiator="小满杂货店", execute_on=DAY, created=NOW)


def test_an_order_asks_for_what_the_file_asks_for(
    tmp_path: Path, reference_data: Callable[..., Path]
) -> None:
    path = tmp_path / "wages.csv"
    done = written(
        path,
        f"a-1,{PARTY},{NUMBER},10.05,CNY,SALA,三月 工资\n"
        f"a-2,{PARTY},m-2,2000,,,\n"
        f"a-3,m-2,{PARTY},1.5,USD,seed,<&>\n"
        f"a-4,{PARTY},m-3,0.01,CNY,,\n",
    )
    assert (done.payments, done.refused) == (4, ())
    found = list(read_pain001(done.text, on=DAY))
    assert all(isinstance(one, PaymentLine) for one in found)
    own = f"{wallet_account(PARTY, 'CNY'):032x}"
    names = [(one.payer, one.payee) for one in found if isinstance(one, PaymentLine)]
    wallet_usd = f"{wallet_account(PARTY, 'USD'):032x}"
    assert names == [(own, NUMBER.lower()), (own, "m-2"), ("m-2", wallet_usd), (own, "m-3")]
    for one, row in zip(found, read_csv(path), strict=True):
        assert isinstance(one, PaymentLine)
        assert isinstance(row, PaymentLine)
        assert replace(one, line=0, payer="", payee="") == replace(row, line=0, payer="", payee="")
    assert done.text.count(b"<PmtInf>") == 3, "one order for each run of rows of one payer"
    again = write_orders(path, initiator="小满杂货店", execute_on=DAY, created=NOW)
    assert again == done, "the message's id comes from what stands in it"
    etree = pytest.importorskip("lxml.etree", reason="lxml is not here to judge by the schema")
    schema = etree.XMLSchema(file=str(reference_data("payments", "xsd") / "pain.001.001.09.xsd"))
    schema.assertValid(etree.fromstring(done.text))


def test_rows_that_no_message_can_say_are_told_and_the_others_go_on(tmp_path: Path) -> None:
    done = written(
        tmp_path / "some.csv",
        f"a-1,{PARTY},m-1,10,,,\n"
        f"{'x' * 36},{PARTY},m-1,10,,,\n"
        f"a-3,{'y' * 35},m-1,10,,,\n"
        f"a-4,{PARTY},m-1,10,,,{'z' * 141}\n"
        f"a-5,{PARTY},m-1,0,,,\n"
        f"a-1,{PARTY},m-2,11,,,\n",
    )
    assert done.payments == 1
    assert [(one.line, one.code) for one in done.refused] == [
        (3, "payment.bad_text"),
        (4, "payment.bad_text"),
        (5, "payment.bad_text"),
        (6, "payment.bad_amount"),
        (7, "payment.message_duplicate"),
    ]


def test_a_file_that_orders_nothing_or_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="no_rows"):
        written(tmp_path / "none.csv", "")
    with pytest.raises(Refused, match="no_file"):
        write_orders(tmp_path / "x.csv", initiator="a", execute_on=DAY, created=NOW)
    monkeypatch.setattr("puhui.payment.desk.initiation.ORDERED_MAX", 1)
    with pytest.raises(Refused, match="too_many_rows"):
        written(tmp_path / "two.csv", f"a,{PARTY},m,1,,,\nb,{PARTY},m,1,,,\n")


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=40)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    remarks=st.lists(_WORDS, min_size=1, max_size=4),
    minor=st.integers(min_value=1, max_value=10**12),
)
def test_whatever_is_remarked_comes_back(tmp_path: Path, remarks: list[str], minor: int) -> None:
    """Blanks are joined, as in any XML text of one line; all else is the same, or is refused."""
    quoted = ['"' + one.replace('"', '""') + '"' for one in remarks]
    rows = [
        f"p{at},{PARTY},m,{minor // 100}.{minor % 100:02d},,,{one}\n"
        for at, one in enumerate(quoted)
    ]
    try:
        done = written(tmp_path / "any.csv", "".join(rows))
    except Refused as refused:
        assert refused.code == "payment.message_value"
        return
    found = [one for one in read_pain001(done.text) if isinstance(one, PaymentLine)]
    assert [one.remark for one in found] == [" ".join(one.split()) for one in remarks]
    assert {one.amount_minor for one in found} == {minor}
