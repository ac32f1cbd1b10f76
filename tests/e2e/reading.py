"""Whether a page can be read by everybody."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
# A sheet that is still rising has no contrast yet; spinners never end.
STILL = """() => Promise.all(document.getAnimations()
    .filter(animation => animation.effect.getTiming().iterations === 1).map(animation => animation.finished)).then(() => null)"""


def faults_of(page: Page, path: str, *, within: str = "html") -> list[str]:
    """What axe finds, and whether the page scrolls sideways. ``within``: a selector, where the rest of the page is not ours."""
    page.evaluate(STILL)
    found = Axe().run(page, context=within, options=RULES).response["violations"]
    faults = [f"{path}: {fault['id']} {node['html']} {node['failureSummary']}" for fault in found for node in fault["nodes"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        faults.append(f"{path}: wider than the screen")
    return faults
