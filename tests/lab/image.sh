#!/bin/sh
# Is the image built, and does it do its nights: as nobody in particular, with one capability, on a disk it cannot
# write to? Builds it, runs it for real and says how large it is. `make image`.
#
# With Docker where its daemon answers; else with buildah, as root, in .lab/image and without a daemon. buildah takes
# debian:bookworm-slim from where this machine's own settings say, or has debootstrap make one from Debian's packages.
# IMAGE_BUILD_OPTIONS: more words for the build, such as `-v /a/pip.conf:/etc/pip.conf:ro` behind a mirror (buildah).
set -eu
cd "$(dirname "$0")/../.."

lab=$PWD/.lab/image
tried=$lab/tried
NAME=netwatch BASE=debian:bookworm-slim
HERE=10.77.0.1 THERE=10.77.0.2  # in namespaces of their own: nothing of this reaches a network
UNPRIVILEGED=10001

say() { printf '  %s\n' "$*"; }
fail() { printf '\nnetwatch: %s\n' "$1" >&2; exit 1; }
megabytes() { echo $((($1 + 500000) / 1000000)) MB; }

# ------------------------------------------------------------------------------------------------- build

with_docker() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }

storage() { buildah --storage-driver vfs --root "$lab/store" --runroot "$lab/run" "$@"; }

