"""Debian's Chromium, driven by selenium against a real gateway; axe-core (MPL-2.0) looks for what some cannot use."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

_AXE = Path(__file__).with_name("axe.min.js")
#: An issue below these is told by axe, and not held against a page.
_SERIOUS = ("serious", "critical")
DESKTOP, PHONE = (1366, 768), (390, 844)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("EBGW_TEST_BROWSER") == "required":
            pytest.fail(f"{name} is missing; make test installs it as root")
        pytest.skip(f"{name} is missing")
    return found


class Browser:
    """One browser window; every method blocks, so it runs in a thread beside the gateway's loop."""

    def __init__(self, driver: webdriver.Chrome, base: str) -> None:
        self.driver, self.base = driver, base

    def go(self, path: str = "") -> None:
        self.driver.get(f"{self.base}/console{path}")

    def log_in(self, name: str, password: str) -> None:
        self.go("/login")
        self.fill("name", name)
        self.fill("password", password)
        self.click("登录")
        self.find("header.top")

    def find(self, selector: str) -> WebElement:
        found: WebElement = self.wait(lambda: self.driver.find_element(By.CSS_SELECTOR, selector), words=selector)
        return found

    def fill(self, name: str, text: str) -> None:
        field = self.find(f'[name="{name}"]:not([type=hidden])')
        field.clear()
        field.send_keys(text)

    def pick(self, name: str, value: str) -> None:
        self.driver.execute_script("arguments[0].click()", self.find(f'[name="{name}"][value="{value}"]'))

    def click(self, words: str, within: str = "") -> None:
        """Press the button with these words by the keyboard, as one who sees no pointer does."""
        path = f"{within}//button[contains(normalize-space(.), '{words}')]"

        def press() -> bool:
            self.driver.find_element(By.XPATH, path).send_keys("\n")
            return True

        self.wait(press, words=words)

    @property
    def text(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText"))

    def see(self, words: str, seconds: float = 15) -> None:
        self.wait(lambda: words in self.text, seconds, words)

    def wait(self, condition: Any, seconds: float = 15, words: str = "") -> Any:
        # What renews itself is replaced between a look at it and the next.
        renewed = (NoSuchElementException, StaleElementReferenceException)
        try:
            return WebDriverWait(self.driver, seconds, 0.1, renewed).until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"{words!r} did not come at {self.driver.current_url}:\n{self.text[:3000]}") from None

    def serious(self) -> list[str]:
        """What axe-core finds serious or critical on this page."""
        self.driver.execute_script(_AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run().then(r => arguments[arguments.length - 1](r.violations))")
        return [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in _SERIOUS
        ]

    def complaints(self) -> list[str]:
        """What the browser's own console complains of: errors of scripts, what the policy kept from loading."""
        entries: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def picture(self, path: Path, size: tuple[int, int]) -> None:
        """The whole page at this width."""
        self.driver.set_window_size(*size)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.driver.set_window_size(size[0], max(size[1], min(int(height) + 140, 3000)))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))
        self.driver.set_window_size(*size)

    def overflowing(self) -> list[str]:
        """Elements that make the page wider than its window."""
        return list(
            self.driver.execute_script(
                "if (document.documentElement.scrollWidth <= innerWidth + 1) return [];"
                "return [...document.querySelectorAll('body *')]"
                ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll'))"
                ".slice(0, 5).map(e => e.outerHTML.slice(0, 160))"
            )
        )


@contextmanager
def browser(base: str, *, dark: bool = False) -> Iterator[Browser]:
    """Open a window; without Chromium the test is skipped, or fails where EBGW_TEST_BROWSER=required."""
    chromium, driver_path = _program("chromium"), _program("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--lang=zh-CN",
        "--window-size=1366,768",
        *(("--force-dark-mode", "--blink-settings=preferredColorScheme=0") if dark else ()),
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = webdriver.Chrome(options=options, service=Service(driver_path, port=port))
    driver.set_script_timeout(20)
    try:
        yield Browser(driver, base)
    finally:
        driver.quit()
