"""What is known today of versions and of holes? Refreshed data, kept here, and never needed.

`update` fetches three feeds (endoflife.date, CISA's KEV, EPSS) into a folder of the user's; `load` reads them
back. Each feed may fail alone and then keeps what it had; without any of them a scan judges by the table that
is shipped, and says so.

What is asked tells nothing of a practice. endoflife.date and KEV are fetched whole, and EPSS is asked for
the same holes by everybody who has the same netwatch: those that KEV lists for the products that netwatch
knows, not those that were found. Never hand `update` anything that was learned in a scan.
"""

from __future__ import annotations

from netwatch.feeds.endoflife import Cycle
from netwatch.feeds.kev import Known
from netwatch.feeds.loading import FEEDS, STALE, Feeds, load
from netwatch.feeds.updating import URLS, Fetched, State, Urls, update

__all__ = ["FEEDS", "STALE", "URLS", "Cycle", "Feeds", "Fetched", "Known", "State", "Urls", "load", "update"]