# What the slim image leaves out is left out here too.
make_base() {
    storage inspect --type image "$BASE" >/dev/null 2>&1 && return
    say "fetching $BASE"
    timeout 60 buildah --storage-driver vfs --root "$lab/store" --runroot "$lab/run" pull -q "$BASE" \
        >/dev/null 2>&1 && return
    command -v debootstrap >/dev/null || fail "no registry answers, and debootstrap is not here: apt install debootstrap"
    say "no registry answers: making $BASE from Debian's packages"
    rm -rf "$lab/base"
    debootstrap --variant=minbase bookworm "$lab/base" >"$lab/base.log" 2>&1 || fail "debootstrap: see $lab/base.log"
    rm -rf "$lab"/base/var/cache/apt/* "$lab"/base/var/lib/apt/lists/* "$lab"/base/usr/share/man/* \
        "$lab"/base/usr/share/info/* "$lab"/base/usr/share/locale/*
    find "$lab/base/usr/share/doc" -type f ! -name copyright -delete
    made=$(storage from scratch)
    storage add -q "$made" "$lab/base" / >/dev/null
    storage commit -q "$made" "$BASE" >/dev/null
    storage rm "$made" >/dev/null
    rm -rf "$lab/base"
}

# What pip is told on this machine (a mirror, its certificate, wheels in a folder) holds in the build as well: its
# settings, the files they name and the folders are lent to it, read-only. Nothing stays in the image but the empty places.
lent() {
    rm -rf "$lab/lent" && mkdir -p "$lab/lent"
    env -i HOME="$HOME" PATH="$PATH" python3 -m pip config list 2>/dev/null |
        sed -n "s/^global\.\([a-z-]*\)='\(.*\)'$/\1 = \2/p" >"$lab/lent/settings"
    [ -s "$lab/lent/settings" ] || return 0
    { echo '[global]'; cat "$lab/lent/settings"; } >"$lab/lent/pip.conf"
    printf -- '-v %s:/mnt:ro -v %s:/etc/pip.conf:ro ' "$lab/lent" "$lab/lent/pip.conf"
    for word in $(cut -d= -f2- "$lab/lent/settings"); do
        path=${word#file://}
        case $path in /*) ;; *) continue ;; esac
        case $word in file://*) path=$(dirname "$path") ;; esac  # an index links to what lies beside it
        if [ -d "$path" ]; then printf -- '-v %s:%s:ro ' "$path" "$path"; fi
        if [ -f "$path" ]; then
            cp "$path" "$lab/lent/$(basename "$path")"
            sed -i "s|$path|/mnt/$(basename "$path")|" "$lab/lent/pip.conf"
        fi
    done
}

build_with_buildah() {
    [ "$(id -u)" = 0 ] || fail "Docker's daemon does not answer here, and buildah needs root: sudo make image"
    command -v buildah >/dev/null || fail "neither Docker nor buildah is here: apt install buildah debootstrap"
    mkdir -p "$lab"
    make_base
    say "building $NAME with buildah"
    # shellcheck disable=SC2046,SC2086 # lists of words
    storage bud --format docker --isolation chroot --network host --pull-never $(lent) ${IMAGE_BUILD_OPTIONS:-} -t "$NAME" . \
        >"$lab/build.log" 2>&1 || { tail -n 15 "$lab/build.log" >&2; fail "the image was not built: $lab/build.log"; }
}

size_of() {
    if with_docker; then docker image inspect -f '{{.Size}}' "$1"
    else
        from=$(storage from --pull-never "$1")
        du -sb --one-file-system "$(storage mount "$from")" | cut -f1
        storage rm "$from" >/dev/null
    fi
}

# -------------------------------------------------------------------------------------------------- run

# In the container as Docker starts it: its user, one capability in the bounding set and none in hand, the disk
# read-only, /data and /tmp of its own; in a network of two machines.
in_container() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --net --pid --fork --kill-child sh -euc '
        root=$1 data=$2 here=$3 there=$4 user=$5; shift 5
        mount --make-rprivate /
        mount -t tmpfs none /run/netns 2>/dev/null || { mkdir -p /run/netns; mount -t tmpfs none /run/netns; }
        ip link set lo up
        ip netns add there
        ip link add here type veth peer name there netns there
        ip addr add "$here/29" dev here; ip link set here up
        ip -n there addr add "$there/29" dev there; ip -n there link set there up; ip -n there link set lo up
        ip netns exec there python3 -m http.server --bind "$there" 8080 >/dev/null 2>&1 &
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount -t tmpfs none "$root/tmp"
        mount --bind "$data" "$root/data"
        mount --bind /dev "$root/dev"
        mount -o remount,bind,ro "$root"
        cd "$root"
        exec chroot "$root" setpriv --reuid "$user" --regid "$(stat -c %g data)" --clear-groups \
            --bounding-set=-all,+net_raw --inh-caps=-all \
            env -i PATH=/opt/netwatch/bin:/usr/local/bin:/usr/bin:/bin NETWATCH_DATA=/data TZ=Europe/Paris \
            PYTHONUNBUFFERED=1 HOME=/data "$@"
    ' sh "$mounted" "$tried/data" "$HERE" "$THERE" "$UNPRIVILEGED" "$@"
}

with_docker_run() {
    docker run --rm -i --network netwatch-tried --cap-drop ALL --cap-add NET_RAW --read-only --tmpfs /tmp \
        -e TZ=Europe/Paris -v netwatch-tried:/data --entrypoint env "$NAME" "$@"
}

inside() { if with_docker; then with_docker_run "$@"; else in_container "$@"; fi; }

set_up() {
    rm -rf "$tried"
    mkdir -p "$tried/data"
    if with_docker; then
        tear_down_docker
        docker network create --internal --subnet 10.77.0.0/29 --gateway 10.77.0.6 netwatch-tried >/dev/null
        docker volume create netwatch-tried >/dev/null
        docker run -d --rm --name netwatch-tried --network netwatch-tried --ip "$THERE" --entrypoint python3 "$NAME" \
            -m http.server 8080 >/dev/null
    else
        container=$(storage from --pull-never "$NAME")
        mounted=$(storage mount "$container")
        chown "$UNPRIVILEGED:$(awk -F: '$1=="netwatch"{print $3}' "$mounted/etc/group")" "$tried/data"
        chmod 700 "$tried/data"
    fi
}

tear_down_docker() {
    docker rm -f netwatch-tried >/dev/null 2>&1 || true
    docker network rm netwatch-tried >/dev/null 2>&1 || true
    docker volume rm netwatch-tried >/dev/null 2>&1 || true
}

tear_down() {
    if with_docker; then tear_down_docker
    elif [ -n "${container:-}" ]; then storage rm "$container" >/dev/null 2>&1 || true; fi
    rm -rf "$tried"
}

site_file() {
    cat <<TOML
name = "Cabinet Exemple"
networks = ["$THERE"]
[sweep]
whole_range_nights = 0
[authorisation]
by = "Dr Exemple"
role = "titulaire"
until = $(date -d '30 days' +%F)
TOML
}

# ------------------------------------------------------------------------------------------------ checks

check() { # what it is, then the command: its output must hold the word of $expected
    told=$(inside sh -c "$2" 2>&1) || { printf '%s\n' "$told" >&2; fail "$1: failed"; }
    printf '%s\n' "$told" | grep -q -- "$3" || { printf '%s\n' "$told" >&2; fail "$1: nothing says $3"; }
    say "$1"
}

try_it() {
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' netwatch/__init__.py)
    check "it starts, and is $version" 'netwatch --version' "$version"
    check "it is not root, holds no capability, and may be given NET_RAW alone" \
        'echo "$(id -u) $(sed -n "s/^Cap\(Eff\|Bnd\):[[:space:]]*0*//p" /proc/self/status | tr "\n" " ")"' \
        "^$UNPRIVILEGED  2000 $"
    check "its disk is read-only" 'touch /opt/netwatch/x 2>&1 || echo refused' refused
    site_file | inside sh -c 'cat >/data/practice.toml && chmod 600 /data/practice.toml'
    check "doctor: nmap may use ARP, the database can be written" 'netwatch doctor' '✓ ARP'
    check "doctor knows the site file" 'netwatch doctor /data/practice.toml || true' 'Cabinet Exemple'
    check "one scan finds the server, and its network card by ARP" \
        'netwatch scan /data/practice.toml --format json' '"port": 8080'
    check "the card is known" 'netwatch devices /data/practice.toml --format csv' 'm-'
    # A night that is due: as if we had looked after this site for days.
    check "the loop does the night that is due, once, and the health check is content; SIGTERM ends it" '
        mkdir -p /data/nights
        echo "{\"since\": \"2026-01-01T00:00:00\", \"night\": null, \"code\": null, \"why\": \"\"}" >/data/nights/cabinet-exemple.json
        netwatch loop /data --at "$(date +%H:%M)" >/tmp/out 2>&1 &
        loop=$!
        tries=0
        until grep -q cabinet-exemple /tmp/out; do
            tries=$((tries + 1)); [ $tries -lt 120 ] || { cat /tmp/out; exit 1; }; sleep 1
        done
        sleep 2
        netwatch loop /data --check || { cat /tmp/out; exit 1; }
        kill -TERM $loop; wait $loop
        cat /tmp/out; echo "ended with $?, lines: $(wc -l </tmp/out)"' 'lines: 1$'
    check "without a loop the health check fails" \
        'rm -f /data/nights/.loop.json; netwatch loop /data --check || echo unhealthy' unhealthy
}

if with_docker; then
    docker build -t "$NAME" .
else
    build_with_buildah
fi
trap tear_down EXIT
set_up
try_it
whole=$(size_of "$NAME") base=$(size_of "$BASE")
say "size: $(megabytes "$whole"), of which $(megabytes "$base") are $BASE"
