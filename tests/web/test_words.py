"""In the largest text on a phone no line ends within a word, nor within a short Chinese phrase."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.chromium import chromium, running
from tests.web.overdue import overdue
from tests.web.town import Town

BROKEN = """(long) => {
  const out = [];
  const seen = 'h1, h2, h3, button, .button, .mark, .big, .choice';
  for (const box of document.querySelectorAll('main :is(' + seen + ')')) {
    const walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode());)
      for (const word of node.data.matchAll(/[A-Za-z0-9.,]+|[\\u4e00-\\u9fff]+/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const tops = new Set([...range.getClientRects()].map((one) => Math.round(one.top)));
        if (tops.size > 1 && word[0].length <= long) out.push(word[0]);
      }
  }
  return out;
}"""
LONG = {"zh": 6, "en": 14}
"""Signs of a word or a phrase that still stand on one line."""


def looked_at(page: Any, address: str, path: str, language: str) -> list[str]:
    """The words of a page that are broken."""
    page.goto(f"{address}/view?language={language}&size=2&back={path}")
    return [f"{path} {language}: {word}" for word in page.evaluate(BROKEN, LONG[language])]


@pytest.mark.timeout(120)
def test_no_word_is_broken_on_a_phone(town: Town) -> None:
    loan_id, browser = overdue(town)
    paths = ["/me", "/credit", f"/loan/{loan_id}", f"/loan/{loan_id}/payoff"]
    paths += [f"/loan/{loan_id}/relief", f"/loan/{loan_id}/repay", "/wallet", "/complaints/new"]
    with running(town.app) as address, chromium() as chrome:
        context = chrome.new_context(viewport={"width": 360, "height": 740})
        token = browser.client.cookies["puhui"]
        context.add_cookies([{"name": "puhui", "value": token, "url": address}])
        page = context.new_page()
        wrong = [
            one
            for language in ("zh", "en")
            for path in paths
            for one in looked_at(page, address, path, language)
        ]
    assert not wrong, wrong
