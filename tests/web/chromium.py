"""A real Chromium without a window, and the pages on a real server of this process."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
TABS_MAX = 80


def chromium_path() -> str:
    """Where Chromium is; the test is skipped, saying so, where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("no Chromium is found on this machine")


@contextlib.contextmanager
def running(app: Any) -> Iterator[str]:
    """The address of the pages, served by granian in a thread until the test is over."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server: Any = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL)
    loop = asyncio.new_event_loop()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.serve())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            break
        threading.Event().wait(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(server.stop)
        thread.join(10)


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser, as Playwright knows one."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Keyboard:
    """A person who has a keyboard and nothing else."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        page.set_default_timeout(10_000)

    def go(self, path: str) -> None:
        """Type an address in."""
        self.page.goto(self.address + path)

    def reach(self, selector: str) -> None:
        """Press Tab until the focus stands on ``selector``, and check that the focus shows."""
        for _ in range(TABS_MAX):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                width = self.page.evaluate(
                    "() => getComputedStyle(document.activeElement).outlineWidth"
                )
                assert float(width.removesuffix("px")) >= 3, (selector, width)
                return
        raise AssertionError(f"{self.page.url}: Tab never reaches {selector}")

    def write(self, selector: str, text: str) -> None:
        """Write into a field, over what stands there."""
        self.reach(selector)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, name: str, value: str) -> None:
        """Choose one of a group of round buttons by the arrows."""
        self.reach(f"input[name={name}]")
        self.page.keyboard.press("Space")
        for _ in range(12):
            found = self.page.evaluate(
                "n => document.querySelector(`input[name=${n}]:checked`)?.value", name
            )
            if found == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{self.page.url}: the arrows never reach {name} {value}")

    def tick(self, selector: str) -> None:
        """Tick a box."""
        self.reach(selector)
        self.page.keyboard.press("Space")

    def press(self, selector: str) -> None:
        """Press a button or follow a link."""
        self.reach(selector)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def send(self) -> None:
        """Send the form of the field that is written in."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    @property
    def heading(self) -> str:
        """What the page is called."""
        return str(self.page.locator("h1").first.inner_text())
