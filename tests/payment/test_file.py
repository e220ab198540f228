"""Files of payments: read whatever they are written in, paid once, refused row by row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Actor, Fault, Node, Refused
from puhui.kernel.forward import Forwarder
from puhui.ledger import trial_balance
from puhui.party.nouns import PartyKind, RegisterParties
from puhui.payment import PaymentLine, wallet_account
from puhui.payment.formats.csv_file import encoding_of, places_of, read_csv
from puhui.payment.formats.iso20022 import write_pain001
from puhui.payment.nouns.message import AccountNumber
from puhui.payment.window import FilePaid, RefusedLine, pay_file
from tests.cli.program import Ended, Program, run_process
from tests.payment import samples
from tests.payment.purse import STAFF, held_by, open_books, person, run, today

HEADER = "payment_id,payer,payee,amount,currency,purpose,remark"


def written(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "payments.csv"
    path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_a_file_is_read_in_either_language(tmp_path: Path, encoding: str, mark: str) -> None:
    header = mark.join(["备注", "付款编号", "付款人", "别的", "收款人", "金额"])
    row = mark.join(["两斤茶叶", "甲-1", "anna", "?", "bo", '"1,000.5"'])
    path = written(tmp_path, row, "", row, header=header, encoding=encoding)
    first, second = read_csv(path)
    assert first == PaymentLine(2, "甲-1", "anna", "bo", 100_050, "CNY", "", "两斤茶叶")
    assert isinstance(second, PaymentLine)
    assert second.line == 4, "empty rows are none, and lines are those of the file"


@pytest.mark.parametrize(
    "row, code",
    [
        ("1,a,b", "bad_row"),
        (",a,b,1.00", "bad_row"),
        ("1,a,,1.00", "bad_row"),
        ('1,a,"b"x,1.00', "bad_row"),
        ("1,a,b,0", "bad_amount"),
        ("1,a,b,-5", "bad_amount"),
        ('1,a,b,"1,5"', "bad_amount"),
        ("1,a,b,1.005", "bad_amount"),
        ("1,a,b,1e5", "bad_amount"),
        ("1,a,b,nan", "bad_amount"),
        ("1,a,b,１", "bad_amount"),
        (f"1,a,b,{10**20}", "bad_amount"),
        ("1,a,b,1.00,XXX", "no_currency"),
        ("1\0,a,b,1.00", "bad_row"),
    ],
)
def test_a_row_that_is_no_payment_is_refused_by_itself(tmp_path: Path, row: str, code: str) -> None:
    header = "payment_id,payer,payee,amount" + (",currency" if row.count(",") > 3 else "")
    header = HEADER if '"1,5"' in row else header
    good = "2,a,b,1.00" + ",CNY" * (header.count(",") > 3) + ",," * (header == HEADER)
    if header == HEADER:
        row += ",CNY,,"
    refused, kept = read_csv(written(tmp_path, row, good, header=header))
    assert isinstance(refused, RefusedLine)
    assert (refused.line, refused.code) == (2, f"payment.{code}")
    assert isinstance(kept, PaymentLine)
    assert kept.line == 3


def test_bytes_of_another_encoding_spoil_their_row_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "1,a,b,1,,,茶", "2,a,b,1,,,茶", "3,a,b,1,,,茶")
    data = path.read_bytes().split(b"\r\n")
    data[2] = data[2].replace("茶".encode(), "茶".encode("gb18030"))
    path.write_bytes(b"\r\n".join(data))
    found = [(type(one).__name__, one.line) for one in read_csv(path)]
    assert found == [("PaymentLine", 2), ("RefusedLine", 3), ("PaymentLine", 4)]


@pytest.mark.parametrize(
    "header, code",
    [
        ("payment_id,payer,payee", "bad_header"),
        ("payment_id,payer,payee,amount,金额", "bad_header"),
        ("", "bad_header"),
    ],
)
def test_a_file_without_its_columns_is_refused(tmp_path: Path, header: str, code: str) -> None:
    with pytest.raises(Refused, match=rf"payment\.{code}"):
        list(read_csv(written(tmp_path, header=header)))


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"payment\.no_file"):
        list(read_csv(tmp_path / "none.csv"))
    with pytest.raises(Refused, match=r"payment\.no_file"):
        list(read_csv(tmp_path))
    for declared, data in (("", HEADER.encode("utf-16")), ("latin-1", b"x"), ("", b"\xff\xff,\n")):
        with pytest.raises(Refused, match=r"payment\.bad_encoding"):
            encoding_of(data, declared)
    assert encoding_of(b"x", "GBK") == "gb18030"
    assert places_of("Amount;PAYEE;Payer;Payment ID") == {
        "amount": 0,
        "payee": 1,
        "payer": 2,
        "payment_id": 3,
    }


def test_a_file_is_paid_once(bank: Node, tmp_path: Path) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    number = f"{wallet_account(bo, 'CNY'):032X}"
    path = written(
        tmp_path,
        f"1,{anna},{bo},10.00,CNY,SALA,三月工资",
        f"2,{anna},{number},20.00,,,",
        f"3,{anna},party-nobody,1.00,,,",
        f"4,{anna},somebody,1.00,,,",
        f"5,{anna},{bo},100.00,,,",
        f"1,{anna},{bo},10.00,CNY,SALA,三月工资",
        f"1,{anna},{bo},10.01,CNY,SALA,三月工资",
        f"6,{anna},{bo},1.00,USD,,",
    )
    steps: list[int] = []
    told: list[tuple[PaymentLine | None, RefusedLine]] = []
    made = pay_file(bank, STAFF, path, step=steps.append, tell=lambda *one: told.append(one))
    assert (made.payments, made.posted, made.repeated, made.refused_rows) == (8, 2, 1, 5)
    assert made.posted_minor == (("CNY", 3_000),)
    assert [(one.line, one.code) for one in made.refused] == [
        (4, "payment.unknown_party"),
        (5, "payment.unknown_party"),
        (6, "payment.wallet_short"),
        (8, "payment.id_reused"),
        (9, "payment.no_payer_wallet"),
    ]
    assert [line.line if line else 0 for line, _ in told] == [4, 5, 6, 8, 9]
    assert steps and steps[-1] == path.stat().st_size
    again = pay_file(bank, STAFF, path)
    assert (again.payments, again.posted, again.repeated, again.refused_rows) == (8, 0, 3, 5)
    assert held_by(bank, bo) == 3_000
    with bank.read() as tx:
        assert trial_balance(tx).difference_minor == 0


def test_rows_of_an_earlier_file_are_repeats_in_a_later_one(bank: Node, tmp_path: Path) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    rows = [f"{n},{anna},{bo},1.00,,," for n in range(6)]
    first = pay_file(bank, STAFF, written(tmp_path, *rows[:4]))
    assert first == FilePaid(4, 4, 0, 0, (("CNY", 400),), ())
    made = pay_file(bank, STAFF, written(tmp_path, *rows[2:]))
    assert (made.posted, made.repeated) == (2, 2)


def test_references_of_a_source_name_parties(bank: Node, tmp_path: Path) -> None:
    anna = person(bank, 1, money=10_000)
    given = RegisterParties("payroll", ("K-1", "K-2"), PartyKind.PERSON)
    made = bank.act("party.register_parties", given, key="staff", actor=STAFF)
    for party_id in made.party_ids:
        run(bank, "open_wallet", party_id=party_id, currency="CNY")
    path = written(tmp_path, f"1,{anna},K-1,1.00,,,", f"2,{anna},K-2,2.00,,,")
    assert pay_file(bank, STAFF, path).refused_rows == 2
    assert pay_file(bank, STAFF, path, source="payroll").posted == 2
    assert held_by(bank, made.party_ids[1]) == 200


def test_a_dry_run_judges_and_keeps_nothing(bank: Node, tmp_path: Path) -> None:
    anna, bo = person(bank, 1, money=150), person(bank, 2)
    path = written(tmp_path, f"1,{anna},{bo},1.00,,,", f"2,{anna},{bo},1.00,,,")
    made = pay_file(bank, STAFF, path, dry_run=True)
    assert (made.posted, made.refused_rows, held_by(bank, bo)) == (1, 1, 0)
    assert pay_file(bank, STAFF, path).posted == 1


def test_a_run_that_was_stopped_goes_on(bank: Node, tmp_path: Path) -> None:
    """Goal: a killed run loses nothing and doubles nothing. Method: stop it inside the second
    of three batches; the first one stands, and the next run posts the rest."""
    anna, bo = person(bank, 1, money=100_000), person(bank, 2)
    path = written(tmp_path, *(f"{n},{anna},{bo},0.01,,," for n in range(20_000)))

    class StoppedError(Exception):
        pass

    def stop(done: int) -> None:
        if done > path.stat().st_size * 0.6:
            raise StoppedError

    with pytest.raises(StoppedError):
        pay_file(bank, STAFF, path, step=stop)
    before = held_by(bank, bo)
    assert before == 8_190
    made = pay_file(bank, STAFF, path)
    assert (made.posted, made.repeated, made.refused_rows) == (20_000 - before, before, 0)
    assert held_by(bank, bo) == 20_000


def test_two_runs_at_once_post_once(bank: Node, tmp_path: Path) -> None:
    anna, bo = person(bank, 1, money=100_000), person(bank, 2)
    path = written(tmp_path, *(f"{n},{anna},{bo},0.01,,," for n in range(9_000)))
    outcomes: list[Any] = []

    def pay_it() -> None:
        try:
            outcomes.append(pay_file(bank, STAFF, path))
        except Fault as fault:
            outcomes.append(fault)

    threads = [threading.Thread(target=pay_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [one for one in outcomes if not isinstance(one, Fault)]
    assert sum(one.posted for one in done) == 9_000
    assert held_by(bank, bo) == 9_000


def test_a_file_of_pain001_is_paid_as_well(bank: Node, tmp_path: Path) -> None:
    anna, bo = person(bank, 1, money=10_000), person(bank, 2)
    one, other = samples.INITIATION.orders[0].transfers
    to_bo = AccountNumber(other_id=f"{wallet_account(bo, 'CNY'):032x}")
    order = replace(
        samples.INITIATION.orders[0],
        debtor_account=AccountNumber(other_id=f"{wallet_account(anna, 'CNY'):032x}"),
        transfers=(replace(one, creditor_account=to_bo), other),
    )
    path = tmp_path / "order.xml"
    path.write_bytes(write_pain001(replace(samples.INITIATION, orders=(order,))))
    steps: list[int] = []
    made = pay_file(bank, STAFF, path, step=steps.append)
    assert (made.payments, made.posted, made.refused_rows, steps) == (2, 1, 1, [1, 2])
    (refused,) = made.refused
    assert (refused.payment_id, refused.code) == ("I-2", "payment.unknown_party")
    assert refused.line > 1, "the line of the element in the file"
    assert held_by(bank, bo) == one.amount.minor
    again = pay_file(bank, STAFF, path)
    assert (again.posted, again.repeated) == (0, 1)
    early = replace(order, execute_on=today(bank) + timedelta(days=1))
    path.write_bytes(write_pain001(replace(samples.INITIATION, orders=(early,))))
    assert {one.code for one in pay_file(bank, STAFF, path).refused} == {"payment.message_early"}
    with pytest.raises(Refused, match=r"payment\."):
        pay_file(bank, STAFF, tmp_path / "none.xml")


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """The program on an empty home."""
    for name in ("PUHUI_STORE", "PUHUI_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Program(tmp_path / "home", monkeypatch, capsys)


def people_in(program: Program) -> tuple[str, str]:
    """Two people with wallets in the program's home, one of them with 100 yuan."""
    from puhui.node import open_node

    node = open_node(program.home)
    try:
        open_books(node)
        return person(node, 1, money=10_000), person(node, 2)
    finally:
        node.close()


