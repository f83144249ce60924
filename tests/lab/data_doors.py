"""Which servers give files and records away, and how does the lab start a real one of each?

Shares, transfers and databases, as Debian 12 packages them; see doors.py for how they are kept apart.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from tests.lab.doors import pair, room

if TYPE_CHECKING:
    from tests.lab.net import Host


def samba(
    host: Host,
    port: int = 445,
    *,
    oldest: Literal["NT1", "SMB2", "SMB3_00", "SMB3"] = "SMB2",
    signing: Literal["default", "mandatory", "disabled"] = "default",
    guest: bool | Literal["listing"] = False,
) -> None:
    """Samba with two shares, `images` and `scans`, on one port alone (139: with NetBIOS around it).

    `guest`: every stranger is let in, into both; `listing`, as Samba is delivered: a stranger is told which
    shares there are, and enters none. NT1 is what people call SMB1, and SMB3 is 3.1.1 alone.
    """
    here = room(host, "samba", port)
    for folder in ("run/samba", "private", "state", "images", "scans"):
        here.make(folder)
    conf = here.write(
        "smb.conf",
        SAMBA.format(
            port=port,
            here=here.path,
            oldest=oldest,
            signing=signing,
            guest="bad user" if guest is True else "never",
            open="yes" if guest is True else "no",
            anonymous="0" if guest else "2",
        ),
    )
    here.start(["/usr/sbin/smbd", "--foreground", "--no-process-group", "--debug-stdout", "-s", conf], port)


def impacket(host: Host, port: int = 445, *, modern: bool = True, password: str | None = None) -> None:
    """The SMB server that box makers and intruders script, with two shares; `modern` False: SMB1 alone.

    It signs nothing. Without a password whoever comes is let in.
    """
    here = room(host, "impacket", port)
    options = [str(port), str(here.make("images")), str(here.make("scans")), str(modern), password or ""]
    host.start([sys.executable, "-c", IMPACKET, *options], root=False, ready_port=port)


IMPACKET = """\
import sys
from impacket.ntlm import compute_lmhash, compute_nthash
from impacket.smbserver import SimpleSMBServer
port, images, scans, modern, password = sys.argv[1:]
server = SimpleSMBServer("0.0.0.0", int(port))
server.addShare("IMAGES", images)
server.addShare("SCANS", scans)
server.setSMB2Support(modern == "True")
if password:
    server.addCredential("doctor", 0, compute_lmhash(password).hex(), compute_nthash(password).hex())
    server.getServer()._SMBSERVER__anonymousLogon = False  # what its command line has an option for
server.start()
"""


def netbios(host: Host, name: str = "CABINET") -> None:
    """Samba's nmbd, which says its name to whoever asks on 137/udp."""
    here = room(host, "netbios", 137)
    for folder in ("run/samba", "private", "state"):
        here.make(folder)
    conf = here.write("smb.conf", NETBIOS.format(here=here.path, name=name))
    here.start(
        ["/usr/sbin/nmbd", "--foreground", "--no-process-group", "--debug-stdout", "-s", conf], 137, udp=True
    )


_PLACES = """\
lock directory = {here}/state
state directory = {here}/state
cache directory = {here}/state
private dir = {here}/private
pid directory = {here}/run
ncalrpc dir = {here}/run/ncalrpc
"""

NETBIOS = f"[global]\nnetbios name = {{name}}\nworkgroup = CABINET\n{_PLACES}"

SAMBA = f"""\
[global]
server role = standalone server
workgroup = CABINET
smb ports = {{port}}
disable netbios = yes
server min protocol = {{oldest}}
server signing = {{signing}}
map to guest = {{guest}}
restrict anonymous = {{anonymous}}
guest account = nobody
load printers = no
printcap name = /dev/null
disable spoolss = yes
{_PLACES}
[images]
path = {{here}}/images
guest ok = {{open}}
read only = no
[scans]
path = {{here}}/scans
guest ok = {{open}}
"""


def ftp(host: Host, port: int = 21, *, anonymous: bool = False, tls: bool = False) -> None:
    """vsftpd; `tls`: it offers AUTH TLS, and takes no name without it."""
    here = room(host, "ftp", port)
    here.make("public", 0o555)
    here.make("run/vsftpd/empty")
    key, certificate = pair(here)
    conf = FTP.format(
        port=port,
        here=here.path,
        anonymous="YES" if anonymous else "NO",
        tls="YES" if tls else "NO",
        key=key,
        certificate=certificate,
    )
    here.start(["/usr/sbin/vsftpd", here.write("vsftpd.conf", conf)], port)


FTP = """\
listen=YES
listen_port={port}
background=NO
anonymous_enable={anonymous}
local_enable=YES
anon_root={here}/public
secure_chroot_dir=/run/vsftpd/empty
seccomp_sandbox=NO
ssl_enable={tls}
rsa_cert_file={certificate}
rsa_private_key_file={key}
"""


def tftp(host: Host, port: int = 69) -> None:
    """tftpd-hpa, with one file to give: `config.txt`."""
    here = room(host, "tftp", port)
    here.make("files")
    here.write("files/config.txt", "not a secret\n", 0o644)
    here.start(
        ["/usr/sbin/in.tftpd", "-L", "-a", f":{port}", "-u", "tftp", "-s", f"{here.path}/files"],
        port,
        udp=True,
    )


