//! A manager that makes every request of [`thaw_native_abi::manager`] and [`thaw_native_abi::pd`], good
//! and bad: runs the other probe as its child, destroys children in every state, and counts what is left.
#![no_std]
#![no_main]

use thaw_bootimage::elf::Elf;
use thaw_l4::{CapIndex, Result, Timeout, Timeouts, ipc, raw};
use thaw_native_abi::layout::{SLOT_USER, STACK_BYTES, USER_END};
use thaw_native_abi::{manager, name_words, pd};
use thaw_root_probe::{
    check::{check, refused, summary},
    client::{Child, manage},
    words::{bytes, read, write, write_byte},
};
use thaw_rt::{kernel, println};

thaw_rt::entry!(main);

const CHILD: CapIndex = CapIndex(SLOT_USER);
const OTHER: CapIndex = CapIndex(SLOT_USER + 1);
const STACK: u32 = USER_END - STACK_BYTES;
const RW: u32 = raw::L4_FPAGE_RW;
const RX: u32 = raw::L4_FPAGE_RX;

fn main() -> ! {
    let before = counts();
    books();
    program();
    objects();
    ends();
    large();
    for _ in 0..40 {
        check("cycle", cycle().is_ok());
    }
    let after = counts();
    if before != after {
        println!("probe: before {before:?}, after {after:?}");
    }
    check("nothing is left behind", before == after);
    summary("manager");
    manage(manager::POWER_OFF, &[]).ok();
    loop {
        pause(1_000_000);
    }
}

fn pause(us: u32) {
    ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(us)));
}

fn counts() -> [u32; 8] {
    let words = manage(manager::COUNTS, &[]).unwrap_or_default();
    core::array::from_fn(|i| words[i])
}

fn quota_left() -> u32 {
    manage(manager::MEMORY_INFO, &[]).map_or(0, |words| words[2])
}

/// Quota, information, enumerations and their ends, refusals.
fn books() {
    let left = quota_left();
    refused("quota too large", Child::create(CHILD, left + 1, "x"), raw::L4_ENOMEM);
    let Ok((child, badge)) = Child::create(CHILD, 100, "books") else { return check("create", false) };
    check("quota is given", quota_left() == left - 100);
    let n = name_words("books");
    let info = child.request(pd::INFO, &[]);
    check("info", info == Ok([badge, 100, 0, 0, 0, 0, n[0], n[1], n[2], n[3]]));
    refused("no region", child.request(pd::REGION_GET, &[0]), raw::L4_ENOENT);
    refused("no thread", child.request(pd::THREAD_GET, &[0]), raw::L4_ERANGE);
    let a = child.request(pd::RAM_CREATE, &[5000]).map_or(0, |w| w[0]);
    let attach = |args: [u32; 5]| child.request(pd::ATTACH, &args).map(|w| w[0]);
    check("attach", attach([a, 0x40_0000, 4096, 4096, RX]) == Ok(0x40_0000));
    refused("attach twice", attach([a, 0x40_0000, 0, 4096, RW]), raw::L4_EEXIST);
    refused("offset", attach([a, 0x50_0000, 4096, 8192, RW]), raw::L4_ERANGE);
    refused("odd offset", attach([a, 0x50_0000, 4, 4096, RW]), raw::L4_ERANGE);
    refused("rights", attach([a, 0x50_0000, 0, 4096, 0]), raw::L4_EINVAL);
    refused("unknown", attach([999_999, 0x50_0000, 0, 4096, RW]), raw::L4_ENOENT);
    refused("over quota", child.request(pd::RAM_CREATE, &[99 * 4096]), raw::L4_ENOMEM);
    let region = child.request(pd::REGION_GET, &[0]).map_or([0; 5], |w| core::array::from_fn(|i| w[i]));
    check("region", region == [0x40_0000, 4096, a, 4096, RX]);
    let dataspace = child.request(pd::DATASPACE_GET, &[0]).map_or([0; 3], |w| core::array::from_fn(|i| w[i]));
    check("dataspace", dataspace == [a, 8192, pd::dataspace::RAM]);
    refused("past the last", child.request(pd::DATASPACE_GET, &[1]), raw::L4_ENOENT);
    modules(child);
    clock(child);
    refused("unknown request", child.request(99, &[]), raw::L4_ENOSYS);
    refused("too short", child.request(pd::ATTACH, &[a]), raw::L4_EMSGTOOSHORT);
    check("destroy", child.destroy() == Ok(()));
    check("quota is back", quota_left() == left);
    check("stale", child.request(pd::INFO, &[]).is_err());
}

