"""The report as pages: every figure and its table, well-formed, no script, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from puhui.intake import write_report
from puhui.intake.report import LendReport, RefusalTally, render_report
from puhui.intake.report.chart import COLOURS, bar_list, line_chart, svg_of
from puhui.intake.report.figure import (
    cost_parts_of,
    figures_of,
    flow_of,
    roc_of,
    swings_of,
    volumes_of,
)
from puhui.intake.report.page import BYTES_MAX
from puhui.intake.report.speech import Speech
from puhui.kernel.money import Money
from tests.intake import sample

FILES = {"zh": "r.html", "en": "r.en.html"}
VOID = {"meta", "br", "link", "img", "input", "hr"}
OUTCOMES = {"bad_rates", "scores", "roc", "calibration", "cut_off"}
ALWAYS = {"flow", "cost_parts", "swings", "volumes"}


@pytest.fixture(scope="module")
def report() -> LendReport:
    """A whole report."""
    return sample.report()


@pytest.fixture(scope="module")
def pages(report: LendReport, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Both pages as they were written."""
    folder = tmp_path_factory.mktemp("report")
    zh, en = write_report(report, folder, name="r", charts=folder / "charts")
    assert sorted(path.name for path in folder.glob("*.html")) == ["r.en.html", "r.html"]
    assert len(list((folder / "charts").glob("*.svg"))) >= 10
    assert max(zh.stat().st_size, en.stat().st_size) < BYTES_MAX
    return {"zh": zh.read_text("utf-8"), "en": en.read_text("utf-8")}


class Outline(HTMLParser):
    """Checks that tags close in order, and keeps ids, links, texts and tables."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.figures: dict[str, int] = {}
        self.words: list[str] = []
        self._figure = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        given = dict(attrs)
        self.tags.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        for name in ("href", "src", "action", "data", "xlink:href"):
            if name in given:
                self.addresses.append(str(given[name]))
        assert "style" not in given, (tag, given)
        assert not [name for name in given if name.startswith("on")], given
        if tag == "figure":
            self._figure = str(given["id"])
            self.figures[self._figure] = 0
        if given.get("role") == "img":
            assert given.get("aria-label"), self._figure
        if tag == "tr" and self._figure:
            self.figures[self._figure] += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that closes itself, as in SVG."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """A tag closes."""
        assert self.open, tag
        assert self.open.pop() == tag, (tag, self.open[-3:])
        if tag == "figure":
            self._figure = ""

    def handle_data(self, data: str) -> None:
        """A text."""
        self.words.append(data)


def outline(text: str) -> Outline:
    """The page read through."""
    found = Outline()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_is_whole_and_alone(pages: dict[str, str], language: str) -> None:
    """Well-formed, ids once, no script, no address but its own parts and the other language."""
    found = outline(pages[language])
    assert len(set(found.ids)) == len(found.ids)
    assert not {"script", "link", "img", "iframe", "object", "foreignobject"} & set(found.tags)
    other = FILES["en" if language == "zh" else "zh"]
    inside = [address for address in found.addresses if address.startswith("#")]
    assert set(found.addresses) - set(inside) == {other}
    assert {address[1:] for address in inside} <= set(found.ids)
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", pages[language])
    assert not re.search(r"https?://|url\((?!#)|@import", without_names)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_has_its_table(pages: dict[str, str], language: str) -> None:
    """Each figure is there with a drawing and a table of at least a header and one row."""
    found = outline(pages[language])
    assert set(found.figures) == ALWAYS | OUTCOMES | {"reasons"}
    assert all(rows >= 2 for rows in found.figures.values()), found.figures
    assert pages[language].count('class="chart"') == len(found.figures)
    assert pages[language].count("<svg") == len(found.figures)


def test_text_in_drawings_is_text(pages: dict[str, str]) -> None:
    """Chinese labels stand in the SVG as characters, not as outlines or pictures."""
    drawings = "".join(re.findall(r"<svg.*?</svg>", pages["zh"], re.S))
    for word in ("评分（0–1000，越高越安全）", "预测违约概率", "每年申请笔数", "额度使用率"):
        assert word in drawings
    assert "<image" not in drawings


def test_the_style_is_the_one_allowed(pages: dict[str, str]) -> None:
    """The policy in the page allows exactly its own stylesheet; that covers dark and print."""
    text = pages["zh"]
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text.replace("&#39;", "'")
    assert "prefers-color-scheme:dark" in style[1]
    assert "@media print" in style[1]
    for colour in COLOURS.values():
        assert f'[fill="{colour}"]' in style[1]


def test_the_page_says_what_the_report_holds(pages: dict[str, str], report: LendReport) -> None:
    """The figures by name, in both languages, and texts from outside as texts."""
    zh, en = (" ".join(outline(pages[name]).words) for name in ("zh", "en"))
    found = report.evaluation
    assert found is not None
    for text in (zh, en):
        for shown in (
            f"{found.measures.auc:.4f}",
            f"{found.measures.ks:.4f}",
            f"{found.measures.h_measure:.4f}",
            f"{found.measures.brier:.4f}",
            f"{found.bad_rate_approved * 100:.1f}%",
            f"{found.bad_rate_all * 100:.1f}%",
            f"{found.bad_rate_random.low * 100:.1f}%",
            f"{found.misclassified_majority * 100:.2f}%",
            found.realised.net.figure(),
            found.expected.net.figure(),
            "32.16%",
            "32.19%",
            "0.981",
            "43.2%",
            "1.78",
            "4.21",
            report.model.digest,
            report.model.data_digest,
            "0.7123",
            "intake.not_a_number",
        ):
            assert shown in text, shown
    assert "样例贷款 <甲> & 乙" in zh
    assert "<b>amount</b>" in en
    assert "合成数据" in zh
    assert "Synthetic data" in en
    assert "数字列中有文字" in zh
    assert "score.bad_number" in zh
    assert "不适用" in zh
    assert "身份核实" in zh


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_without_outcomes(language: str) -> None:
    """No figure of outcomes, and a second run says that nothing is new."""
    text = render_report(sample.without_outcomes(), language, FILES)
    found = outline(text)
    assert set(found.figures) == ALWAYS
    say = Speech(language)
    words = " ".join(found.words)
    assert say("headline_again") in words
    assert say("no_outcome") in words
    assert say("rows_none") in words
    assert say("synthetic") not in words


def test_drawings_are_valid_and_kept(
    report: LendReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each chart is valid Vega-Lite; a drawing kept by its digest is not made again."""
    altair = pytest.importorskip("altair")
    say = Speech("en")
    assert report.evaluation is not None
    drafts = [make(report, say) for make in (flow_of, cost_parts_of, swings_of, volumes_of)]
    drafts.append(roc_of(report.evaluation, report, say))
    for draft in drafts:
        altair.LayerChart.from_dict(draft.spec, validate=True)
    assert figures_of(report, say)["flow"].rows[0][1] == "400"
    spec = bar_list([("one", 1.0, "1", "good")])
    monkeypatch.setattr("puhui.intake.report.chart._drawn", {})
    first = svg_of(spec, tmp_path)
    monkeypatch.setattr("puhui.intake.report.chart._drawn", {})
    monkeypatch.setattr("puhui.intake.report.chart._draw", lambda _: pytest.fail("drawn again"))
    assert svg_of(spec, tmp_path) == first


