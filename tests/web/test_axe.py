"""No page breaks a rule of axe: both languages, three sizes, a phone and a desk, light and dark.

A page is held to every rule as a phone and as a desk see it. What another size or theme alone can
break, room to press and contrast, is asked again there and nothing else.
"""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from tests.web.chromium import chromium, running
from tests.web.every_page import prepare
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
  return out.concat(found.violations.map((one) => one.id + ': ' + one.nodes.slice(0, 3)
    .map((node) => node.html.slice(0, 120) + ' ' + node.failureSummary.slice(0, 200)).join(' | ')));
}"""
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


def looked_at(town: Town, language: str, looks: tuple[Look, ...]) -> int:
    """How many pages were found without fault; the test fails with all that was found."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    people = prepare(town)
    wrong: list[str] = []
    pages = 0
    with running(town.app) as address, chromium() as browser:
        for who, (person, paths) in people.items():
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
                    seen = json.dumps({"size": str(size), "theme": theme})
                    page.evaluate(f"Object.assign(document.documentElement.dataset, {seen})")
                    page.set_viewport_size({"width": width, "height": 800})
                    found = page.evaluate(RUN, list(rules))
                    wrong += [f"{who} {path} {language} {size} {width} {theme} {one}"
                              for one in found]  # fmt: skip
            context.close()
    if wrong:
        pytest.fail("\n".join(wrong[:40]) + f"\n{len(wrong)} on {pages}", pytrace=False)
    return pages


@pytest.mark.xdist_group("axe_chinese")
def test_no_chinese_page_breaks_a_rule_of_axe(town: Town) -> None:
    assert looked_at(town, "zh", CHINESE) > 200


@pytest.mark.xdist_group("axe_english")
def test_no_english_page_breaks_a_rule_of_axe(town: Town) -> None:
    assert looked_at(town, "en", ENGLISH) > 200
