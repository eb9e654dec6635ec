"""A client's whole way through the pages, in Chromium: `python -m tests.journey http://…`.

Prints one JSON object of what was seen. With `--outage` it says `away?`, waits for a line, and
looks whether the open page tells of the outage; then `back?`, and whether it tells of that. With
`--release` it says `released?`, waits, and looks whether the page came back with the plan.
"""

import io
import json
import re
import sys
from typing import Any

from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader

PAGES = ("overview", "client", "portfolio", "scenarios", "questions", "reports", "history")
CHARTED = ("overview", "portfolio", "scenarios")
SECONDS = 30_000


def journey(page: Page, base: str) -> dict[str, Any]:
    """From inputs to the downloaded report; every step must come true within half a minute."""
    page.set_default_timeout(SECONDS)
    page.goto(f"{base}/client")
    sign_in(page, "adviser")
    seen: dict[str, Any] = {"wrong_input": wrong_input(page)}
    fill(page, "Name", "Zoë Example")
    fill(page, "Client number", "journey-1")
    fill(page, "Spending a year", "50000")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("Applied.").wait_for()
    seen["pages"] = {name: visited(page, name) for name in PAGES}
    seen["saved"] = save(page)
    seen["answer"] = asked(page)
    seen["report"] = report(page)
    chosen(page, "Overview")
    page.get_by_text("$50,000").first.wait_for()
    seen["address"] = page.url
    return seen


def sign_in(page: Page, name: str) -> None:
    """As the sign-in page itself says it; back to the page that was asked for."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(page.locator(".told code").last.inner_text())
    page.get_by_role("button", name="Sign in").click()


def wrong_input(page: Page) -> str:
    """What is said of a portfolio of 5 dollars."""
    fill(page, "Portfolio today", "5")
    page.get_by_role("button", name="Apply").click()
    told = page.get_by_role("alert").first
    told.wait_for()
    text = told.inner_text()
    fill(page, "Portfolio today", "1000000")
    return text


def fill(page: Page, label: str, text: str) -> None:
    """By keyboard, as somebody without a mouse does it."""
    field = page.get_by_label(re.compile(f"^{label}")).first
    field.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)
    page.keyboard.press("Tab")


def chosen(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()


def visited(page: Page, name: str) -> int:
    """How many charts and tables a page shows; -1 where it shows an error."""
    page.get_by_test_id("stSidebarNav").locator("a").nth(PAGES.index(name)).click()
    page.locator("h1").first.wait_for()
    if name in CHARTED:
        page.locator("[data-testid=stVegaLiteChart] :is(canvas, svg)").first.wait_for()
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    page.wait_for_timeout(300)  # for a chart that is still being drawn, or an error after it
    if page.get_by_test_id("stException").count():
        return -1
    return page.locator("canvas, svg.marks, [data-testid=stDataFrame]").count()


def save(page: Page) -> str:
    chosen(page, "Scenarios & stress")
    page.get_by_label("Name of this scenario").fill("Base <b>case</b>")
    page.get_by_role("button", name="Save").click()
    link = page.get_by_test_id("stCode")
    link.wait_for()
    return link.inner_text().strip()


def asked(page: Page) -> str:
    chosen(page, "Analysis Q&A")
    page.get_by_label("Your question").fill("How likely is it that the money lasts?")
    page.keyboard.press("Enter")
    reply = page.get_by_text("The portfolio lasted in").first
    reply.wait_for()
    return reply.inner_text()


def report(page: Page) -> dict[str, Any]:
    chosen(page, "Reports")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the report (PDF)").click()
    data = waiting.value.path().read_bytes()
    reader = PdfReader(io.BytesIO(data))
    text = " ".join(" ".join(each.extract_text() for each in reader.pages).split())
    return {
        "bytes": len(data),
        "pages": len(reader.pages),
        "has": [
            word for word in ("Zoë Example", "$50,000", "seed 1", "not advice") if word in text
        ],
    }


def outage(page: Page) -> str:
    """What an open page says of a database that is away, without a click; and that it is back."""
    print("away?", flush=True)
    sys.stdin.readline()
    told = page.get_by_text("The database is away").first
    told.wait_for()
    text = told.inner_text()
    page.get_by_text("$50,000").first.wait_for()
    print("back?", flush=True)
    sys.stdin.readline()
    page.get_by_text("Everything is back").first.wait_for(timeout=60_000)
    return text


def main(base: str, *, is_outage: bool, is_release: bool) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = chromium.new_page()
        seen = journey(page, base)
        if is_outage:
            seen["outage"] = outage(page)
        if is_release:
            print("released?", flush=True)
            sys.stdin.readline()
            page.get_by_text("$50,000").first.wait_for()  # it stays while nothing is clicked
            chosen(page, "Portfolio analysis")
            page.get_by_text("Opened again").first.wait_for()
            chosen(page, "Overview")
            page.get_by_text("$50,000").first.wait_for()
            seen["after_release"] = page.get_by_test_id("stMetricValue").all_inner_texts()
        chromium.close()
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], is_outage="--outage" in sys.argv, is_release="--release" in sys.argv)
