"""What of a peer's words may be kept? Short, printable, and nothing that could be a patient.

Promise 1: a page's title, a share's name or a banner may hold a patient's name. What has the shape of one is
not kept at all; the shapes are few and wide, because a lost title costs nothing. Two words side by side are
somebody's name unless one of them is a word of the trade (WORDS); how they are written does not matter.
Where it stops: one word alone, such as MARTIN, cannot be told from a machine's name and is kept.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80  # characters of a fact
# Makers of printers, cameras and telephones, and their programs: a name that begins so is a model, as "EPSON
# Stylus", and nobody's.
MAKERS = frozenset({
    "aastra", "alcatel", "asterisk", "avaya", "axis", "bosch", "brother", "canon", "cisco", "dahua",
    "dell", "develop", "epson", "fanvil", "foscam", "fujifilm", "gigaset", "grandstream", "gstreamer",
    "hanwha", "helix", "hikvision", "hipcam", "hp", "icatch", "konica", "kyocera", "lexmark", "live555",
    "mitel", "mobotix", "oki", "olivetti", "panasonic", "polycom", "reolink", "ricoh", "rtsp",
    "samsung", "sharp", "siemens", "snom", "sony", "toshiba", "utax", "vivotek", "vlc", "xerox",
    "yealink", "zebra",
})  # fmt: skip
# Words of machines, programs, networks and practices, nobody's forename and hardly a surname.
WORDS = MAKERS | {
    "a", "acces", "access", "account", "accueil", "accès", "adaptive", "adm", "admin", "administrateur",
    "administration", "administrator", "ae", "agent", "an", "apache", "api", "app", "appliance",
    "application", "area", "at", "au", "audio", "authentication", "authorization", "aux", "backup",
    "base", "bbox", "be", "bienvenue", "bind", "biologie", "bitrix", "bmc", "board", "box", "bureau",
    "business", "by", "bytel", "ca", "cabinet", "camera", "caméra", "cardio", "cardiologie", "center",
    "central", "centre", "certificate", "ch", "chez", "chu", "client", "clinic", "clinique", "cloud",
    "cluster", "co", "color", "colour", "com", "common", "commun", "commune", "company", "compta",
    "config", "configuration", "connect", "connection", "connexion", "console", "control", "controller",
    "copie", "corp", "corporation", "dans", "data", "database", "ddns", "de", "debian", "default", "demo",
    "dentaire", "dental", "desktop", "device", "dhcp", "dicom", "digital", "disk", "diskstation", "dns",
    "documents", "domain", "dome", "dvr", "dyndns", "ecosys", "edge", "edition", "embedded", "en", "engine",
    "enterprise", "entreprise", "env", "environment", "error", "es", "espace", "est", "et", "ethernet",
    "eu", "example", "exchange", "explorer", "express", "fbxos", "fichiers", "file", "files", "firewall",
    "firmware", "for", "foundation", "fr", "free", "freebox", "from", "front", "ftp", "gateway",
    "generic", "gestion", "gmbh", "group", "groupe", "guest", "has", "health", "hewlett", "home",
    "hopital", "hospital", "host", "http", "https", "hub", "hôpital", "idrac", "ilo", "imagerie",
    "images", "imaging", "imprimante", "in", "inc", "index", "info", "information", "infrastructure",
    "install", "interface", "internet", "into", "intranet", "invalid", "io", "ip", "ipmi", "irm", "is",
    "iscsi", "it", "jetdirect", "kvm", "lab", "lan", "laserjet", "library", "light", "limited", "link",
    "linux", "livebox", "llc", "local", "localdomain", "localhost", "log", "login", "logon", "ltd", "lu",
    "mabbox", "mac", "mail", "main", "management", "manager", "media", "medical", "medicale", "mfp",
    "microsoft", "minolta", "mobile", "modem", "monitor", "multi", "myfritz", "mysql", "médical",
    "médicale", "nas", "net", "network", "networking", "networks", "nginx", "nl", "none", "nos", "not",
    "notre", "ntp", "nvr", "of", "off", "office", "officejet", "on", "one", "online", "only", "open",
    "or", "org", "orthanc", "os", "our", "out", "packard", "pacs", "page", "panel", "par", "partage",
    "password", "pc", "phone", "photo", "php", "pixma", "platform", "please", "plus", "portail", "portal",
    "poste", "pour", "power", "print", "printer", "printing", "pro", "professional", "protocol",
    "proxmox", "proxy", "ptz", "public", "qnap", "que", "qui", "quickconnect", "radio", "radiologie",
    "raspberry", "raspberrypi", "re", "ready", "recorder", "release", "remote", "required", "restricted",
    "rom", "room", "router", "routeros", "salle", "sans", "sarl", "scan", "scanner", "secretariat",
    "secrétariat", "secure", "security", "series", "serv", "server", "serveur", "service", "services",
    "session", "setup", "sfr", "share", "sign", "signin", "site", "smart", "smb", "software", "solutions",
    "sql", "ssh", "ssl", "standard", "station", "stockage", "storage", "studio", "stylus", "support",
    "sur", "switch", "synology", "system", "systems", "sécurité", "tech", "telecom", "telnet", "terminal",
    "test", "the", "this", "tls", "to", "tomcat", "tool", "tools", "tv", "type", "ubuntu", "uk", "under",
    "unifi", "unit", "unix", "up", "us", "user", "users", "utilisateur", "vers", "version", "video",
    "view", "viewer", "virtual", "vm", "vmware", "vnc", "voip", "votre", "vpn", "wan", "web", "webmin",
    "welcome", "wifi", "win", "wlan", "windows", "wireless", "with", "workforce", "workgroup", "workspace",
    "workstation", "xps", "you", "your", "à",
}  # fmt: skip
# They stand between two parts of a name, and say nothing of what they join.
BETWEEN = frozenset({
    "d", "da", "dal", "de", "del", "della", "den", "der", "des", "di", "dit", "do", "du", "e", "el", "et",
    "l", "la", "le", "les", "van", "von", "y",
})  # fmt: skip
# Long words that stand in versions; shorter ones than four letters are as they come.
STAGES = frozenset({
    "alpha", "beta", "build", "community", "current", "debian", "dfsg", "edge", "enterprise", "final",
    "fips", "generic", "mariadb", "preview", "release", "server", "snapshot", "stable", "ubuntu",
    "windows",
})  # fmt: skip

_WORD = re.compile(r"[^\W_]+")
_NUMBER = 5  # digits in a row, at most, in a version
_SHORT = 3  # letters that anything may be
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_MONTHS = "janv?|f[ée]vr?|feb|mar|mars|avr|apr|mai|may|juin|june?|juil|july?|ao[uû]t|aug|sept?|oct|nov|d[ée]c"
# A date with its century, and a French number of social security with any separators.
_DATED = re.compile(
    rf"""
    (?<!\d)(?:{_DAY}\W{_MONTH}|{_MONTH}\W{_DAY})\W{_YEAR}(?!\d)
  | (?<!\d)(?:{_DAY}_{_MONTH}|{_MONTH}_{_DAY})_{_YEAR}(?!\d)
  | (?<!\d){_YEAR}[\W_]{_MONTH}[\W_]{_DAY}(?!\d)
  | (?<!\d)[12](?:[\W_]{{0,2}}\d\d){{2}}[\W_]{{0,2}}(?:\d\d|2[AB])(?:[\W_]{{0,2}}\d{{3}}){{2}}
  | (?<!\d)0[1-9](?:[\W_]?\d\d){{4}}(?!\d)
    """,
    re.VERBOSE | re.IGNORECASE,
)
# A DICOM name, a long number, a date without its century or with a month's name, a word that announces a
# person.
_RECORD = re.compile(
    rf"""
    [\^\ufffd]
  | \d(?:[ .-]?\d){{5,}}
  | \d(?:[\W_]{{0,2}}\d){{9,}}
  | (?<![\d.])(?:0[1-9]|[12]\d|3[01])[-/.](?:0[1-9]|1[0-2])[-/.]\d\d(?!\.?\d)
  | (?<!\d){_DAY}/{_MONTH}/\d\d(?!\d)
  | (?<!\d){_DAY}(?:er)?[\W_]?(?:{_MONTHS})[a-z]*[\W_]{{0,2}}\d{{2,4}}(?!\d)
  | \b(?:patient|dossier|naissance)
  | \b(?:n[ée]e?|born|birth|dob|mme|mr|mrs|madame|monsieur|mlle|docteur)\b
  | \bdr\b\.?[ ]+\w
    """,
    re.VERBOSE | re.IGNORECASE,
)
# "M. Dupont", "J.Dupont"; "Dupont J.".
_INITIAL = re.compile(
    r"\b([^\W\d_])(?:\.[ ]?|[ ]+)([^\W\d_]{3,})|\b([^\W\d_]{3,})[\W_]{1,2}([^\W\d_])(?![^\W_])"
)
# A date of birth without anything between its parts, and the word that announces a patient's name.
_BORN = re.compile(
    rf"(?<!\d)(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2]){_YEAR})(?!\d)"
)
_PATIENT = re.compile(r"(?<![^\W_])(?:patiente?|dossier)[\W_]+([^\W\d_]{3,})", re.IGNORECASE)
_HOST = re.compile(r"(?:\*\.)?\w(?:[\w.-]*\w)?\.?")


def plain(told: bytes | str, most: int = LONGEST) -> str | None:
    """Their words on one line, printable, cut; None where nothing is left."""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 4 * most])
    return " ".join(text.split())[:most].strip() or None


def discreet(told: bytes | str, most: int = LONGEST, *, strict: bool = True) -> str | None:
    """As `plain`, and None where it has the shape of a person's name or of a record.

    Not `strict`: two words are somebody's only where they are written as SURNAME Forename or joined by a
    comma. That is for what stands behind a maker's name.
    """
    text = plain(told, 4 * most)
    if text is None or _RECORD.search(text) or _DATED.search(text) or _named(text, strict=strict):
        return None
    return text[:most].strip()


def lettered(told: str) -> bool:
    """Is nothing of it written as a person's name or a date? Of words whose numbers are known to be a
    machine's."""
    return not (_DATED.search(told) or "^" in told or _named(told, strict=False))


