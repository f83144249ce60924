"""What does a container get that does the nights? The file that `docker compose` and a NAS read. Pure."""

from __future__ import annotations

COMPOSE = """\
# netwatch in a container: every night, each site file (*.toml) that lies in its volume.
# `docker compose up -d` builds and starts it; a Synology's Container Manager reads this file as a project.

services:
  netwatch:
    build: ..               # the folder that holds netwatch's Dockerfile
    image: netwatch
    command: ["loop", "/data"]
    restart: unless-stopped
    network_mode: host      # it must stand in the practice's network, not behind another
    cap_drop: [ALL]
    cap_add: [NET_RAW]      # to find devices by ARP, without root
    read_only: true         # the volume, and /tmp in memory, are all it can write to
    tmpfs: [/tmp]
    init: true
    stop_grace_period: 2m   # a scan that is stopped keeps what it saw
    environment:
      TZ: Europe/Paris      # the hours of the nights, and of the mails
    volumes:
      - netwatch:/data      # the site files and the database

volumes:
  netwatch:
"""
