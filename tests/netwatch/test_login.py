from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import OutsideError
from netwatch.hostkeys import fingerprint
from netwatch.internet import OutsideSettings
from netwatch.login import login, private_key
from netwatch.model import Reason
from netwatch.words import LANGUAGES, Messages, messages
from tests.lab.peers import Over, Peer, Talk
from tests.lab.sshpeer import SshPeer, new_key

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("ed25519", "ecdsa", "rsa")


def refused(settings: OutsideSettings, seconds: float = 5.0) -> OutsideError:
    """The error that it ends with, which has a sentence in both languages."""
    with pytest.raises(OutsideError) as error:
        login(settings, None, seconds).close()
    for language in LANGUAGES:
        assert messages(language)(error.value.message, **error.value.details)
    return error.value


def test_a_server_that_is_known_lets_us_in_with_a_key_and_no_password_is_ever_tried(tmp_path: Path) -> None:
    with SshPeer(tmp_path) as peer:
        carrier = login(peer.settings(), None, 5)
        assert carrier.is_authenticated()
        assert carrier.at == ("127.0.0.1", peer.port)
        carrier.close()
        assert set(peer.logins) == {"key netwatch"}


def test_an_ipv6_server_in_brackets_is_reached(tmp_path: Path) -> None:
    with SshPeer(tmp_path, address="127.0.0.1") as peer, socket.socket(socket.AF_INET6) as door:
        door.bind(("::1", 0))
        door.listen(1)

        def carry() -> None:
            into, _ = door.accept()
            with into, socket.create_connection((peer.address, peer.port)) as out:
                back = threading.Thread(target=pump, args=(out, into), daemon=True)
                back.start()
                pump(into, out)
                back.join(5)

        def pump(one: socket.socket, other: socket.socket) -> None:
            try:
                while data := one.recv(4096):
                    other.sendall(data)
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        carrying = threading.Thread(target=carry, daemon=True)
        carrying.start()
        port = door.getsockname()[1]
        key = fingerprint(peer.keys["ed25519"].asbytes())
        carrier = login(peer.settings(ssh=f"netwatch@[::1]:{port}", host_key=key), None, 5)
        assert carrier.at == ("::1", port)
        carrier.close()
        carrying.join(5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_one_key_that_is_known_is_asked_for_though_the_server_has_three(
    kind: str, tmp_path: Path
) -> None:
    with SshPeer(tmp_path, kinds=KINDS) as peer:
        for settings in (
            peer.settings(known_hosts=str(peer.known_hosts(kind))),
            peer.settings(host_key=fingerprint(peer.keys[kind].asbytes())),
        ):
            carrier = login(settings, None, 10)
            assert carrier.get_remote_server_key() == peer.keys[kind]
            carrier.close()


def test_a_server_that_nobody_knows_is_not_logged_in_to_and_its_fingerprint_is_told(tmp_path: Path) -> None:
    nobody = tmp_path / "empty"
    nobody.touch()
    with SshPeer(tmp_path) as peer:
        error = refused(peer.settings(known_hosts=str(nobody)))
        assert (error.message, error.reason) == ("vantage.host-key-unknown", Reason.UNPROVED)
        assert error.details["shown"] == fingerprint(peer.keys["ed25519"].asbytes())
        assert not nobody.read_text(encoding="utf-8")  # nothing was added to it
        assert peer.logins == []


@pytest.mark.parametrize("way", ["known_hosts", "host_key"])
def test_a_server_with_another_key_than_the_known_one_is_not_logged_in_to(way: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    with SshPeer(tmp_path) as peer:
        other = SshPeer(elsewhere).keys["ed25519"]
        file = tmp_path / "stale"
        row = f"[127.0.0.1]:{peer.port} {other.get_name()} {other.get_base64()}\n"
        file.write_text(row, encoding="utf-8")
        said = {"known_hosts": str(file), "host_key": fingerprint(other.asbytes())}
        error = refused(peer.settings(**{way: said[way]}))
        assert (error.message, error.reason) == ("vantage.host-key-changed", Reason.UNPROVED)
        assert error.details["shown"] == fingerprint(peer.keys["ed25519"].asbytes())
        assert peer.logins == []


def test_a_server_that_refuses_our_keys_is_told_so(tmp_path: Path) -> None:
    with SshPeer(tmp_path, trusts=False) as peer:
        error = refused(peer.settings())
        assert (error.message, error.reason) == ("vantage.login-refused", Reason.CREDENTIALS)
        assert not any("password" in one for one in peer.logins)


def test_without_any_key_nobody_is_bothered_with_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with SshPeer(tmp_path) as peer:
        settings = peer.settings().model_copy(update={"key_file": None})
        assert refused(settings).message == "vantage.no-key"
        (tmp_path / ".ssh").mkdir()
        new_key(tmp_path / ".ssh" / "id_ecdsa", "ecdsa")
        login(settings, None, 5).close()


def test_an_agent_that_is_none_does_not_stop_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(100)
        connection.close()

    path = tmp_path / "agent"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    (tmp_path / ".ssh").mkdir()
    new_key(tmp_path / ".ssh" / "id_ed25519")
    with SshPeer(tmp_path) as peer, socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(path))
        agent.listen(1)
        threading.Thread(target=lambda: behave(agent.accept()[0]), daemon=True).start()
        login(peer.settings().model_copy(update={"key_file": None}), None, 5).close()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_key_file_is_read(kind: str, tmp_path: Path) -> None:
    assert private_key(new_key(tmp_path / "key", kind)).can_sign()


def _locked(file: Path) -> None:
    new_key(file, password=b"secret")


def _open_to_others(file: Path) -> None:
    new_key(file).chmod(0o640)


def _garbage(file: Path) -> None:
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nMARTIN\n", encoding="utf-8")
    file.chmod(0o600)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda _: None, "missing"),
        (_locked, "locked"),
        (_open_to_others, "mode"),
        (_garbage, "unreadable"),
        (lambda file: file.mkdir(0o700), "unreadable"),
    ],
)
def test_each_thing_that_can_be_wrong_with_a_key_file_is_said_before_anybody_is_bothered(
    make: Callable[[Path], None], word: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad"
    make(file)
    with SshPeer(tmp_path) as peer:
        error = refused(peer.settings(key_file=str(file)))
        assert (error.message, error.reason) == (f"vantage.key-{word}", Reason.CREDENTIALS)
        assert peer.connections == 0
    assert "MARTIN" not in str(error)


def _drip(talk: Talk) -> None:
    talk.drip(b"x" * 1000, 0.02)


def _lines(talk: Talk) -> None:
    talk.flood(b"a notice of the hoster, and another\r\n" * 100, 50_000_000)


def _one_line(talk: Talk) -> None:
    talk.flood(b"x" * 4096, 50_000_000)


def _huge_packet(talk: Talk) -> None:
    talk.send(b"SSH-2.0-OpenSSH_9.2\r\n\xff\xff\xff\xf0" + b"\0" * 2000)
    talk.hold()


def _other_protocol(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    talk.end()


def _gone(_: Talk) -> None:
    raise Over


def _greets_and_leaves(talk: Talk) -> None:
    talk.send(b"SSH-2.0-x\r\n")
    talk.some()


def _greets_and_waits(talk: Talk) -> None:
    talk.send(b"SSH-2.0-x\r\n")
    talk.hold()


@pytest.mark.parametrize(
    "behave",
    [
        *(_drip, _lines, _one_line, _huge_packet, _other_protocol),
        *(_gone, _greets_and_leaves, _greets_and_waits, Talk.hold),
    ],
)
def test_whatever_speaks_no_ssh_is_left_in_time(behave: Callable[[Talk], None], tmp_path: Path) -> None:
    key = str(new_key(tmp_path / "key"))
    with Peer(behave) as peer:
        target = f"u@127.0.0.1:{peer.port}"
        settings = OutsideSettings(ssh=target, key_file=key, host_key="SHA256:" + "A" * 43)  # type: ignore[arg-type]
        started = time.monotonic()
        error = refused(settings, 1.5)
        assert time.monotonic() - started < 10  # and not for ever
        assert error.message in {"vantage.not-ssh", "vantage.too-slow"}
    lingering = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    for one in lingering:
        one.join(1)
    assert not [one for one in lingering if one.is_alive()]  # none that would hold up our end


def test_a_port_where_nobody_listens_and_a_name_that_is_none_are_told_apart(tmp_path: Path) -> None:
    key = str(new_key(tmp_path / "key"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        for host, word in ((f"127.0.0.1:{free.getsockname()[1]}", "unreachable"), ("a..b", "no-name")):
            settings = OutsideSettings(ssh=f"u@{host}", key_file=key, host_key="SHA256:" + "A" * 43)  # type: ignore[arg-type]
            assert refused(settings).message == f"vantage.{word}"


def test_every_error_of_the_vantage_has_the_same_sentences_in_both_languages() -> None:
    folder = Path(login.__code__.co_filename).parent
    written = {
        word
        for file in ("login", "hostkeys", "bridge", "tunnel", "vantage")
        for word in (folder / f"{file}.py").read_text(encoding="utf-8").replace("f'", "'").split('"')
        if word.startswith("vantage.") and "{" not in word
    }
    for language in LANGUAGES:
        assert written <= Messages(folder / "words", language).sentences.keys()
    assert "vantage.lost" in written
