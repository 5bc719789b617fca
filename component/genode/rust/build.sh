#!/bin/sh
# Builds the Rust part as one object file: build.sh TOOL_PREFIX TARGET_DIR OUT.o
set -e
tool=$1 dir=$2 out=$3
cd "$(dirname "$0")"
unset MAKEFLAGS MAKELEVEL MFLAGS CC CXX LD AR
target=armv7a-none-eabi
if rustc --print sysroot >/dev/null 2>&1 && [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
	std=
else
	# Debian's rustc with the sources of its standard library
	unset RUSTUP_TOOLCHAIN CARGO RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTFLAGS
	PATH=/usr/bin:$PATH
	export PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
	std="-Zbuild-std=core -Zbuild-std-features=compiler-builtins-mem"
fi
CARGO_TARGET_DIR=$dir cargo rustc -q --lib --crate-type staticlib --release --target $target $std >&2
keep="thaw_rust_checkpoint thaw_rust_restore thaw_rust_print"
undefined= ; global=
for name in $keep; do
	undefined="$undefined -u $name"
	global="$global --keep-global-symbol=$name"
done
"${tool}ld" -r --gc-sections $undefined -o "$out.tmp" "$dir/$target/release/libthaw_genode.a"
"${tool}objcopy" --remove-section .note.GNU-stack --remove-section .ARM.attributes --strip-debug $global "$out.tmp" "$out"
rm -f "$out.tmp"