fn modules(child: Child) {
    let n = name_words("probe-program");
    let Ok(rom) = manage(manager::ROM_OPEN, &n) else { return check("rom", false) };
    refused("writable rom", manage(manager::ATTACH, &[rom[0], 0, RW]), raw::L4_EINVAL);
    let at = manage(manager::ATTACH, &[rom[0], 0, raw::L4_FPAGE_RO]);
    check("attach rom", at.is_ok_and(|w| w[1] == rom[1] && read(w[0]) == u32::from_le_bytes(*b"\x7fELF")));
    check("detach rom", at.is_ok_and(|w| manage(manager::DETACH, &[w[0]]).is_ok()));
    check("rom in child", child.request(pd::ATTACH, &[rom[0], 0, 0, 4096, raw::L4_FPAGE_RO]).is_ok());
    let listed = child.request(pd::DATASPACE_GET, &[0]).unwrap_or_default();
    check("rom is listed", listed[..3] == [rom[0], rom[1], pd::dataspace::ROM] && listed[3] == n[0]);
}

fn clock(child: Child) {
    let now = child.request(pd::CLOCK_GET, &[]).map_or(0, |w| u64::from(w[1]) << 32 | u64::from(w[0]));
    let later = now + 5_000_000_000;
    check("clock set", child.request(pd::CLOCK_SET, &[later as u32, (later >> 32) as u32]).is_ok());
    let got = child.request(pd::CLOCK_GET, &[]).map_or(0, |w| u64::from(w[1]) << 32 | u64::from(w[0]));
    check("clock", got >= later && got < later + 1_000_000);
    check("a clock that no thread can have read goes back", child.request(pd::CLOCK_SET, &[0, 0]).is_ok());
}

/// Loads a module into a new PD, as any manager does, and starts it.
fn load(slot: CapIndex, quota: u32, module: &str) -> Result<Child> {
    let rom = manage(manager::ROM_OPEN, &name_words(module))?;
    let file = manage(manager::ATTACH, &[rom[0], 0, raw::L4_FPAGE_RO])?;
    let (child, _) = Child::create(slot, quota, "child")?;
    let elf = Elf::parse(bytes(file[0], file[1]));
    check("elf", elf.is_ok());
    if let Ok(elf) = elf {
        for segment in elf.loads() {
            let page = segment.vaddr & !4095;
            let size = (segment.vaddr + segment.memory_bytes - page).next_multiple_of(4096);
            let dataspace = child.memory(size, page, raw::L4_FPAGE_RO | segment.flags & 3)?;
            let here = manage(manager::ATTACH, &[dataspace, 0, RW])?[0];
            for (i, byte) in elf.contents(&segment).iter().enumerate() {
                write_byte(here + (segment.vaddr - page) + i as u32, *byte);
            }
            manage(manager::DETACH, &[here])?;
        }
        child.memory(STACK_BYTES, STACK, RW)?;
        child.thread(0, elf.entry(), USER_END, pd::THREAD_START)?;
    }
    manage(manager::DETACH, &[file[0]])?;
    Ok(child)
}

/// The program probe as a child: it checks itself and exits with 42; some of its threads fault.
fn program() {
    let Ok(child) = load(CHILD, 4000, "probe-program") else { return check("load", false) };
    let mut info = [0; 10];
    for _ in 0..500 {
        pause(10_000);
        info = child.request(pd::INFO, &[]).unwrap_or_default();
        if info[4] & pd::FLAG_EXITED != 0 {
            break;
        }
    }
    check("exited and faulted", info[4] == pd::FLAG_EXITED | pd::FLAG_FAULTED && info[5] == 42);
    refused("a clock goes back", child.request(pd::CLOCK_SET, &[0, 0]), raw::L4_ERANGE);
    refused("no change after the end", child.request(pd::RAM_CREATE, &[4096]), raw::L4_EBUSY);
    check(
        "threads are listed",
        child.request(pd::THREAD_GET, &[0]).is_ok_and(|w| w[0] == pd::THREAD_STARTED),
    );
    check("destroy exited", child.destroy() == Ok(()));
}