def recorded(told: str) -> bool:
    """Has this name of a machine the shape of a record: a patient announced, a date, a long number? Two words
    side by side are usual in it, and prove nothing."""
    patient = any(not _known(found[1]) for found in _PATIENT.finditer(told))
    return patient or "^" in told or bool(_DATED.search(told) or _BORN.search(told))


def common(told: bytes | str, most: int = LONGEST) -> str | None:
    """As `discreet`, and None unless every word of it is known: for what anybody may have typed in."""
    text = discreet(told, most)
    words = re.findall(r"[^\W\d_]+", text or "")
    return text if all(len(word) == 1 or _known(word) or word.lower() in BETWEEN for word in words) else None


def hostname(told: bytes | str, most: int = 60) -> str | None:
    """The name of a machine or of a network, where it has the shape of one, and not of a person's."""
    text = discreet(told, max(most, LONGEST))
    return text[:most] if text and _HOST.fullmatch(text) else None


def model(told: bytes | str, most: int = 60) -> str | None:
    """What a device calls itself: behind a maker's name what no record can be, else what no person can be."""
    maker, _, rest = (plain(told, most) or "").partition(" ")
    if maker.lower() not in MAKERS:
        return discreet(f"{maker} {rest}", most)
    return f"{maker} {discreet(rest, most, strict=False) or ''}".strip()


