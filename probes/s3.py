"""Does the object storage list its buckets to a stranger? Amazon S3 API: ListBuckets, error responses.

One page without a signature. A store that is locked says AccessDenied; one that would list its buckets to
anybody begins to, and we stop reading at the first. No name is kept. Where it stops: a bucket that is public
by itself is found only by its name, and we know none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Vantage
from netwatch.probe import OtherProtocol
from netwatch.web import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

OK, BEGINNING = 200, 1024  # bytes of the answer: its root, its owner, and whether a first bucket follows
LIST, BUCKET, ERROR = (
    b"<ListAllMyBucketsResult",
    b"<Bucket>",
    re.compile(rb"<Error>\s*<Code>([A-Za-z]{3,40})</Code>"),
)
LOCKED = {
    b"AccessDenied",
    b"AuthorizationHeaderMalformed",
    b"InvalidAccessKeyId",
    b"MissingAuthenticationToken",
    b"MissingSecurityHeader",
    b"SignatureDoesNotMatch",
}
PRODUCTS = ("MinIO", "SeaweedFS", "Garage", "AmazonS3")


@dataclass(frozen=True, slots=True)
class S3:
    """The beginning of one page. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "s3"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (9000,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where the web probe met it."""
        return doors(target, ("s3",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection in clear, one more where it wants TLS."""
        told, facts = page(egress, target.address, port, most=BEGINNING, patience=self.timeout)
        found = _recognised(told)
        if not found:
            raise told.trouble or OtherProtocol(b"HTTP/")
        yield target.observed(self.name, port, "s3", found | facts)
        if told.trouble and found["authentication"] == "unknown":
            raise told.trouble

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """One that lists to anybody; from outside, any."""
        if seen.protocol != "s3":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("s3-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("s3-reachable")


def _recognised(told: Page) -> Facts:
    """What it is, and whether it asks who we are. A list without a bucket is Ceph's answer to a stranger."""
    product = next((one for one in PRODUCTS if told.header("server").startswith(one)), None)
    error = ERROR.search(told.body)
    if told.status == OK and LIST in told.body:
        asked = "none" if BUCKET in told.body else "unknown"
    elif error:
        asked = "password" if error[1] in LOCKED else "unknown"
    elif product:
        asked = "unknown"
    else:
        return {}
    return {"product": product, "authentication": asked}


PROBE: ProbeFactory = S3
