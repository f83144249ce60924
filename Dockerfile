# netwatch with Debian's Python and Debian's nmap, for a machine inside the practice:
#
#     make image                               # build it, and try it for real (Docker, or buildah as root)
#     docker compose -f docs/compose.yaml up -d  # every night (docs/schedule.md)
#
# One scan by hand: docker run --rm --network host --cap-drop ALL --cap-add NET_RAW --read-only --tmpfs /tmp \
#     -e TZ=Europe/Paris -v netwatch:/data netwatch scan /data/practice.toml
#
# NET_RAW is the one capability: it lets nmap use ARP without root. Docker grants it by itself, Podman does not; without
# it this image's nmap does not start, and netwatch tries the ports itself, more slowly. The same happens with
# no-new-privileges, which takes from nmap what its file carries. TZ is for the hours of nights, mails and reports.
#
# The recipe installs nmap from Debian's packages on your machine. nmap's licence has conditions for those who
# distribute it together with other programs: read it before you publish an image made from this file.

FROM debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
RUN python3 -m venv /opt/netwatch
WORKDIR /src
COPY constraints.txt ./
COPY pyproject.toml README.md LICENSE ./
COPY netwatch netwatch
COPY probes probes
COPY reports reports
# What installs is not wanted where it runs: 25 MB less, and nothing there that fetches programs.
RUN /opt/netwatch/bin/pip install --no-cache-dir -c constraints.txt . \
    && /opt/netwatch/bin/pip uninstall --yes setuptools pip

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcap2-bin nmap python3 tzdata \
    && setcap cap_net_raw+eip /usr/bin/nmap \
    && apt-get purge -y --auto-remove libcap2-bin \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --system --uid 10001 --home-dir /data --no-create-home netwatch \
    && install -d -o netwatch -g netwatch -m 700 /data
COPY --from=build /opt/netwatch /opt/netwatch

ENV NETWATCH_DATA=/data \
    PATH=/opt/netwatch/bin:$PATH \
    PYTHONUNBUFFERED=1
USER netwatch
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=5m --timeout=1m --start-period=2m CMD ["netwatch", "loop", "/data", "--check"]
ENTRYPOINT ["netwatch"]
CMD ["loop", "/data"]