/// Objects with chosen badges, made in the child's slots.
fn objects() {
    let (Ok((a, _)), Ok((b, _))) = (Child::create(CHILD, 10, "a"), Child::create(OTHER, 10, "b")) else {
        return check("create two", false);
    };
    check("thread", a.thread(3, 0x40_0000, 0, 0) == Ok(3) && b.thread(0, 0x40_0000, 0, 0) == Ok(0));
    refused("index in use", a.thread(3, 0x40_0000, 0, 0), raw::L4_EEXIST);
    refused("hole", a.request(pd::THREAD_GET, &[2]), raw::L4_ENOENT);
    refused("past the last", a.request(pd::THREAD_GET, &[4]), raw::L4_ERANGE);
    check("never started", a.request(pd::THREAD_GET, &[3]).is_ok_and(|w| w[0] == 0 && w[1] == 10));
    check("any index", a.thread(pd::INDEX_ANY, 0x40_0000, 0, 0) == Ok(0));
    let gate = |pd: Child, args: [u32; 3]| pd.request(pd::GATE_CREATE, &args).map(|w| w[0]);
    check("chosen badge", gate(a, [0x300, 3, 0x12_3450]) == Ok(0x12_3450));
    refused("badge taken", gate(b, [0x300, 0, 0x12_3450]), raw::L4_EEXIST);
    refused("odd badge", gate(b, [0x300, 0, 0x12_3451]), raw::L4_EINVAL);
    refused("badge of root", gate(b, [0x300, 0, 0x8000_0000]), raw::L4_EINVAL);
    check("irq", a.request(pd::IRQ_CREATE, &[0x301, 0, 0x70]).is_ok());
    let object = |n| a.request(pd::OBJECT_GET, &[n]).map(|w| [w[0], w[1], w[2], w[3]]);
    check("gate is listed", object(0) == Ok([0x300, pd::object::GATE, 0x12_3450, 3]));
    check("irq is listed", object(1) == Ok([0x301, pd::object::IRQ, 0x70, 0]));
    refused("past the last object", object(2), raw::L4_ENOENT);
    check("destroy", a.destroy() == Ok(()));
    check("badge is free again", gate(b, [0x300, 0, 0x12_3450]) == Ok(0x12_3450));
    check("destroy other", b.destroy() == Ok(()));
}

/// One thread that runs `code` in a child of its own.
fn spinning(code: &[u32]) -> Result<Child> {
    let (child, _) = Child::create(CHILD, 20, "spin")?;
    let dataspace = child.memory(4096, 0x40_0000, raw::L4_FPAGE_RWX)?;
    let here = manage(manager::ATTACH, &[dataspace, 0, RW])?[0];
    for (i, word) in (0..).zip(code) {
        write(here + 4 * i, *word);
    }
    child.thread(0, 0x40_0000, 0x40_0800, pd::THREAD_START)?;
    pause(3000);
    // The dataspace stays attached here: destroying the child takes it away.
    check("child ran", read(here + 0x800) != 0);
    Ok(child)
}

/// `1: ldr r0, [sp]; add r0, r0, #1; str r0, [sp]; b 1b`
const SPIN: [u32; 4] = [0xe59d_0000, 0xe280_0001, 0xe58d_0000, 0xeaff_fffb];
/// `mov r0, #1; str r0, [sp]; udf #0`
const UNDEFINED: [u32; 3] = [0xe3a0_0001, 0xe58d_0000, 0xe7f0_00f0];

/// Children that end in the middle of something.
fn ends() {
    let regions = counts()[5];
    check("destroy a spinning child", spinning(&SPIN).and_then(Child::destroy) == Ok(()));
    check("destroy a faulted child", spinning(&UNDEFINED).and_then(Child::destroy) == Ok(()));
    check("attached memory went with them", counts()[5] == regions);
}

/// A large dataspace: attached at once, no fault while it is used.
fn large() {
    const BYTES: u32 = 64 << 20;
    let Ok((child, _)) = Child::create(CHILD, (BYTES >> 12) + 1, "large") else {
        return check("create", false);
    };
    let dataspace = child.request(pd::RAM_CREATE, &[BYTES]).map_or(0, |w| w[0]);
    let here = manage(manager::ATTACH, &[dataspace, 0, RW]).map_or(0, |w| w[0]);
    check("64 MiB", here != 0 && here.is_multiple_of(2 << 20));
    check("all zero", here != 0 && (0..BYTES >> 12).all(|page| read(here + (page << 12)) == 0));
    (0..BYTES >> 12).for_each(|page| write(here + (page << 12), page));
    check("all there", (0..BYTES >> 12).all(|page| read(here + (page << 12)) == page));
    check("destroy large", child.destroy() == Ok(()));
}

/// Create, fill, destroy.
fn cycle() -> Result<()> {
    let (child, _) = Child::create(CHILD, 50, "cycle")?;
    child.memory(8192, 0x40_0000, RW)?;
    for _ in 0..8 {
        child.thread(pd::INDEX_ANY, 0x40_0000, 0, 0)?;
    }
    child.request(pd::GATE_CREATE, &[0x300, 1, 0])?;
    child.request(pd::IRQ_CREATE, &[0x301, 2, 4])?;
    child.destroy()
}
