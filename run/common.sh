# Sourced by the scripts beside it: makes sure that a recent Rust and a C linker run, then they
# hand over to `cargo xtask`, which does the rest.
root=$(cd "$(dirname "$0")/.." && pwd) || exit 9
need=95 # the 1.N of rust-version in Cargo.toml

recent() { # PROGRAM: whether this cargo is new enough
    minor=$("$1" --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    [ -n "$minor" ] && [ "$minor" -ge "$need" ]
}

install() {
    echo "setup: installing $*"
    if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
    $as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get update -q && apt-get install -q -y --no-install-recommends "$@"' sh "$@" </dev/null || exit 6
}

command -v cc >/dev/null || install gcc libc6-dev
if recent cargo; then
    cargo=cargo
else
    recent /usr/bin/cargo || install rustc-web cargo-web rust-web-src
    cargo=/usr/bin/cargo
    export RUSTC=/usr/bin/rustc
fi

# The first build says what it does; later runs speak for themselves.
[ -x "${CARGO_TARGET_DIR:-$root/target}/debug/xtask" ] && quiet=--quiet || quiet=

xtask() { exec "$cargo" run $quiet --manifest-path "$root/Cargo.toml" --package xtask -- "$@"; }
