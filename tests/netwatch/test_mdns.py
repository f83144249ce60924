"""What is asked over multicast DNS, and what of the answers is kept? Real devices are in test_real_names."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netwatch import mdns
from netwatch.mdns import PTR, SRV, TXT, A, facts, host, message, question, questions
from netwatch.model import Facts, Reason
from netwatch.probe import ProbeError

OWN, OTHER = "192.168.1.20", "192.168.1.30"
FLUSH = 0x8001  # class IN, and the bit that answers have
# As avahi 0.8 answers a question from a port that is not 5353.
BY_AVAHI = bytes.fromhex(
    "000784000001000300000000045f697070045f746370056c6f63616c00000c8001c00c000c00010000000a00161342726f7468657220"
    "4d46432d3931343043444ec00cc02d002100010000000a001800000000027"
    "70f42524e333030353543364632373946c016c055000100010000000a00040a4d0014"
)


def labels(*name: str | bytes) -> bytes:
    told = [one if isinstance(one, bytes) else one.encode() for one in name]
    return b"".join(bytes([len(one)]) + one for one in told) + b"\0"


def dotted(name: str) -> bytes:
    return labels(*name.split("."))


def record(name: bytes, kind: int, data: bytes, group: int = FLUSH) -> bytes:
    return name + struct.pack(">HHIH", kind, group, 120, len(data)) + data


def answer(*records: bytes, asked: bytes = b"", count: int | None = None, flags: int = 0x8400) -> bytes:
    counts = (1 if asked else 0, len(records) if count is None else count, 0, 0)
    return struct.pack(">6H", 7, flags, *counts) + asked + b"".join(records)


def pointer(name: str, to: bytes) -> bytes:
    return record(dotted(name), PTR, to)


def service(
    kind: str, *texts: str | bytes, at: str = "BRN3005.local", called: str = "Printer"
) -> list[bytes]:
    """A service as a device announces it."""
    name = labels(called, kind, "_tcp", "local")
    told = [one if isinstance(one, bytes) else one.encode() for one in texts]
    return [
        pointer(f"{kind}._tcp.local", name),
        record(name, SRV, struct.pack(">3H", 0, 0, 631) + dotted(at)),
        record(name, TXT, b"".join(bytes([len(one)]) + one for one in told) or b"\0"),
    ]


def address(name: str, at: str = OWN) -> bytes:
    return record(dotted(name), A, IPv4Address(at).packed)


def told(*records: bytes) -> Facts:
    return facts([answer(*records)], OWN)


PRINTER = (
    "txtvers=1",
    "rp=ipp/print",
    "ty=Brother MFC-9140CDN",
    "product=(Brother MFC-9140CDN series)",
    "note=Bureau de Mme Durand",
    "adminurl=http://BRN3005.local./net.html",
    "usb_MFG=Brother",
    "usb_MDL=MFC-9140CDN",
    "UUID=E3248000-80CE-11DB-8000-30055C6F279F",
)
SYNOLOGY = (
    "vendor=Synology",
    "model=RS815+",
    "serial=1760MRN646600",
    "version_major=6",
    "version_minor=1",
    "version_build=15266",
    "admin_port=5000",
    "mac_address=00:11:32:79:a1:55",
)
QNAP = (
    "accessType=http,accessPort=8080,model=TS-X12,displayModel=TS-412,fwVer=4.3.3,fwBuildNum=20170901,"
    "serialNum=Q132B03431,webPort=0"
)


def test_a_question_asks_one_name_and_wants_the_answer_for_itself() -> None:
    asked = question(("_ipp", "_tcp", "local"), 0x1234, unicast=True)
    assert (
        asked == bytes.fromhex("1234 0000 0001 0000 0000 0000") + b"\x04_ipp\x04_tcp\x05local\0\0\x0c\x80\x01"
    )
    assert question(("local",), 0)[-2:] == b"\0\x01"


def test_the_directory_and_each_telling_service_are_asked_for_once_and_nothing_else() -> None:
    asked = list(questions(7))
    assert asked[0][0] == "mDNS PTR _services._dns-sd._udp.local"
    assert len({packet for _, packet in asked}) == len(asked) <= 20
    for what, packet in asked:
        number, flags, one, *none = struct.unpack_from(">6H", packet)
        assert (number, flags, one, none) == (7, 0, 1, [0, 0, 0]), "a question, and nothing announced"
        assert dotted(what.removeprefix("mDNS PTR ")) + b"\0\x0c\x80\x01" == packet[12:]
    names = {what for what, _ in asked}
    assert {f"mDNS PTR _{one}._tcp.local" for one in (*mdns.KEYS, "smb", "dicom")} <= names


def test_avahi_s_own_answer_is_read() -> None:
    assert facts([BY_AVAHI], "10.77.0.20") == {"name": "BRN30055C6F279F", "services": "ipp"}


def test_a_printer_tells_its_model_its_maker_and_its_name_and_not_where_it_stands() -> None:
    assert told(*service("_ipp", *PRINTER), address("BRN3005.local")) == {
        "name": "BRN3005",
        "services": "ipp",
        "model": "Brother MFC-9140CDN",
        "maker": "Brother",
        "uuid": "e3248000-80ce-11db-8000-30055c6f279f",
        "told_by": "ipp",
    }


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        (
            "_http",
            SYNOLOGY,
            {"maker": "Synology", "model": "RS815+", "serial": "1760MRN646600", "version": "6.1-15266"},
        ),
        ("_qdiscover", [QNAP], {"model": "TS-412", "version": "4.3.3", "serial": "Q132B03431"}),
        (
            "_airplay",
            [
                "model=AppleTV6,2",
                "osvers=17.4",
                "fv=p20.1",
                "deviceid=58:55:CA:1A:E2:88",
                "manufacturer=Apple",
            ],
            {"model": "AppleTV6,2", "version": "17.4", "maker": "Apple"},
        ),
        ("_raop", ["am=AppleTV3,2", "vs=220.68"], {"model": "AppleTV3,2"}),
        (
            "_googlecast",
            ["MD=Chromecast Ultra", "fn=Salon de Martin", "md=Nest"],
            {"model": "Chromecast Ultra"},
        ),
        ("_hap", ["md=Bridge 2", "id=AA:BB:CC:DD:EE:FF"], {"model": "Bridge 2"}),
        (
            "_scanner",
            ["ty=Brother MFC-9140CDN", "mfg=Brother", "mdl=MFC-9140CDN"],
            {"model": "Brother MFC-9140CDN", "maker": "Brother"},
        ),
        (
            "_device-info",
            ["model=MacBookPro18,1", "osxvers=21"],
            {"model": "MacBookPro18,1", "osxvers": "21"},
        ),
    ],
)
def test_each_kind_of_device_is_known_by_its_own_texts(kind: str, texts: list[str], expected: Facts) -> None:
    seen = told(*service(kind, *texts))
    assert {
        key: value for key, value in seen.items() if key not in {"name", "services", "told_by"}
    } == expected
    assert seen["told_by"] == kind[1:]


@pytest.mark.parametrize(
    "texts",
    [
        ("_device-info", "model=Xserve"),
        ("_device-info", "model=MacSamba"),
        ("_ipp", "rp=printers/Accueil", "ty=HP LaserJet 4", "UUID=e3248000-80ce-11db-8000-30055c6f279f"),
        ("_printer", "rp=Accueil", "ty=HP LaserJet 4"),
        ("_http", "model=Something"),
        ("_ipp", "ty=Unknown"),
        ("_ipp", "ty=DUPONT Jean"),
        ("_ipp", "ty=Patient Martin"),
        ("_ipp", "ty=née le 12/03/1961"),
        ("_ssh", "ty=HP LaserJet 4", "model=X"),
        ("_ipp", "ty", "=HP", "", "nothing"),
    ],
)
def test_what_is_no_model_of_this_machine_is_not_taken_for_one(texts: tuple[str, ...]) -> None:
    assert set(told(*service(*texts))) == {"name", "services"}


def test_a_file_server_s_own_word_counts_before_the_picture_that_it_has_drawn() -> None:
    drawn = service("_device-info", "model=Xserve", called="nas(AFP)")
    assert told(*drawn, *service("_qdiscover", QNAP), *service("_ipp", *PRINTER))["model"] == "TS-412"


def test_digits_alone_are_no_serial_number() -> None:
    assert "serial" not in told(*service("_airplay", "model=X1", "serialNumber=1610375116001"))
    assert told(*service("_airplay", "model=X1", "serialNumber=C02XK1"))["serial"] == "C02XK1"


def test_a_machine_s_name_may_hold_a_person_s_and_a_service_s_name_is_not_kept() -> None:
    seen = told(*service("_smb", at="MacBook-de-Dr-Martin.local", called="Ordinateur de Paul Martin"))
    assert seen == {"name": "MacBook-de-Dr-Martin", "services": "smb"}


@pytest.mark.parametrize(
    "name",
    [
        "PC\u202eNIMDA",
        "PC\x1b[2J",
        "PC\x00",
        "PC\u200b1",
        "",
        "MARTIN^PAUL",
        "a b",
        "\ufffd",
        "-x",
        "x" * 64,
        "<b>",
    ],
)
def test_a_name_with_what_no_machine_s_name_has_is_none(name: str) -> None:
    assert host((name, "local")) is None


def test_services_come_from_the_directory_too_and_are_few() -> None:
    directory = [
        pointer("_services._dns-sd._udp.local", dotted(f"_{one}.local"))
        for one in ("ipp._tcp", "IPP._tcp", "sleep-proxy._udp", "a b._tcp", "x._sctp", "odd")
    ]
    assert told(*directory) == {"services": "ipp, sleep-proxy/udp"}
    many = [pointer("_services._dns-sd._udp.local", dotted(f"_s{n}._tcp.local")) for n in range(200)]
    assert str(told(*many)["services"]).count(",") == mdns.MOST_SERVICES - 1


def test_what_is_said_of_another_machine_is_not_this_one_s() -> None:
    sleeping = service("_airplay", "model=iMac18,3", at="sleeping.local", called="Sleeping")
    mine = service("_ssh", at="Awake.local", called="Awake")
    seen = told(*sleeping, address("SLEEPING.local", OTHER), *mine, address("Awake.local"))
    assert seen == {"name": "Awake", "services": "ssh"}


def test_an_answer_s_pieces_are_put_together() -> None:
    first, second = service("_ipp", *PRINTER)[:2], service("_ipp", *PRINTER)[2:]
    assert facts([answer(*first), b"rubbish", answer(*second)], OWN)["model"] == "Brother MFC-9140CDN"


def test_names_are_followed_where_they_are_compressed() -> None:
    asked = dotted("_ipp._tcp.local") + b"\0\x0c\0\x01"
    made = answer(record(b"\xc0\x0c", PTR, b"\x07Printer\xc0\x0c"), asked=asked)
    assert message(made)[2] == [
        mdns.Record(("_ipp", "_tcp", "local"), PTR, ("Printer", "_ipp", "_tcp", "local"))
    ]


@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x0c",  # itself
        b"\xc0\x0e",  # further on
        b"\x01a\xc0\x0c",
        b"\xff\xff",
        b"\x40" + b"a" * 64 + b"\0",
        b"\x80" + b"a" * 128 + b"\0",
        b"\x3fshort",
        b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\0",
    ],
)
def test_a_name_that_leads_round_or_nowhere_ends_the_reading(name: bytes) -> None:
    with pytest.raises(ProbeError) as caught:
        message(answer(record(name, PTR, b"\0")))
    assert caught.value.reason == Reason.PROTOCOL


def chain(pointers: int) -> bytes:
    """An answer whose second name is a pointer to a pointer, and so on, to the end of a name."""
    begins = 12 + 1 + 10  # behind the header, and the head of the record that holds them
    leads = [begins, *(begins + 1 + 2 * number for number in range(pointers))]
    held = b"\0" + b"".join(struct.pack(">H", 0xC000 | to) for to in leads[:-1])
    last = struct.pack(">H", 0xC000 | leads[-1])
    return answer(record(b"\0", 99, held), record(last, A, bytes(4)))


def test_a_chain_of_pointers_is_followed_for_a_while() -> None:
    assert message(chain(20))[2] == [mdns.Record((), A, address=IPv4Address(0))]
    for pointers in (40, 4000):
        with pytest.raises(ProbeError):
            message(chain(pointers))


def test_whatever_is_cut_off_is_not_believed() -> None:
    whole = answer(*service("_ipp", *PRINTER), address("BRN3005.local"))
    assert len(message(whole)[2]) == 4
    for end in range(len(whole)):
        with pytest.raises(ProbeError):
            message(whole[:end])


@pytest.mark.parametrize("flags", [0x0000, 0x8403, 0x9400])
def test_questions_and_errors_are_no_answers(flags: int) -> None:
    with pytest.raises(ProbeError):
        message(answer(address("a.local"), flags=flags))


@pytest.mark.parametrize(
    "lie",
    [
        record(dotted("a.local"), PTR, dotted("b.local")[:-3]) + b"cal\0",
        record(dotted("a.local"), PTR, b"\x09")[:-1] + b"\x09localhost\0",
        record(dotted("a.local"), SRV, b"\0\0"),
        record(labels("x", "_ipp", "_tcp", "local"), TXT, b"\xffshort"),
        record(dotted("a.local"), A, b"")[:-2] + b"\xff\xff",
    ],
)
def test_a_length_that_lies_ends_the_reading(lie: bytes) -> None:
    with pytest.raises(ProbeError):
        message(answer(lie))


def test_of_thousands_of_records_and_texts_a_few_are_read() -> None:
    thousands = answer(*[address("a.local")] * 5000)
    assert len(message(thousands)[2]) == mdns.MOST_RECORDS
    with pytest.raises(ProbeError):
        message(answer(address("a.local"), count=65_535))
    [texts] = message(answer(record(dotted("a.local"), TXT, b"\x01a" * 5000)))[2]
    assert len(texts.texts) == mdns.MOST_TEXTS


def test_records_of_other_classes_and_kinds_are_passed_over() -> None:
    odd = record(dotted("a.local"), A, bytes(4), group=3)
    long = record(dotted("a.local"), A, bytes(16))
    assert message(answer(odd, record(dotted("a.local"), 47, b"\xff\xff"), long, address("b.local")))[2] == [
        mdns.Record(("b", "local"), A, address=IPv4Address(OWN))
    ]


def safe(seen: Facts) -> None:
    for key, value in seen.items():
        assert isinstance(value, str)
        assert value.isprintable()
        assert 0 < len(value) <= (1000 if key == "services" else 63)


@given(st.lists(st.binary(max_size=600), max_size=4))
@example([BY_AVAHI])
def test_any_bytes_are_taken(answers: list[bytes]) -> None:
    safe(facts(answers, OWN))
    for one in answers:
        try:
            message(one)
        except ProbeError as error:
            assert error.reason == Reason.PROTOCOL  # noqa: PT017 - or it is read


@given(
    st.lists(st.binary(max_size=60), min_size=1, max_size=6),
    st.sampled_from([f"_{one}" for one in mdns.KEYS]),
)
def test_any_texts_and_names_come_out_short_and_printable(texts: list[bytes], kind: str) -> None:
    keys = [key.encode() for key in mdns.KEYS[kind[1:]]]
    given_as = [keys[n % len(keys)] + b"=" + text for n, text in enumerate(texts)] + [b"vendor=Synology"]
    name = record(labels("x", kind, "_tcp", "local"), SRV, bytes(6) + labels(texts[0][:63] or b"x", "local"))
    safe(told(name, *service(kind, *given_as)))


@given(st.data())
def test_a_message_in_which_bytes_were_changed_does_no_harm(data: st.DataObject) -> None:
    whole = bytearray(
        answer(*service("_ipp", *PRINTER), *service("_http", *SYNOLOGY), address("BRN3005.local"))
    )
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5)):
        whole[at] = data.draw(st.integers(0, 255))
    safe(facts([bytes(whole)], OWN))
