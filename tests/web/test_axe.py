"""No page breaks a rule of axe: both languages, three sizes, a phone and a desk, light and dark.

A page is held to every rule as a phone and as a desk see it. What another size or theme alone can
break, room to press and contrast, is asked again there and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.web.browser import Browser
from tests.web.chromium import chromium, running
from tests.web.every_page import prepare, prepare_aged
from tests.web.town import Town

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1800),
]

RUN = """async (rules) => {
  const only = rules.length ? {runOnly: {type: 'rule', values: rules}} : {};
  const found = await axe.run(document, {resultTypes: ['violations'], ...only});
  const wide = document.documentElement.scrollWidth - innerWidth;
  const out = wide > 0 ? ['wider than the window by ' + wide] : [];
  if (innerWidth >= 1280 && !document.documentElement.dataset.size)
    for (const box of document.querySelectorAll('.scroll'))
      if (box.scrollWidth > box.clientWidth + 1)
        out.push(`a table is wider than a desk by ${box.scrollWidth - box.clientWidth}`);
  return out.concat(found.violations.map((one) => one.id + ': ' + one.nodes.slice(0, 3)
    .map((node) => node.html.slice(0, 120) + ' ' + node.failureSummary.slice(0, 200)).join(' | ')));
}"""
SEEN = """([size, theme]) => {
  const root = document.documentElement.dataset;
  root.theme = theme;
  if (size) root.size = size; else delete root.size;
}"""
LETTERS = """() => [...document.querySelectorAll('svg text')].map((text) => {
  const svg = text.ownerSVGElement;
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return [parseFloat(getComputedStyle(text).fontSize) * scale, text.textContent];
})"""
LEAST = (12.0, 18.0, 18.0)
"""Letters of a chart, in pixels, at each size of text."""
EVERY: tuple[str, ...] = ()
ROOM = ("target-size", "scrollable-region-focusable")
CONTRAST = ("color-contrast",)
Look = tuple[int, int, str, tuple[str, ...]]
"""Size of text, width of the window, theme, and the rules that are asked."""
PHONE, DESK = 360, 1280
CHINESE: tuple[Look, ...] = (
    (0, PHONE, "light", EVERY), (0, DESK, "light", EVERY), (2, PHONE, "light", ROOM),
    (2, DESK, "light", ROOM), (0, DESK, "dark", CONTRAST), (0, PHONE, "dark", CONTRAST),
)  # fmt: skip
ENGLISH: tuple[Look, ...] = (
    (1, PHONE, "light", EVERY), (1, DESK, "light", ROOM), (2, PHONE, "light", ROOM),
)  # fmt: skip


def everybody(town: Town) -> Iterator[tuple[str, Browser, list[str]]]:
    """Who sees which pages: as the town stands, and then three months later on an aged book."""
    for step, seen in (("", prepare), (" later", prepare_aged)):
        for who, (person, paths) in seen(town).items():
            yield who + step, person, paths


def small_letters(page: Any, address: str, path: str) -> list[str]:
    """Letters of drawings that a phone shows too small, at each size of text."""
    found = []
    page.set_viewport_size({"width": PHONE, "height": 800})
    for size in (2, 1, 0):
        page.goto(f"{address}/view?size={size}&back=/settings")
        page.goto(address + path)
        letters = page.evaluate(LETTERS)
        found += [f"{size}: {high:.1f} pixels: {text}" for high, text in letters
                  if high < LEAST[size]]  # fmt: skip
    return found


def looked_at(town: Town, language: str, looks: tuple[Look, ...]) -> int:
    """How many pages were found without fault; the test fails with all that was found."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    wrong: list[str] = []
    pages = 0
    with running(town.app) as address, chromium() as browser:
        for who, person, paths in everybody(town):
            context = browser.new_context(locale="zh-CN")
            token = person.client.cookies.get("puhui")
            if token:
                context.add_cookies([{"name": "puhui", "value": token, "url": address}])
            page = context.new_page()
            page.goto(f"{address}/view?language={language}&theme=light&back=/settings")
            for path in paths:
                reply = page.goto(address + path)
                assert reply.status == 200, (who, path, reply.status)
                page.evaluate(source)
                pages += 1
                for size, width, theme, rules in looks:
                    page.evaluate(SEEN, [size, theme])
                    page.set_viewport_size({"width": width, "height": 800})
                    found = page.evaluate(RUN, list(rules))
                    wrong += [f"{who} {path} {language} {size} {width} {theme} {one}"
                              for one in found]  # fmt: skip
                if page.locator("svg text").count():
                    wrong += [f"{who} {path} {one}" for one in small_letters(page, address, path)]
            context.close()
    if wrong:
        pytest.fail("\n".join(wrong[:40]) + f"\n{len(wrong)} on {pages}", pytrace=False)
    return pages


@pytest.mark.xdist_group("axe_chinese")
def test_no_chinese_page_breaks_a_rule_of_axe(town: Town) -> None:
    assert looked_at(town, "zh", CHINESE) > 240


@pytest.mark.xdist_group("axe_english")
def test_no_english_page_breaks_a_rule_of_axe(town: Town) -> None:
    assert looked_at(town, "en", ENGLISH) > 240
