"""No page breaks a rule of axe: both languages, three sizes, a phone and a desk, light and dark."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tests.web.chromium import chromium, running
from tests.web.every_page import prepare
from tests.web.town import Town

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1800),
]

RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  const wide = document.documentElement.scrollWidth - innerWidth;
  const out = wide > 0 ? ['wider than the window by ' + wide] : [];
  return out.concat(found.violations.map((one) => one.id + ': ' + one.nodes.slice(0, 3)
    .map((node) => node.html.slice(0, 120) + ' ' + node.failureSummary.slice(0, 200)).join(' | ')));
}"""
WIDTHS = (360, 1280)


def looked_at(
    town: Town,
    languages: tuple[str, ...],
    sizes: tuple[int, ...],
    theme: str,
) -> int:
    """How many looks found nothing; the test fails with all that was found."""
    source = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    people = prepare(town)
    wrong: list[str] = []
    looks = 0
    with running(town.app) as address, chromium() as browser:
        for who, (person, paths) in people.items():
            context = browser.new_context(locale="zh-CN")
            token = person.client.cookies.get("puhui")
            if token:
                context.add_cookies([{"name": "puhui", "value": token, "url": address}])
            page = context.new_page()
            for language in languages:
                page.goto(f"{address}/view?language={language}&theme={theme}&back=/settings")
                for path in paths:
                    reply = page.goto(address + path)
                    assert reply.status == 200, (who, path, reply.status)
                    page.evaluate(source)
                    for size in sizes:
                        page.evaluate(f"document.documentElement.dataset.size = '{size}'")
                        for width in WIDTHS:
                            page.set_viewport_size({"width": width, "height": 800})
                            found = page.evaluate(RUN)
                            looks += 1
                            wrong += [f"{who} {path} {language} {size} {width} {one}"
                                      for one in found]  # fmt: skip
            context.close()
    if wrong:
        pytest.fail("\n".join(wrong[:40]) + f"\n{len(wrong)} in {looks}", pytrace=False)
    return looks


@pytest.mark.xdist_group("axe_chinese")
def test_no_page_breaks_a_rule_of_axe(town: Town) -> None:
    assert looked_at(town, ("zh",), (0, 2), "light") > 600


@pytest.mark.xdist_group("axe_english")
def test_no_english_page_breaks_a_rule_of_axe(town: Town) -> None:
    assert looked_at(town, ("en",), (1,), "light") > 300


@pytest.mark.xdist_group("axe_dark")
def test_no_dark_page_breaks_a_rule_of_axe(town: Town) -> None:
    assert looked_at(town, ("zh",), (0,), "dark") > 200