def test_the_program_pays_a_file_and_says_so(program: Program, tmp_path: Path) -> None:
    anna, bo = people_in(program)
    path = written(tmp_path, f"1,{anna},{bo},10.00,,,", f"2,{anna},{bo},1e3,,,", "3,x,y,1.00,,,")
    report = tmp_path / "refused.csv"
    dry = program("pay", path, "--dry-run", "--json")
    assert (dry.code, dry.figures["posted"]) == (0, 1)
    ended = program("pay", path, "--json", "--refused", report)
    assert ended.code == 0
    assert ended.figures == {
        "payments": 3,
        "refused_rows": 2,
        "posted": 1,
        "trial_balance_minor": 0,
        "repeated": 0,
        "queued": 0,
    }
    assert "payment.bad_amount" in ended.out and "10.00 元" in ended.out
    lines = report.read_text("utf-8-sig").splitlines()
    assert lines[0] == "payment_id,payer,payee,amount,currency,purpose,remark,line,code,reason"
    assert [line.split(",")[7:9] for line in lines[1:]] == [
        ["3", "payment.bad_amount"],
        ["4", "payment.unknown_party"],
    ]
    again = program("pay", path, "--json")
    assert (again.code, again.figures["posted"], again.figures["repeated"]) == (0, 0, 1)
    assert "posted before" in again.said and "nothing: all of it was posted before" in again.said


