#!/bin/sh
# Builds the example twice, in ARM and in Thumb state: counter.elf and counter_thumb.elf.
# usage: examples/build.sh [DIRECTORY]
set -eu
source=$(cd "$(dirname "$0")" && pwd)
out=${1:-$source}
mkdir -p "$out"

compile() {
  arm-none-eabi-gcc -std=gnu11 -O2 -Wall -Wextra -Werror \
    -mcpu=cortex-a15 -mfpu=vfpv3 -mfloat-abi=softfp "$1" \
    -ffreestanding -nostdlib -fno-tree-loop-distribute-patterns \
    -static -Wl,--build-id=none -Wl,-T,"$source/target.ld" \
    -o "$out/$2" "$source/counter.c" -lgcc
}

compile -marm counter.elf
compile -mthumb counter_thumb.elf
