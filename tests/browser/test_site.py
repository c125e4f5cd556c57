"""The site as a reader meets it: links, tables, plots, formulas, phone, dark mode, keyboard."""

import csv

import pytest
from chromium import PHONE, ROOT, SITE, started
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

SECONDS = 2.0
LOOKED_AT = {
    "answers": "index.html",
    "claims": "claims.html",
    "claim": "claims/T2-kappa.html",
    "counterexample": "claims/T1-own.html",
    "engineers": "engineers.html",
    "speed": "benchmark.html",
}
CLAIMS = sorted(str(path.relative_to(SITE)) for path in SITE.glob("claims/*.html"))
TABLE = (ROOT / "results" / "paper" / "verdicts.csv").read_text(encoding="utf-8")
VERDICTS = {row["claim"]: row for row in csv.DictReader(TABLE.splitlines())}


@pytest.fixture(scope="session")
def pages():
    """One browser for all tests."""
    yield from started()


def test_every_claim_has_a_page():
    """And every page is one of a claim."""
    assert len(CLAIMS) == len(VERDICTS)


def _ready(pages, name):
    """Seconds until all is loaded and drawn."""
    pages.open(name)
    loaded = pages.run("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    return max(loaded, pages.drawn()) / 1000


@pytest.mark.parametrize("name", [*CLAIMS, *LOOKED_AT.values()])
def test_pages_are_ready_soon_and_complain_of_nothing(pages, name):
    """Within two seconds from the disk, plots included; formulas laid out, images there.

    One try of three is enough: others may be using the machine.
    """
    assert any(_ready(pages, name) < SECONDS for _ in range(3))
    assert pages.messages() == []
    broken = "return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
    assert pages.run(broken) == []
    sizes = (
        "return [...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().height)"
    )
    heights = pages.run(sizes)
    assert all(height > 8 for height in heights)
    if name in CLAIMS:
        assert heights, "the statement, typeset"
        drawn = pages.run("return document.querySelectorAll('.plot .scatterlayer .point').length")
        assert drawn or not pages.driver.find_elements(By.CSS_SELECTOR, ".plot")


LINES = "return [...document.querySelectorAll('#claims tbody tr')]"


def _names(pages):
    return pages.run(f"{LINES}.filter(r => !r.hidden).map(r => r.cells[0].textContent)")


def test_the_table_is_sorted_filtered_and_searched(pages):
    """Against the stored verdicts; numbers are sorted as numbers, and what has none comes last."""
    pages.open("claims.html")
    buttons = pages.driver.find_elements(By.CSS_SELECTOR, "#claims th button")
    buttons[0].click()
    assert _names(pages) == sorted(VERDICTS, key=str.lower)
    buttons[5].click()
    column = (
        "return [...document.querySelectorAll('#claims tbody tr')].map(r => r.cells[5].dataset.key)"
    )
    keys = pages.run(column)
    numbers = [float(key) for key in keys if key]
    assert numbers == sorted(numbers)
    assert "" not in keys[: len(numbers)]
    buttons[5].click()
    numbers = [float(key) for key in pages.run(column) if key]
    assert numbers == sorted(numbers, reverse=True)
    pages.driver.find_element(By.CSS_SELECTOR, '[data-filter="verdict"]').send_keys("refuted")
    refuted = {name for name, row in VERDICTS.items() if row["verdict"] == "refuted"}
    assert set(_names(pages)) == refuted
    pages.driver.find_element(By.ID, "search").send_keys("kl")
    assert set(_names(pages)) < refuted
    assert "P.kl" in _names(pages)
    shown = pages.driver.find_element(By.ID, "shown").text
    assert shown == f"{len(_names(pages))} of {len(VERDICTS)} claims"


def test_the_front_page_leads_to_the_claims_of_a_theorem(pages):
    """Filtered."""
    pages.open("index.html")
    pages.driver.find_element(By.LINK_TEXT, "the claims of Theorem 2").click()
    assert {name[:2] for name in _names(pages)} == {"T2"}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_answer_fits_one_screen(pages, number):
    """Heading, formula, four cards and links, at 1280 by 900."""
    pages.open("index.html")
    box = "return document.querySelectorAll('.answer')[arguments[0]].getBoundingClientRect().height"
    assert pages.run(box, number - 1) < 900
    card = (
        "return document.querySelectorAll('.answer')[arguments[0]].querySelectorAll('.card').length"
    )
    assert pages.run(card, number - 1) == 4


def test_cells_tell_what_they_are(pages):
    """On hovering, and the plot zooms by dragging."""
    driver = pages.open("claims/T2-kappa.html")
    pages.drawn()
    point = driver.find_elements(By.CSS_SELECTOR, ".plot .scatterlayer .point")[3]
    pages.run("arguments[0].scrollIntoView({block: 'center'})", point)
    ActionChains(driver).move_to_element(point).pause(0.3).perform()
    text = driver.find_element(By.CSS_SELECTOR, ".plot .hoverlayer").text
    assert "observed" in text
    assert "bound" in text
    script = "return document.querySelector('.plot')._fullLayout.xaxis.range.slice()"
    before = pages.run(script)
    plane = driver.find_element(By.CSS_SELECTOR, ".plot .nsewdrag")
    drag = ActionChains(driver).move_to_element_with_offset(plane, -80, -60).click_and_hold()
    drag.move_by_offset(150, 110).release().pause(0.3).perform()
    after = pages.run(script)
    assert after[1] - after[0] < before[1] - before[0]


@pytest.mark.parametrize("name", LOOKED_AT.values())
def test_a_phone_scrolls_tables_and_not_the_page(pages, name):
    """At 390 pixels nothing sticks out."""
    pages.open(name, PHONE)
    width = pages.run("return document.documentElement.scrollWidth")
    assert width <= PHONE[0]


CONTRAST = (ROOT / "tests" / "browser" / "contrast.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", LOOKED_AT.values())
def test_contrast(pages, name, scheme):
    """4.5 to 1 for texts, as WCAG 2.1 AA asks, in both schemes; the dark one is dark."""
    pages.open(name, scheme=scheme)
    assert pages.run(CONTRAST) == []
    light = pages.run(
        "const c = getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number);"
        "return (c[0] + c[1] + c[2]) / 3"
    )
    assert (light > 128) == (scheme == "light")


def test_keyboard(pages):
    """A heading is reached and pressed without a mouse; where the keyboard is can be seen."""
    driver = pages.open("claims.html")
    for _ in range(60):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        if pages.run("return document.activeElement.closest('#claims th') !== null"):
            break
    outline = pages.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    sort = "return document.activeElement.closest('th').getAttribute('aria-sort')"
    assert pages.run(sort) == "ascending"


@pytest.mark.parametrize("shot", LOOKED_AT)
def test_screenshots(pages, shot):
    """Six pages to look at, two of them on a phone and in the dark too."""
    pages.open(LOOKED_AT[shot])
    pages.shot(shot)
    pages.open(LOOKED_AT[shot], PHONE, "dark")
    pages.shot(f"{shot}-phone-dark")
