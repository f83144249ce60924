#!/bin/sh
# Is everything here that `make demo` or `make test` needs? If not, fetch it, say what is being done, and where
# something is missing that we may not install, say what to type. Usage: install.sh demo|test
#
# Python packages go to .venv and nowhere else; pip and apt use this machine's own settings. Nothing is
# started or enabled on this machine.
set -eu
cd "$(dirname "$0")/../.."

wanted=${1:-demo}
stamp=.venv/.installed
log=.venv/install.log

say() { printf '  %s\n' "$*" >&2; }
fail() {
    printf '\nnetwatch: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '          %s\n' "$line" >&2; done
    exit 1
}

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

can_be_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || [ -t 0 ]
}
as_root() {
    if [ "$(id -u)" = 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"
    else sudo DEBIAN_FRONTEND=noninteractive "$@"; fi
}

# Debian and its children; elsewhere the user is told the names.
apt_install() {
    command -v apt-get >/dev/null && can_be_root || return 1
    say "installing with apt: $*"
    as_root apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1 && return
    as_root apt-get update -qq >/dev/null 2>&1 || say "apt-get update did not go through; trying all the same"
    as_root apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

look_for_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$candidate" >/dev/null && is_recent "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}
find_python() {
    look_for_python && return
    # A bare machine; one with an older Python keeps it, and its owner decides.
    command -v python3 >/dev/null || { apt_install python3 python3-venv >&2 && look_for_python && return; }
    here=$(${PYTHON:-python3} --version 2>/dev/null || echo "no Python at all")
    fail "Python 3.11 or newer is needed, and here is $here." \
        "Debian 12, Ubuntu 24.04, Fedora 37 and later bring one: install the package python3." \
        "If yours lives elsewhere: PYTHON=/path/to/python3.12 make $wanted"
}

make_venv() {
    [ -x .venv/bin/python ] && is_recent .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 && return
    python=$(find_python)
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv >/dev/null 2>&1 && return
    # Debian keeps ensurepip in a package of its own.
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    rm -rf .venv
    apt_install "python$version-venv" || apt_install python3-venv ||
        fail "Python's module venv is missing, and I may not install it." "Type: sudo apt install python3-venv"
    "$python" -m venv .venv
}

pip_install() {
    # shellcheck disable=SC2024 # the log is ours
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$@" >>"$log" 2>&1 && return
    grep -v '^WARNING' "$log" | tail -n 8 >&2
    fail "pip could not install the Python packages; its last lines are above, all of them in $log." \
        "Most often the network is the reason: pip uses this machine's own settings (pip config list)." \
        "What is already there stays; run make $wanted again."
}

install_packages() {
    fingerprint=$(cat pyproject.toml constraints.txt | cksum; .venv/bin/python --version; pwd)
    [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ] && return
    say "installing Python packages into .venv (about 120 MB; a minute or two the first time)"
    rm -f "$stamp" "$log"
    .venv/bin/python - >.venv/dev.txt <<'PY'
import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["dependency-groups"]["dev"], sep="\n")
PY
    pip_install -r .venv/dev.txt
    # with build isolation: python-nmap comes as source, and a new venv may hold neither setuptools nor wheel
    pip_install -e .
    printf '%s\n' "$fingerprint" >"$stamp"
}

need_nmap() {
    command -v nmap >/dev/null && return
    apt_install nmap && return
    say "nmap is not here and I may not install it: netwatch will try each port itself, more slowly."
    say "To have nmap: sudo apt install nmap   (Fedora: sudo dnf install nmap)"
}

# The tests build a small clinic in network namespaces: tool, then the Debian package that holds it.
need_lab() {
    missing=
    for pair in debootstrap:debootstrap ip:iproute2 nft:nftables tcpdump:tcpdump openssl:openssl setpriv:util-linux; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
    done
    [ -z "$missing" ] && return
    # shellcheck disable=SC2086 # a list of packages
    apt_install $missing && return
    [ "${CI:-}" = true ] && fail "the tests' clinic cannot be built: missing$missing." "Install these packages first."
    say "missing:$missing. The tests that need them are skipped and named."
    say "To run them too: sudo apt install$missing, then make test as root."
}

make_venv
install_packages
need_nmap
[ "$wanted" = test ] && need_lab
exit 0
