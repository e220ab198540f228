"""A citizen in a real browser, scripts off and by keyboard alone, from registering to a complaint;
then the same pages measured: text, targets, line height, contrast, width.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.chromium import Keyboard, chromium, running
from tests.web.town import Town

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(240)]

MEASURE = """() => {
  const seen = [], small = [], low = [], lines = [];
  const shown = (node) => {
    const style = getComputedStyle(node);
    if (style.visibility === 'hidden' || style.display === 'none') return null;
    if (node.closest('.skip, .sr')) return null;
    const box = node.getBoundingClientRect();
    return box.width && box.height ? [box, style] : null;
  };
  for (const node of document.querySelectorAll('body *')) {
    const found = shown(node);
    if (!found) continue;
    const [box, style] = found;
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (own && !node.closest('svg')) {
      seen.push(parseFloat(style.fontSize));
      lines.push(parseFloat(style.lineHeight) / parseFloat(style.fontSize));
    }
    if (node.matches('a, button, summary, select, textarea, input:not([type=hidden])')) {
      const target = node.closest('label.choice')?.getBoundingClientRect() || box;
      small.push([node.outerHTML.slice(0, 90), target.width, target.height]);
    }
  }
  return {
    text: Math.min(...seen), largest: Math.max(...seen), line: Math.min(...lines),
    targets: small, wide: document.documentElement.scrollWidth - innerWidth,
  };
}"""


def citizen_without_scripts(page: Any, address: str, town: Town) -> list[str]:
    """Walk the whole way with the keyboard; the addresses that were seen."""
    person = town.good
    hand = Keyboard(page, address)
    seen: list[str] = []
    hand.go("/")
    hand.press("main a.button[href='/apply']")
    hand.write("#phone", person.phone)
    hand.send()
    code = page.locator(".code").inner_text()
    hand.write("#digits", code)
    hand.send()
    hand.write("#name", person.name)
    hand.send()
    hand.write("#number", person.id_number)
    hand.tick("#agree")
    hand.press("main form button")
    assert "/me" in page.url, page.url
    seen.append(page.url)
    hand.press("main a.button[href='/apply']")
    hand.write("#amount", "20000")
    hand.send()
    hand.choose("months", "12")
    hand.choose("use", "stock")
    hand.press("main form button")
    hand.write("#income", "90000")
    hand.write("#debt", "0")
    hand.choose("overdue", "no")
    hand.press("main form button")
    if page.locator("#agree").count():
        hand.tick("#agree")
    hand.press("main form button")
    assert page.url.endswith("/apply/check"), page.url
    hand.press("main form button")
    assert "通过了" in hand.heading, hand.heading
    seen.append(page.url)
    hand.press("main a.button[href$='/contract']")
    hand.tick("#agree")
    seen.append(page.url)
    hand.press("main form button")
    hand.press("main form button")
    assert "已进入您的钱包" in page.content()
    seen.append(page.url)
    hand.press("main a.button[href$='/repay']")
    seen.append(page.url)
    hand.reach("main details summary")
    page.keyboard.press("Enter")
    hand.write("#amount", "1,000")
    hand.send()
    assert "还款成功" in page.content()
    hand.press("footer a[href='/complaints']")
    hand.press("main a.button[href='/complaints/new']")
    hand.choose("subject", "repayment")
    hand.write("#words", "我想确认一下还款日期。")
    hand.press("main form button")
    assert "已收到您的投诉" in page.content()
    seen.append(page.url)
    return [url.removeprefix(address).split("?")[0] for url in seen]


def test_the_whole_way_by_keyboard_without_scripts(town: Town) -> None:
    with running(town.app) as address, chromium() as browser:
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": 360, "height": 740}, locale="zh-CN"
        )
        paths = citizen_without_scripts(context.new_page(), address, town)
        assert len(paths) == 6
        page = context.new_page()
        for path in ("/", "/login", "/money", "/consents", "/settings", "/help", *paths):
            for size, text, target in ((0, 16.0, 24.0), (1, 24.0, 60.0), (2, 30.0, 60.0)):
                page.goto(f"{address}/view?size={size}&back={path}")
                found = page.evaluate(MEASURE)
                where = (path, size)
                assert found["wide"] <= 0, (where, found["wide"])
                assert found["text"] >= text * 0.87, (where, found["text"])
                assert found["line"] >= 1.3, (where, found["line"])
                if size:
                    assert found["text"] >= 18, (where, found["text"])
                floor = 44 if size == 0 else target
                low = [one for one in found["targets"] if one[2] < floor or one[1] < floor - 0.5]
                assert low == [], (where, low)
                if size == 2:
                    assert found["largest"] >= 30, where


def test_an_officer_with_a_phone_sees_the_page_first_and_opens_the_menu(town: Town) -> None:
    token = town.staff("operator").client.cookies["puhui"]
    with running(town.app) as address, chromium() as browser:
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": 360, "height": 740}, locale="zh-CN"
        )
        context.add_cookies([{"name": "puhui", "value": token, "url": address}])
        page = context.new_page()
        for size in (0, 1, 2):
            page.goto(f"{address}/view?size={size}&back=/desk/customers")
            heading = page.locator("h1").bounding_box()
            assert heading is not None
            assert heading["y"] < 600, size
            menu, link = (
                page.locator("#desk-menu"),
                page.locator("#desk-menu a[href='/desk/loans']"),
            )
            assert not menu.is_visible()
            page.locator("button.menu").first.press("Enter")
            assert link.is_visible()
            page.keyboard.press("Escape")
            assert not menu.is_visible()
            page.locator("button.menu").first.press("Enter")
            link.press("Enter")
            page.wait_for_url("**/desk/loans")
        page.set_viewport_size({"width": 1280, "height": 740})
        page.goto(f"{address}/view?size=0&back=/desk")
        assert page.locator("#desk-menu a[href='/desk/loans']").is_visible()
        assert not page.locator("button.menu").first.is_visible()
