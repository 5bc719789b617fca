//! Images in two files: whatever is cut off or damaged, the newest whole one is found.

use std::cell::{Cell, RefCell};

use thaw_genode::{
    After, CoreResult, Error, File, Files, Machine, Order, Span, Stored, Tables, World, checkpoint, find,
    load, save,
};
use thaw_image::{KernelName, Name};

use crate::world::Fake;

type Asked<T> = Result<T, CoreResult>;

/// Two files, and a power cut or a full disk at a chosen operation.
struct Disk<'w> {
    world: &'w Fake,
    files: [RefCell<Vec<u8>>; 2],
    /// Operations until the one that fails, and all after it.
    left: Cell<usize>,
    torn: Cell<bool>,
}

impl<'w> Disk<'w> {
    fn new(world: &'w Fake) -> Self {
        Self { world, files: Default::default(), left: Cell::new(usize::MAX), torn: Cell::new(false) }
    }

    fn step(&self) -> Asked<()> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        if left == 0 { Err(CoreResult(CoreResult::NO_SPACE)) } else { Ok(()) }
    }
}

impl Files for Disk<'_> {
    fn size(&self, file: File) -> Asked<u64> {
        Ok(self.files[file as usize].borrow().len() as u64)
    }

    fn read(&self, file: File, offset: u32, to: &mut [u8]) -> Asked<()> {
        let bytes = self.files[file as usize].borrow();
        to.copy_from_slice(&bytes[offset as usize..offset as usize + to.len()]);
        Ok(())
    }

    fn read_into(&self, file: File, offset: u32, to: Span) -> Asked<()> {
        let mut bytes = vec![0; to.bytes as usize];
        self.read(file, offset, &mut bytes)?;
        self.world.write(to, &bytes);
        Ok(())
    }

    fn write_from(&self, file: File, offset: u32, from: Span) -> Asked<()> {
        let failed = self.step();
        let mut bytes = self.world.bytes(from);
        if failed.is_err() {
            if !self.torn.get() {
                return failed;
            }
            bytes.truncate(bytes.len() / 2);
        }
        let end = offset as usize + bytes.len();
        let mut all = self.files[file as usize].borrow_mut();
        let length = all.len().max(end);
        all.resize(length, 0);
        all[offset as usize..end].copy_from_slice(&bytes);
        failed
    }

    fn empty(&self, file: File) -> Asked<()> {
        self.step()?;
        self.files[file as usize].borrow_mut().clear();
        Ok(())
    }

    fn sync(&self, _: File) -> Asked<()> {
        self.step()
    }
}

fn image(fake: &Fake, generation: u64) -> Span {
    let machine = Machine { board: Name::new("pbxa9").expect("a name"), kernel: KernelName::EMPTY };
    let order = Order { machine, generation, clones: 0, after: After::GoOn };
    let mut tables = Box::new(Tables::new());
    checkpoint(fake, &mut tables, &order, &mut |_, _| Ok(())).expect("saved").image
}

/// Stack for the tables.
fn on_a_large_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(32 << 20).spawn(test).expect("a thread");
    thread.join().expect("passed");
}

/// As after a reboot: nothing is known.
fn newest(disk: &Disk<'_>) -> Option<u64> {
    find(disk.world, disk, &mut Stored::default(), &mut [0; 4096]).expect("looked").map(|(_, number)| number)
}

#[test]
fn the_newest_is_loaded_and_the_older_replaced() {
    on_a_large_stack(|| {
        let fake = Fake::new();
        let disk = Disk::new(&fake);
        let (mut stored, mut buffer) = (Stored::default(), [0; 4096]);
        assert_eq!(load(&fake, &disk, &mut stored, &mut buffer), Err(Error::NoImage));
        for (generation, file) in [(1, File::A), (2, File::B), (3, File::A)] {
            let image = image(&fake, generation);
            assert_eq!(save(&fake, &disk, &mut stored, image, &mut buffer), Ok(file));
            let (loaded, number) = load(&fake, &disk, &mut stored, &mut buffer).expect("loaded");
            assert_eq!((number, fake.bytes(loaded)), (generation, fake.bytes(image)));
        }
    });
}

#[test]
fn whatever_operation_fails_the_old_image_or_the_new_one_is_there() {
    on_a_large_stack(|| {
        let fake = Fake::new();
        let images: Vec<Span> = (1..=3).map(|generation| image(&fake, generation)).collect();
        for torn in [false, true] {
            let mut failures = 0;
            for fails in 0.. {
                let disk = Disk::new(&fake);
                let mut stored = Stored::default();
                let mut buffer = [0; 4096];
                for image in &images[..2] {
                    save(&fake, &disk, &mut stored, *image, &mut buffer).expect("saved");
                }
                disk.torn.set(torn);
                disk.left.set(fails);
                let done = save(&fake, &disk, &mut stored, images[2], &mut buffer);
                if done.is_ok() {
                    assert_eq!((done, newest(&disk)), (Ok(File::A), Some(3)), "control");
                    break;
                }
                assert_eq!(done, Err(Error::Store("writing", File::A, CoreResult(CoreResult::NO_SPACE))));
                // The very last sync may fail behind a whole header.
                assert!(newest(&disk) >= Some(2), "operation {fails}");
                failures += 1;
            }
            assert_eq!(failures, 5);
        }
    });
}

#[test]
fn a_damaged_image_is_passed_over_wherever_it_is_damaged() {
    on_a_large_stack(|| {
        let fake = Fake::new();
        let disk = Disk::new(&fake);
        let mut stored = Stored::default();
        for generation in [1, 2] {
            save(&fake, &disk, &mut stored, image(&fake, generation), &mut [0; 4096]).expect("saved");
        }
        let length = disk.files[1].borrow().len();
        // Bytes 8 to 11 are the version: another one is refused, not passed over.
        for at in (12..length).step_by(463) {
            disk.files[1].borrow_mut()[at] ^= 0x10;
            assert_eq!(newest(&disk), Some(1), "byte {at}");
            disk.files[1].borrow_mut()[at] ^= 0x10;
        }
        disk.files[1].borrow_mut()[8] ^= 0x10;
        let refused = find(&fake, &disk, &mut Stored::default(), &mut [0; 4096]);
        assert!(matches!(refused, Err(Error::Image(_))), "{refused:?}");
        disk.files[1].borrow_mut()[8] ^= 0x10;
        disk.files[1].borrow_mut().truncate(length - 1);
        assert_eq!(newest(&disk), Some(1), "cut");
    });
}