def test_every_word_has_both_languages() -> None:
    """Texts of the report and reasons of refusal stand in Chinese and in English."""
    folder = resources.files("puhui.intake") / "data"
    for texts in tomllib.loads((folder / "report.toml").read_text("utf-8")).values():
        assert set(texts) == {"zh", "en"}
        assert set(re.findall(r"{(\w+)}", texts["zh"])) == set(re.findall(r"{(\w+)}", texts["en"]))
    for texts in tomllib.loads((folder / "refusals.toml").read_text("utf-8")).values():
        assert set(texts) == {"zh", "en", "title_zh", "title_en"}
        assert all(texts.values())


def test_amounts_and_shares_in_both_languages() -> None:
    """Money in full and in round units; what is not known is a dash."""
    zh, en = Speech("zh"), Speech("en")
    assert zh.money(Money(4_300_000, "CNY")) == "43,000.00 元"
    assert en.money(Money(4_300_000, "CNY")) == "CNY 43,000.00"
    assert zh.money_short(Money(14_680_000_000, "USD")) == "1.47 亿美元"
    assert en.money_short(Money(14_680_000_000, "USD")) == "USD 146.8 million"
    assert zh.money_short(Money(-123_456_789, "CNY")) == "-123.5 万元"
    assert en.money_short(Money(0, "CNY")) == "CNY 0.00"
    assert zh.share(float("nan")) == "—"
    assert zh.share(0.12345, 2) == "12.35%"


def test_refused_rows_are_tallied_in_bounds() -> None:
    """Counts are exact, lines and examples only the first few."""
    rows = sample.report()
    assert rows.refused_rows == 31
    assert [(one.code, one.rows) for one in rows.refusals] == [
        ("intake.not_a_number", 30),
        ("score.bad_number", 1),
    ]
    assert rows.refusals[0].lines == (3, 4, 5, 6, 7, 8, 9, 10)
    assert rows.refusals[1].title_zh == "score.bad_number"
    assert len(rows.refused_examples) == 20
    assert RefusalTally().total() == 0


def test_a_line_names_its_axes() -> None:
    line = ("a", "good", [(0.0, 1.0), (1.0, 2.0)])
    drawn = svg_of(line_chart([line], x=("minutes", "d"), y=("acts", "d")))
    assert drawn.startswith("<svg")
    assert ">minutes<" in drawn


def test_letters_grow_for_whoever_reads_large_text() -> None:
    line = ("a", "good", [(0.0, 1.0), (1.0, 2.0)])
    told = {"x": ("审批线（违约概率，按申请时的评分）", ".0%"), "y": ("share of all loans", "d")}

    def sizes(letters: float) -> set[float]:
        drawn = svg_of(line_chart([line], **told, letters=letters))  # type: ignore[arg-type]
        return {float(one) for one in re.findall(r'font-size="([0-9.]+)px"', drawn)}

    assert sizes(1.0) == {12.5}
    assert sizes(2.0) == {25.0}
    drawn = svg_of(line_chart([line], **told, letters=2.0))  # type: ignore[arg-type]
    assert told["x"][0] not in drawn, "a title that is too long stands on two lines"
    assert "审批线（违约概率" in drawn


def test_drawings_are_forgotten_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, str] = {}
    monkeypatch.setattr("puhui.intake.report.chart._drawn", kept)
    monkeypatch.setattr("puhui.intake.report.chart.DRAWN_MAX", 2)
    monkeypatch.setattr("puhui.intake.report.chart._draw", lambda spec: f"<svg>{spec}</svg>")
    for place in range(4):
        svg_of({"n": place})
    assert [one for one in kept.values() if "3" in one]
    assert len(kept) == 2