def version(said: bytes | str, pattern: str, most: int = 40) -> str | None:
    """The first group of this pattern in their words, as far as it is made of what versions are made of.

    It ends before a number or a word that is too long for one.
    """
    text = plain(said, 1000)
    found = re.search(pattern, text) if text else None
    if found is None or not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+~_:-]*", found[1]):
        return None
    told = re.sub(r"^(20\d\d\.\d\d)\.\d\d$", r"\1", found[1])  # LIVE555 counts in days
    if _DATED.search(told) or _named(told, strict=True):
        return None
    kept = ""
    for part in re.findall(r"[.+~_:-]*[0-9A-Za-z]+|[.+~_:-]+$", told):
        if not all(map(_fits, re.findall(r"\d+|[A-Za-z]+", part))):
            break
        kept += part
    return kept[:most] or None


def _fits(run: str) -> bool:
    """May these digits, or these letters, stand in a version?"""
    return len(run) <= (_NUMBER if run.isdigit() else _SHORT) or run.lower() in STAGES


def _named(text: str, *, strict: bool) -> bool:
    """Are there two words side by side that nobody knows, or one and an initial?"""
    text = unicodedata.normalize("NFC", text)
    if strict and any(_initialled(*found.groups()) for found in _INITIAL.finditer(text)):
        return True
    before, ended = "", 0
    for found in _WORD.finditer(text):
        word = found[0]
        if word.isdigit() or word.lower() in BETWEEN:
            continue
        if not word.isalpha() or len(word) == 1 or _known(word):
            before = ""
            continue
        if before and (strict or _written(before, word, text[ended : found.start()])):
            return True
        before, ended = word, found.end()
    return False


def _initialled(first: str | None, name: str | None, surname: str | None, last: str | None) -> bool:
    initial, word = first or last or "", name or surname or ""
    return initial.isupper() and not _known(word) and word.lower() not in BETWEEN


def _written(first: str, second: str, between: str) -> bool:
    """SURNAME Forename, Forename SURNAME; Surname, Forename."""
    shout = [len(word) > 2 and word.isupper() for word in (first, second)]  # noqa: PLR2004 - "HP Color" is none
    title = [word.istitle() for word in (first, second)]
    return (shout[0] and title[1]) or (title[0] and shout[1]) or ("," in between and all(title))


def _known(word: str) -> bool:
    return word.lower() in WORDS or word.lower() in STAGES
