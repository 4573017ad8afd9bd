"""Make the README's picture: a figure of the built book, moved through all its positions."""

import io
from pathlib import Path

from browser import FLAGS, find_chromium, serve
from PIL import Image
from playwright.sync_api import sync_playwright

PAGE, FIGURE = "book/5-1-complex-step.html", "fig-error-against-step"
TARGET = Path(__file__).resolve().parents[1] / "docs" / "error-against-step.webp"
WIDTH = 720
TICK = 350  # milliseconds a frame, as when the page plays it


def frames(page):
    """Take the figure's picture at each position of its slider."""
    figure = page.locator(f"#{FIGURE}")
    figure.scroll_into_view_if_needed()
    slider = figure.locator("input")
    for position in range(int(slider.get_attribute("max")) + 1):
        slider.evaluate("(s, to) => { s.value = to; s.dispatchEvent(new Event('input')); }", position)
        page.wait_for_timeout(200)
        yield Image.open(io.BytesIO(figure.screenshot()))


def main():
    with serve() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 800})
        page.goto(f"{site}/{PAGE}")
        first, *rest = frames(page)
        browser.close()
    TARGET.parent.mkdir(exist_ok=True)
    first.save(TARGET, save_all=True, append_images=rest, duration=TICK, loop=0, quality=60, method=6)
    print(f"{TARGET}: {len(rest) + 1} frames, {TARGET.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
