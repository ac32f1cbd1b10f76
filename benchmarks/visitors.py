"""The first orders of visitors: people without a session, each of whom opens the page and sends its form."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median, quantiles

import requests

from benchmarks.server import CONNECTIONS, Load

FIELD = re.compile(r'<input type="hidden" name="(key|unit_price|csrfmiddlewaretoken)" value="([^"]+)"')


@dataclass
class Visitor:
    address: str

    def open(self) -> "Visitor":
        self.browser = requests.Session()
        page = self.browser.get(self.address, timeout=30)
        self.form = dict(FIELD.findall(page.text)) | {"qty": "1", "phone": "13800008000", "remark": "", "share": ""}
        return self

    def order(self) -> tuple[bool, float]:
        """Whether the order was placed, and the milliseconds that it took."""
        started = time.perf_counter()
        answer = self.browser.post(self.address, data=self.form, headers={"Referer": self.address}, allow_redirects=False, timeout=30)
        return answer.status_code == 302 and "/o/" in answer.headers["Location"], (time.perf_counter() - started) * 1000


def first_orders(address: str, *, count: int) -> Load:
    """``count`` visitors open the page; then as many as there are connections send their forms at once, and so on."""
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        visitors = list(threads.map(Visitor.open, [Visitor(address) for _ in range(count)]))
        started = time.perf_counter()
        results = list(threads.map(Visitor.order, visitors))
        seconds = time.perf_counter() - started
    times = [milliseconds for _placed, milliseconds in results]
    good = sum(placed for placed, _milliseconds in results)
    return Load(good, count - good, seconds, median(times), quantiles(times, n=100)[98])
