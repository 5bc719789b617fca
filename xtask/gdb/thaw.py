"""Commands for gdb on a Thaw system in QEMU: who runs, stop in one program, compare with an image.

All programs of PDs are linked at one address, so an address alone says nothing about who runs there. Who runs
is found by content: the page at pc is compared with that page of each program's file. The thread follows from
TPIDRURW, the address of its UTCB. `run/gdb` loads this file and a description of the session.
"""

import json
import os
import struct

import gdb

PAGE = 4096
USER_MODE = 0x10
UTCB_START = 0xB0000000
UTCB_BYTES = 512
THREADS_MAX = 64
FPEXC_ENABLED = 1 << 30


class Program:
    """An ELF file: what stands where."""

    def __init__(self, name, path):
        self.name, self.path = name, path
        with open(path, "rb") as file:
            self.bytes = file.read()
        offset, = struct.unpack_from("<I", self.bytes, 28)
        size, count = struct.unpack_from("<HH", self.bytes, 42)
        headers = (struct.unpack_from("<8I", self.bytes, offset + i * size) for i in range(count))
        # (address, bytes in the file, offset in the file) of each segment with code.
        self.code = [(h[2], h[4], h[1]) for h in headers if h[0] == 1 and h[6] & 1]

    def page(self, address):
        """The bytes of the page at `address` that the file has, with their address; None outside of it."""
        for start, size, offset in self.code:
            first, end = max(start, address & -PAGE), min(start + size, (address & -PAGE) + PAGE)
            if start <= address < end:
                return first, self.bytes[offset + first - start:offset + end - start]
        return None


class Session:
    """What `run/gdb` told about the system, and what was learnt since."""

    def __init__(self, path):
        with open(path) as file:
            told = json.load(file)
        self.name = told["program"]
        self.programs = [Program(name, file) for name, file in told["programs"].items()]
        self.image = None
        if told["image"]:
            with open(told["image"]) as file:
                self.image = json.load(file)
        # Program by translation table and page; tables are reused only after a PD is gone.
        self.known = {}

    def program(self):
        """The program whose code is at pc in user mode; None in the kernel or where nothing matches."""
        if register("cpsr") & 0xF != USER_MODE & 0xF:
            return None
        pc = register("pc")
        key = register("TTBR0"), pc & -PAGE
        if key not in self.known:
            found = self.search(pc)
            if found is None:
                # The page may be mapped only after the fault that its first instruction is about to raise.
                return None
            self.known[key] = found
        return self.known[key]

    def search(self, pc):
        for program in self.programs:
            found = program.page(pc)
            if found is None:
                continue
            first, expected = found
            try:
                actual = bytes(gdb.selected_inferior().read_memory(first, len(expected)))
            except gdb.MemoryError:
                continue
            if actual == expected:
                return program
        return None

    def is_target(self):
        """Whether the program of the session runs in user mode."""
        program = self.program()
        return program is not None and program.name == self.name

    def thread(self, index):
        """A thread of the image."""
        if self.image is None:
            raise gdb.GdbError("no image is loaded: it is there with --after only")
        threads = self.image["threads"]
        if not 0 <= index < len(threads):
            raise gdb.GdbError(f"the image has no thread {index}; thaw-threads lists them")
        return threads[index]

    def label(self, index):
        if self.image is None or not 0 <= index < len(self.image["threads"]):
            return f"thread {index}"
        return f"thread {index} {self.image['threads'][index]['name']}".rstrip()


def register(name):
    return int(gdb.newest_frame().read_register(name)) & (2 ** (64 if name.startswith("TTBR") else 32) - 1)


def current():
    """Index of the running thread in its PD, or None."""
    distance = register("TPIDRURW") - UTCB_START
    index, rest = divmod(distance, UTCB_BYTES)
    return index if 0 <= index < THREADS_MAX and rest == 0 else None


session = None


class ThawBreakpoint(gdb.Breakpoint):
    """Stops in the program of the session only, on request in one of its threads only."""

    def __init__(self, location, thread=None, once=False):
        super().__init__(location)
        self.wanted, self.once, self.silent = thread, once, True

    def stop(self):
        if not session.is_target() or (self.wanted is not None and current() != self.wanted):
            return False
        print(f"thaw: {session.name}, {session.label(current())} at {register('pc'):#010x}")
        if self.once:
            # A breakpoint cannot be deleted while it is looked at.
            self.enabled = False
        return True


class Where(gdb.Command):
    """thaw-where: which program and which of its threads runs."""

    def __init__(self):
        super().__init__("thaw-where", gdb.COMMAND_STATUS)

    def invoke(self, _argument, _from_tty):
        program, pc, table = session.program(), register("pc"), register("TTBR0")
        if program is not None:
            thread = session.label(current()) if program.name == session.name else f"thread {current()}"
            print(f"{program.name}, {thread}, pc {pc:#010x}, TTBR0 {table:#x}")
        elif register("cpsr") & 0xF != 0:
            seen = {known.name for (of, _), known in session.known.items() if of == table}
            names = ", ".join(sorted(seen)) or "a program not seen yet"
            print(f"kernel, pc {pc:#010x}, TTBR0 {table:#x}, tables of {names}")
        else:
            print(f"unknown program, pc {pc:#010x}, TTBR0 {table:#x}")


class Threads(gdb.Command):
    """thaw-threads: the threads of the image and what each was doing; * is the one that runs."""

    def __init__(self):
        super().__init__("thaw-threads", gdb.COMMAND_STATUS)

    def invoke(self, _argument, _from_tty):
        session.thread(0)
        running = current() if session.is_target() else None
        for thread in session.image["threads"]:
            mark = "*" if thread["index"] == running else " "
            print(f"{mark} {thread['index']:2} {thread['name']:16} {thread['pc']} {thread['doing']}")


