"""The pages as such: texts in both languages, weight, headers, cookies, lists, odd addresses."""

from __future__ import annotations

import json
import re
from datetime import date
from importlib.resources import files

import pytest

from puhui.kernel.store.browse import browse_journal, read_act
from puhui.lending import shelf
from puhui.web import build_pages
from puhui.web.ask import View, own_path
from puhui.web.desks.portfolio import figures_of
from puhui.web.say import Say, texts, unglued
from puhui.web.table import csv_reply, sheet_of
from tests.tidy.door import CHINESE
from tests.web.market import furnish
from tests.web.town import Town, static_text

KEY = re.compile(r"""\bt(?:\(|\[)'([a-z_]+\.[a-z_0-9]+)'[\]),]""")
PYTHON_KEY = re.compile(r"""say\("([a-z_]+\.[a-z_0-9]+)\"""")
FIRST_LOAD_MAX = 60 * 1024


def test_every_text_is_there_in_both_languages() -> None:
    for key, both in texts().items():
        assert set(both) == {"zh", "en"}, key
        assert CHINESE.search(both["zh"]), key
        assert both["en"].strip(), key
        assert not CHINESE.search(both["en"]), key
        assert set(re.findall(r"\{(\w+)\}", both["zh"])) == set(
            re.findall(r"\{(\w+)\}", both["en"])
        ), key


def test_every_text_that_is_asked_for_is_there() -> None:
    root = files("puhui.web")
    asked: set[str] = set()
    for entry in (root / "templates").iterdir():
        asked |= set(KEY.findall(entry.read_text(encoding="utf-8")))
    for folder in ("pages", "desks"):
        for entry in (root / folder).iterdir():
            if entry.name.endswith(".py"):
                asked |= set(PYTHON_KEY.findall(entry.read_text(encoding="utf-8")))
    assert len(asked) > 300
    assert sorted(asked - set(texts())) == []


def test_english_pages_speak_english(town: Town) -> None:
    browser = town.customer(town.good)
    browser.open("/view?language=en&back=/")
    for path in ("/", "/me", "/apply/amount", "/apply/income", "/money", "/mine", "/settings"):
        page = browser.open(path)
        assert 'lang="en"' in page.text
        body = re.sub(r"<[^>]+>", "", page.text.replace("中文", ""))
        assert not CHINESE.search(body), (path, CHINESE.search(body))


def test_every_figure_of_a_product_is_told_in_chinese() -> None:
    """What it is, its unit and its source; a path and a name of law may stand in Latin letters."""
    say, latin = Say("zh"), re.compile(r"^[ -~]+$")
    for name in shelf.product_names():
        for one in figures_of(say, shelf.load_product(name)):
            plain = [text for text in (one.title, one.unit, one.source) if latin.match(text)]
            assert not plain, (name, one.path, plain)
    assert figures_of(Say("en"), shelf.load_product("merchant_310"))[0].unit == "yuan"


def test_style_and_script_are_small_and_kept(town: Town) -> None:
    assert len(static_text("style.css").encode()) <= 14 * 1024
    assert len(static_text("script.js").encode()) <= 6 * 1024
    browser = town.browser()
    page = browser.ask("/")
    style = re.search(r'href="(/static/[^"]+)"', page.text)
    assert style is not None
    assert "immutable" in browser.ask(style.group(1)).headers["cache-control"]
    assert browser.ask("/static/other/style.css").headers["cache-control"] == "no-cache"
    assert browser.ask("/static/x/secret.txt").status == 404


def test_no_page_weighs_more_than_its_budget(town: Town) -> None:
    browser = town.customer(town.good)
    page = town.lend(browser)
    shared = len(static_text("style.css").encode()) + len(static_text("script.js").encode())
    paths = ["/", "/help", "/settings", "/me", "/money", "/consents", "/mine", page.url]
    known = furnish(town, browser, town.good.phone, party_phone(town))
    paths += ["/wallet", "/pay/check", "/requests", "/offline", f"/offline/{known['allowance_id']}"]
    paths += [f"/receive/{known['digits']}", "/exchange?source=CNY&target=USD&amount=1000"]
    officer = town.staff("loan_officer")
    operator = town.staff("operator")
    desks = ["/desk", "/desk/applications?size=50", "/desk/portfolio", "/desk/product/sba_term"]
    sizes = {path: len(browser.open(path).text.encode()) + shared for path in paths}
    sizes |= {path: len(officer.open(path).text.encode()) + shared for path in desks}
    for path in ("/desk/payments?minutes=240", "/desk/positions", "/desk/windows", "/desk/offline"):
        sizes[path] = len(operator.open(path).text.encode()) + shared
    assert max(sizes.values()) <= FIRST_LOAD_MAX, sizes


def party_phone(town: Town) -> str:
    """The phone of somebody else who has registered."""
    town.customer(town.other)
    return town.other.phone


def test_headers_forbid_what_pages_do_not_need(town: Town) -> None:
    page = town.browser().ask("/")
    wanted = page.headers["content-security-policy"]
    assert "unsafe-inline" not in wanted
    assert "default-src 'none'" in wanted
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert " style=" not in page.text
    assert " onclick" not in page.text


def test_cookies_are_kept_from_scripts_and_bound_under_tls(town: Town) -> None:
    browser = town.browser()
    browser.log_in(town.other.phone)
    page = browser.ask("/view?size=1")
    assert "HttpOnly" in page.headers["set-cookie"]
    assert "SameSite=lax" in page.headers["set-cookie"]
    from puhui.channel import Gate, open_gateway

    gate = Gate(town.node, open_gateway("127.0.0.1"))
    safe = type(browser)(build_pages(town.node, gate, is_tls=True))
    reply = safe.ask("/login")
    assert "max-age" in reply.headers["strict-transport-security"]
    said = reply.headers["set-cookie"]
    assert "Secure" in said


