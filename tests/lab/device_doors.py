"""Which servers does a box with a plug bring along, and how does the lab start a real one of each?

SNMP agents, printers, telephones, cameras and web pages, as Debian 12 packages them; see doors.py for
how they are kept apart. Debian 12 has no live555 media server, so VLC is the camera.
"""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Literal

from tests.lab.doors import pair, room

if TYPE_CHECKING:
    from tests.lab.net import Host


def snmp(  # noqa: PLR0913 - what an agent can be
    host: Host,
    port: int = 161,
    *,
    community: str = "public",
    writable: bool = False,
    name: str = "accueil",
    old: bool = False,
) -> None:
    """net-snmp's agent, versions 1 and 2c, for who knows the community. `old`: version 1 alone, and of all
    that it has only sysDescr."""
    here = room(host, "snmp", port)
    here.make("state")
    rights = "rwcommunity" if writable else "rocommunity"
    told = f"sysLocation Salle 2\nsysContact Cabinet\nsysName {name}\n"
    reads = OLD_AGENT.format(community=community) if old else f"{rights} {community}\n"
    conf = here.write("snmpd.conf", reads + told)
    # without smux, which would listen on a port of its own
    argv = f"/usr/sbin/snmpd -f -Lo -I -smux -C -c {conf} -p /run/pid udp:0.0.0.0:{port}".split()
    here.start(argv, port, udp=True, env={"SNMP_PERSISTENT_DIR": f"{here.path}/state", "MIBS": ""})


OLD_AGENT = """\
com2sec reader default {community}
group readers v1 reader
view little included .1.3.6.1.2.1.1.1
access readers "" v1 noauth exact little none none
"""


def printer(host: Host, port: int = 631) -> None:
    """A printer that speaks IPP, and throws away what it is given."""
    here = room(host, "printer", port)
    here.make("spool")
    bus = here.make("run/dbus") / "system_bus_socket"
    # it will not start without a bus to look for avahi on; that avahi is not there does not bother it
    here.start(["/usr/bin/dbus-daemon", "--nofork", "--config-file", here.write("bus.conf", BUS)], None)
    here.wait(bus.exists)
    flags = f"-r off -p {port} -d {here.path}/spool -K {here.path} -M Cabinet -m P1".split()
    here.start(["/usr/sbin/ippeveprinter", *flags, "Imprimante"], port, env={"HOME": here.path})


BUS = """\
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/></policy>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
"""


def sip(host: Host, port: int = 5060) -> None:
    """Kamailio, which answers OPTIONS, over UDP and TCP."""
    here = room(host, "sip", port)
    conf = here.write("kamailio.cfg", SIP.format(port=port))
    here.start(f"/usr/sbin/kamailio -DD -E -P /run/pid -Y /run -m 16 -M 4 -f {conf}".split(), port)


SIP = """\
children=1
listen=udp:0.0.0.0:{port}
listen=tcp:0.0.0.0:{port}
auto_aliases=no
dns=no
rev_dns=no
loadmodule "sl.so"
request_route {{
    if (method == "OPTIONS") {{ sl_send_reply("200", "OK"); exit; }}
    sl_send_reply("404", "Not Found");
}}
"""


def rtsp(host: Host, port: int = 8554, *, password: str | None = None) -> None:
    """VLC as a camera: `/live` is for whoever asks, or knows the password. Nothing is seen or heard."""
    here = room(host, "rtsp", port, user="nobody")  # it will not run as root
    with wave.open(str(here.folder / "silence.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000 * 60))
    out = f"#rtp{{sdp=rtsp://:{port}/live}}"
    secret = [] if password is None else ["--sout-rtsp-user", "doctor", "--sout-rtsp-pwd", password]
    argv = f"/usr/bin/vlc -I dummy --no-plugins-cache --loop --sout-keep --sout {out}".split()
    here.start([*argv, *secret, f"{here.path}/silence.wav"], port, env={"HOME": here.path})


def web(
    host: Host, port: int = 80, *, tls: Literal["none", "modern", "old"] = "none", days: float = 30
) -> None:
    """nginx; `/` is a page, `/files/` a listing, `/closed/` wants a password, `/dav/` takes what it is sent.

    `tls`: with a self-signed certificate, valid for `days`; `old`: TLS 1.0 and 1.1 alone.
    """
    here = room(host, "web", port)
    for folder in ("pages", "pages/files", "pages/closed", "pages/dav", "temporary"):
        here.make(folder)
    here.write("pages/index.html", "<title>Cabinet</title>\n", 0o644)
    here.write("pages/files/letter.txt", "not a secret\n", 0o644)
    here.write("passwords", "doctor:{PLAIN}not-a-secret\n", 0o644)
    lines = ""
    if tls != "none":
        key, certificate = pair(here, days=days)
        lines = f"ssl_certificate {certificate};\nssl_certificate_key {key};\n" + PROTOCOLS[tls]
    conf = WEB.format(port=port, here=here.path, ssl="" if tls == "none" else "ssl", tls=lines)
    here.start(["/usr/sbin/nginx", "-c", here.write("nginx.conf", conf), "-e", "stderr"], port)


PROTOCOLS = {
    "modern": "ssl_protocols TLSv1.2 TLSv1.3;\n",
    "old": "ssl_protocols TLSv1 TLSv1.1;\nssl_ciphers ALL:@SECLEVEL=0;\n",
}

WEB = """\
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
daemon off;
user root;
pid /run/pid;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    types {{ text/html html; text/plain txt; }}
    access_log off;
    client_body_temp_path {here}/temporary/body;
    proxy_temp_path {here}/temporary/proxy;
    fastcgi_temp_path {here}/temporary/fastcgi;
    uwsgi_temp_path {here}/temporary/uwsgi;
    scgi_temp_path {here}/temporary/scgi;
    server {{
        listen {port} {ssl};
        {tls}
        root {here}/pages;
        location /files/ {{ autoindex on; }}
        location /closed/ {{ auth_basic "Cabinet"; auth_basic_user_file {here}/passwords; }}
        location /dav/ {{ dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS; }}
    }}
}}
"""