class Break(gdb.Command):
    """thaw-break LOCATION [THREAD]: stop there in the program of the session, in any thread or in that one."""

    def __init__(self):
        super().__init__("thaw-break", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_LOCATION)

    def invoke(self, argument, _from_tty):
        words = gdb.string_to_argv(argument)
        if not 1 <= len(words) <= 2:
            raise gdb.GdbError("thaw-break LOCATION [THREAD]")
        ThawBreakpoint(words[0], int(words[1], 0) if len(words) == 2 else None)


class Catch(gdb.Command):
    """thaw-catch THREAD|all: stop before the first instruction of a thread after the restore.

    A thread in a call whose request was delivered has none: it makes its call once more with a tag of the
    service's own, so that the kernel links it to its server, and comes back with the reply."""

    def __init__(self):
        super().__init__("thaw-catch", gdb.COMMAND_BREAKPOINTS)

    def invoke(self, argument, _from_tty):
        threads = continued() if argument == "all" else [session.thread(int(argument, 0))]
        for thread in threads:
            ThawBreakpoint("*" + thread["pc"], thread["index"], once=True)


def continued():
    """Threads of the image that run their own next instruction after the restore; one in an exception waits."""
    session.thread(0)
    live = [thread for thread in session.image["threads"] if thread["state"] == "live"]
    return [thread for thread in live if thread["activity"]["kind"] not in ("call", "exception")]


class Check(gdb.Command):
    """thaw-check: after a restore, compare each thread with the image before its first instruction."""

    def __init__(self):
        super().__init__("thaw-check", gdb.COMMAND_RUNNING)

    def invoke(self, _argument, _from_tty):
        for thread in continued():
            ThawBreakpoint("*" + thread["pc"], thread["index"], once=True)
        differing = []
        for _ in continued():
            gdb.execute("continue", to_string=True)
            if compare(session.thread(current())):
                differing.append(current())
        verdict = f"{len(differing)} differ" if differing else "all as in the image"
        print(f"thaw-check: {len(continued())} threads: {verdict}")


class Compare(gdb.Command):
    """thaw-compare [THREAD]: registers of the running thread that differ from those in the image."""

    def __init__(self):
        super().__init__("thaw-compare", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        if not session.is_target():
            raise gdb.GdbError(f"{session.name} does not run now; stop there by thaw-break or thaw-catch")
        index = int(argument, 0) if argument else current()
        compare(session.thread(index))


def compare(thread):
    """Prints what differs and returns how much."""
    differences = 0
    for name, expected, actual in values(thread):
        if expected != actual:
            differences += 1
            print(f"  {name:8} {actual:#x}, in the image {expected:#x}")
    what = "as in the image" if differences == 0 else f"{differences} are not as in the image"
    print(f"{session.label(thread['index'])}: {len(names(thread)) + 1} registers, 128 UTCB words: {what}")
    if not vfp_is_loaded():
        print("  VFP registers were not compared: the thread has not used them since, the kernel still keeps them")
    return differences


def vfp_is_loaded():
    """Whether the machine's VFP registers are the running thread's; before its first use they are another's."""
    return register("fpexc") & FPEXC_ENABLED != 0


def names(thread):
    """Registers that can be compared, with their values in the image."""
    found = [(f"r{i}", value) for i, value in enumerate(thread["r"])]
    found += [(name, thread[name]) for name in ("sp", "lr", "pc")] + [("TPIDRURO", thread["tpidruro"])]
    if vfp_is_loaded():
        found += [("fpscr", thread["fpscr"])] + [(f"d{i}", value) for i, value in enumerate(thread["d"])]
    return found


def values(thread):
    for name, expected in names(thread):
        value = gdb.newest_frame().read_register(name)
        if name.startswith("d"):
            value = value["u64"] if value.type.code == gdb.TYPE_CODE_UNION else double_bits(value)
        yield name, int(expected, 16), int(value) & (0xFFFFFFFFFFFFFFFF if name[0] == "d" else 0xFFFFFFFF)
    # Flags, Thumb; mode and masks are the kernel's.
    mask = 0xF8000020
    yield "cpsr", int(thread["cpsr"], 16) & mask, register("cpsr") & mask
    memory = gdb.selected_inferior().read_memory(int(thread["utcb_addr"], 16), UTCB_BYTES)
    for i, (expected, actual) in enumerate(zip(thread["utcb"], struct.unpack("<128I", memory))):
        yield f"utcb[{i}]", int(expected, 16), actual


def double_bits(value):
    return struct.unpack("<Q", struct.pack("<d", float(value)))[0]


class Symbols(gdb.Command):
    """thaw-program NAME: take the symbols of another program, and stop in that one from now on."""

    def __init__(self):
        super().__init__("thaw-program", gdb.COMMAND_FILES)

    def invoke(self, argument, _from_tty):
        program = next((p for p in session.programs if p.name == argument), None)
        if program is None:
            raise gdb.GdbError(f"no program {argument}; there are {', '.join(p.name for p in session.programs)}")
        old = next(p for p in session.programs if p.name == session.name)
        gdb.execute(f"remove-symbol-file -a {old.code[0][0]:#x}", to_string=True)
        gdb.execute(f"add-symbol-file {program.path}", to_string=True)
        session.name = program.name


def start(path):
    """Called by the script of the session."""
    global session
    session = Session(path)
    for command in (Where, Threads, Break, Catch, Compare, Check, Symbols):
        command()
    print(f"thaw: programs {', '.join(p.name for p in session.programs)}; symbols of {session.name}")
    print("thaw: thaw-where, -threads, -break, -catch, -compare, -check, -program; see their help")


start(os.environ["THAW_GDB_SESSION"])