@pytest.mark.parametrize("path", ["/nothing", "/desk/nothing", "/loan/none", "/me/../desk"])
def test_unknown_addresses_are_told_so(town: Town, path: str) -> None:
    page = town.browser().open(path)
    assert page.status in (200, 404)
    assert "Traceback" not in page.text


def test_a_wrong_method_is_told_so(town: Town) -> None:
    assert town.browser().post("/help", {}).status == 405


def test_a_failing_page_shows_no_inner_working(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from puhui.web.pages import entry

    def fail(name: str) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(entry.shelf, "load_product", fail)
    page = town.browser().ask("/")
    assert page.status == 500
    assert "secret detail" not in page.text


def test_views_are_kept_and_wrong_ones_are_as_usual() -> None:
    assert View.of("en.2.dark") == View("en", 2, "dark")
    for odd in ("", "xx.9.neon", "....", "zh"):
        assert View.of(odd) == View()


@pytest.mark.parametrize(
    "wanted, language",
    [
        ("", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.2, zh-Hant;q=0.7", "zh"),
        ("fr-FR,de;q=0.8,EN;q=0.1", "en"),
        ("fr", "zh"),
        ("en;q=0", "zh"),
        ("en;q=nan", "zh"),
        (",;,=q;;en", "zh"),
        ("fr," * 30 + "en", "zh"),
    ],
)
def test_a_browser_says_the_language_until_somebody_chooses(
    town: Town, wanted: str, language: str
) -> None:
    assert View.of("", wanted).language == language
    assert View.of("zh.0.auto", wanted).language == "zh"
    browser = town.browser()
    page = browser.client.get("/", headers={"accept-language": wanted})
    assert ("Apply for a loan" in page.text) == (language == "en")
    browser.open("/view?language=en&back=/")
    page = browser.client.get("/", headers={"accept-language": wanted})
    assert "Apply for a loan" in page.text


@pytest.mark.parametrize(
    "text, path",
    [
        ("/me", "/me"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_never_leads_elsewhere(text: str, path: str) -> None:
    assert own_path(text, "/") == path


def test_lists_filter_sort_and_page_through_the_address(town: Town) -> None:
    browser = town.customer(town.good)
    town.lend(browser)
    officer = town.staff("loan_officer")
    assert "通过" in officer.open("/desk/applications?status=accepted").text
    empty = officer.open("/desk/applications?status=expired&order=-wanted&skip=50&size=100")
    assert "没有" in empty.text
    odd = officer.open("/desk/loans?order=drop&size=7&skip=-1&status=%27%3B--")
    assert odd.status == 200
    csv = officer.ask("/desk/loans.csv?status=signed&order=days")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.startswith("\ufeff")
    kept = json.loads(officer.ask("/desk/loans.json?product=merchant_310").text)
    assert kept["filters"] == {"product": "merchant_310"}
    assert kept["count"] == len(kept["rows"]) == 1
    assert kept["rows"][0]["status"] == "current"
    for path in ("applications", "reviews", "portfolio", "complaints"):
        for ending in ("csv", "json"):
            assert officer.ask(f"/desk/{path}.{ending}").status == 200
    with town.node.read() as tx:
        told = [read_act(tx, row.position) for row in browse_journal(tx, name="data.record_export")]
    assert len(told) == 10, "each file is on record before it leaves"
    assert browser.ask("/money?format=csv&month=2026-02").text.count("\n") > 10
    for who, path in ((browser, "/money?format=csv&month=2026-02"), (officer, "/desk/loans.csv")):
        raw = who.client.get(path).text
        assert raw == unglued(raw), "signs that keep lines together stay out of files"
    assert browser.ask("/money?month=nonsense&skip=abc").status == 200
    month = browser.ask("/money?month=2026-02")
    whole = browser.ask("/money?month=2026-02&whole=1")
    assert whole.text.count("余额") > month.text.count("余额")


def test_a_spreadsheet_reads_no_formula_from_a_file() -> None:
    text = bytes(csv_reply("x", ("a",), [("=1+1",), ("-5.00",), ("@x",)]).body).decode()
    assert "'=1+1" in text
    assert "'@x" in text
    assert "\n-5.00" in text


def test_a_sheet_turns_its_order_around() -> None:
    found = sheet_of("/x", {"order": "-a"}, filters=(), order="b", orders={"a", "b"})
    assert found.turned("a") == "a"
    assert found.turned("b") == "-b"
    assert found.mark("a") == "descending"
    assert "skip=0" in found.url(order="a")


def test_words_of_money_days_and_waits() -> None:
    zh, en = Say("zh"), Say("en")
    assert zh.money(4_300_000) == "43,000.00\u00a0元", "no line ends before the unit"
    assert unglued(en.money(4_300_000)) == "43,000.00 yuan"
    assert unglued(zh.day("2026-11-22")) == "2026年11月22日"
    assert unglued(en.day("2026-11-22")) == "22 November 2026"
    assert [unglued(one.month(date(2026, 11, 22))) for one in (zh, en)] == [
        "2026年11月", "November 2026",
    ]  # fmt: skip
    assert zh.share("0.0780") == "7.8%"
    assert en.share(None) == "—"
    assert (zh.wait(90), en.wait(7200 * 2), zh.wait(86_400 * 5)) == ("1 分钟", "4 h", "5 天")
