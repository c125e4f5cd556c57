"""The built site in the system's Chromium, without a screen and without a network."""

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"
SHOTS = ROOT / "build" / "screenshots"
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
"""The last one: whatever asks the network gets an error, which is on the console."""
DESKTOP, PHONE = (1280, 900), (390, 844)


class Pages:
    """One browser; pages by their paths below the site."""

    def __init__(self, driver):
        self.driver, self.scheme = driver, ""

    def open(self, path, size=DESKTOP, scheme="light"):
        """A page, after all that it loads; at a width, in a colour scheme."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get(f"{SITE.as_uri()}/{path}")
        if scheme != self.scheme:  # What a reader chose is remembered.
            self.run("localStorage.clear()")
            self.driver.refresh()
        self.scheme = scheme
        loaded = "return performance.getEntriesByType('navigation')[0].loadEventEnd > 0"
        here = "return decodeURI(location.pathname).endsWith(arguments[0])"
        WebDriverWait(self.driver, 20).until(lambda _: self.run(here, path) and self.run(loaded))
        return self.driver

    def run(self, script, *values):
        """What a script returns."""
        return self.driver.execute_script(script, *values)

    def drawn(self):
        """When the plot of the page was there, in milliseconds; 0 of a page without one."""
        if not self.run("return document.querySelector('.plot') !== null"):
            return 0.0
        when = "return document.querySelector('.plot').dataset.drawn"
        return float(WebDriverWait(self.driver, 20).until(lambda _: self.run(when)))

    def shot(self, name):
        """A picture to look at."""
        self.drawn()
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SHOTS / f"{name}.png"))

    def messages(self):
        """What the console has complained of since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


def started():
    """A browser, until it is asked for again."""
    options = webdriver.ChromeOptions()
    for option in OPTIONS:
        options.add_argument(option)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield Pages(driver)
    driver.quit()