def test_the_program_refuses_what_it_cannot_read(program: Program, tmp_path: Path) -> None:
    people_in(program)
    bad = written(tmp_path, header="payer,payee")
    assert program("pay", bad).code == 2
    assert "payment.bad_header" in program("pay", bad).said
    assert "payment.no_file" in program("pay", tmp_path / "none.csv").said
    good = written(tmp_path)
    assert program("pay", good, "--refused", good).code == 2
    assert program("pay", good).code == 0


def test_two_programs_at_once_pay_once(program: Program, tmp_path: Path) -> None:
    anna, bo = people_in(program)
    path = written(tmp_path, *(f"{n},{anna},{bo},0.01,,," for n in range(300)))
    ended: list[Ended] = []

    def pay_it() -> None:
        ended.append(run_process("pay", path, "--json", home=program.home))

    threads = [threading.Thread(target=pay_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.code for one in ended] == [0, 0], [one.said for one in ended]
    assert sum(one.figures["posted"] for one in ended) == 300
    assert sum(one.figures["repeated"] for one in ended) == 300


Reference = Callable[..., Path]


def test_a_file_of_the_reference_data_is_paid(
    sqlite_node: Node, reference_data: Reference, operator: Actor
) -> None:
    path = reference_data("payments", "iso20022", "musterfile_pain.001_Nov2020.xml")
    open_books(sqlite_node)
    try:
        made = pay_file(sqlite_node, operator, path)
    except Refused as refused:  # a version that is not read: the file is named with its line
        assert refused.code.startswith("payment.")
        return
    assert made.payments == made.refused_rows, "nobody of it is a customer here"


def test_references_are_not_looked_up_while_the_store_is_off(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a queue, ids go into it and references are refused by row; without, the file stops."""
    path = written(tmp_path, "1,party-1,party-2,1.00,CNY,,", "2,anna,party-2,1.00,CNY,,")
    queue = Forwarder(node, tmp_path / "queue", use_cases=("payment.pay_batch",))

    def off(*_: object, **__: object) -> None:
        raise Fault("kernel.store_unavailable", "No primary is up.")

    monkeypatch.setattr(node, "read", off)
    monkeypatch.setattr(node, "act", off)
    monkeypatch.setattr(node, "submit", off)
    paid = pay_file(node, STAFF, path, source="till", queue=queue)
    assert [(one.line, one.code) for one in paid.refused] == [(3, "payment.no_look_up")]
    assert (paid.payments, paid.posted, paid.queued, paid.refused_rows) == (2, 0, 1, 1)
    with pytest.raises(Fault, match="No primary"):
        pay_file(node, STAFF, path, source="till")
    queue.close()