def rsync(host: Host, port: int = 873) -> None:
    """A daemon with two modules, which it names to whoever asks.

    `images` is open to all, `letters` wants a password.
    """
    here = room(host, "rsync", port)
    here.make("images")
    here.make("letters")
    secrets = here.write("secrets", "doctor:not-a-secret\n")
    conf = here.write("rsyncd.conf", RSYNC.format(here=here.path, secrets=secrets))
    here.start(["/usr/bin/rsync", "--daemon", "--no-detach", f"--port={port}", f"--config={conf}"], port)


RSYNC = """\
use chroot = no
uid = root
gid = root
[images]
path = {here}/images
comment = Pictures of the practice
[letters]
path = {here}/letters
auth users = doctor
secrets file = {secrets}
"""


def redis(host: Host, port: int = 6379, *, password: str | None = None, protected: bool = False) -> None:
    """Redis; `protected`: it listens, and turns away whoever is not on the host."""
    here = room(host, "redis", port)
    secret = [] if password is None else ["--requirepass", password]
    mode = "yes" if protected else "no"
    flags = ["--bind", "*", "--save", "", "--dir", here.path]
    argv = ["/usr/bin/redis-server", "--port", str(port), "--protected-mode", mode, *flags, *secret]
    here.start(argv, port)


def postgresql(
    host: Host,
    port: int = 5432,
    *,
    method: Literal["scram-sha-256", "trust", "md5", "password"] = "scram-sha-256",
) -> None:
    """PostgreSQL 15; `method`: what a stranger must show (`trust`: nothing)."""
    here = room(host, "postgresql", port, user="postgres")
    programs = "/usr/lib/postgresql/15/bin"
    data = f"{here.path}/data"
    here.run([f"{programs}/initdb", "-D", data, "--no-sync", "--no-locale", "-E", "UTF8", "--auth=trust"])
    rules = f"local all all trust\nhost all all all {method}\n"
    flags = f"hba_file={here.write('pg_hba.conf', rules, 0o644)} listen_addresses=* fsync=off jit=off"
    settings = [word for flag in f"{flags} unix_socket_directories=/run".split() for word in ("-c", flag)]
    here.start([f"{programs}/postgres", "-D", data, "-p", str(port), *settings], port)


def mariadb(host: Host, port: int = 3306, *, password: str | None = None) -> None:
    """MariaDB, whose root may come from anywhere, with this password or with none at all."""
    here = room(host, "mariadb", port)
    data = here.make("data")
    (data / "mysql").mkdir()
    scripts = here.host.lab.root / "usr" / "share" / "mysql"
    sql = [(scripts / f"mysql_system_tables{part}.sql").read_text() for part in ("", "_data")]
    grant = f"create user root@'%' identified by '{password or ''}';\ngrant all on *.* to root@'%';\n"
    base = ["/usr/sbin/mariadbd", "--no-defaults", "--user=root", f"--datadir={here.path}/data"]
    base += ["--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M"]
    here.run([*base, "--bootstrap"], stdin="use mysql;\n" + "".join(sql) + "flush privileges;\n" + grant)
    here.start([*base, f"--port={port}", "--socket=/run/socket", "--pid-file=/run/pid"], port)


def memcached(host: Host, port: int = 11211) -> None:
    """memcached, which knows no password."""
    room(host, "memcached", port).start(["/usr/bin/memcached", "-u", "root", "-p", str(port)], port)


def firebird(host: Host, port: int = 3050) -> None:
    """Firebird 3, the database under many a practice's software. It has no users, so nobody gets in."""
    here = room(host, "firebird", port)
    here.make("run/firebird")
    here.start(["/usr/sbin/firebird", "-p", str(port)], port)


def rpcbind(host: Host) -> None:
    """The portmapper, on 111, TCP and UDP."""
    room(host, "rpcbind", 111).start(["/usr/sbin/rpcbind", "-f", "-w"], 111)


def nfs(host: Host, port: int = 2049) -> None:
    """rpcbind, and NFS-Ganesha with one export, `/images`, that anybody may mount."""
    rpcbind(host)
    here = room(host, "nfs", port)
    here.make("run/ganesha")
    conf = here.write("ganesha.conf", NFS.format(port=port, here=here.path))
    argv = ["/usr/bin/ganesha.nfsd", "-F", "-L", "STDERR", "-f", conf, "-p", "/run/pid", "-N", "EVENT"]
    here.start(argv, port)


NFS = """\
NFS_CORE_PARAM {{
    NFS_Port = {port}; MNT_Port = 20048; Protocols = 3, 4; Enable_NLM = false; Enable_RQUOTA = false;
}}
NFSv4 {{ RecoveryRoot = "{here}"; Graceless = true; }}
EXPORT {{
    Export_Id = 1;
    Path = "/images";
    Pseudo = "/images";
    Access_Type = RO;
    Protocols = 3, 4;
    SecType = sys;
    FSAL {{ Name = MEM; }}
}}
"""


def iscsi(host: Host, port: int = 3260) -> None:
    """tgtd, with one target that any initiator may use."""
    here = room(host, "iscsi", port)
    here.make("run/tgtd")
    here.start(["/usr/sbin/tgtd", "-f", "--iscsi", f"portal=0.0.0.0:{port}"], port)
    disk = here.write("disk", "\0" * 65536)
    for order in (
        f"--op new --mode target --tid 1 -T {TARGET}",
        f"--op new --mode logicalunit --tid 1 --lun 1 -b {disk}",
        "--op bind --mode target --tid 1 -I ALL",
    ):
        here.run(["/usr/sbin/tgtadm", "--lld", "iscsi", *order.split()])


TARGET = "iqn.2020-01.example.cabinet:images"
