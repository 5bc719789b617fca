//! Kernel memory: 4 KiB frames, read and written as words.
//!
//! Page tables, capability tables and UTCBs live here. Frames are named by index and every access
//! is bounds-checked, so a wrong index is a panic, never a wild pointer. UTCBs are shared with user
//! mode: words are volatile and never borrowed.
// UNSAFETY: raw access to the kernel's memory window.
#![expect(unsafe_code)]

use core::ptr::NonNull;

/// Bytes of a frame.
pub const FRAME_BYTES: u32 = 4096;
/// Words of a frame.
pub const FRAME_WORDS: u32 = FRAME_BYTES / 4;

/// A 4 KiB piece of kernel memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame(u32);

impl Frame {
    /// The frame as a word for a table, never 0.
    #[must_use]
    pub const fn word(self) -> u32 {
        self.0 + 1
    }

    /// The frame named by a word of a table.
    #[must_use]
    pub const fn from_word(word: u32) -> Option<Self> {
        if word == 0 { None } else { Some(Self(word - 1)) }
    }
}

/// All kernel memory.
pub struct Frames {
    window: *mut u32,
    phys: u32,
    count: u32,
    fresh: u32,
    free_list: u32,
    used: u32,
}

impl Frames {
    /// Takes over `count` frames at physical address `phys`, mapped at `window`.
    ///
    /// # Safety
    ///
    /// The window must map that memory, stay mapped, and nothing else may use it.
    #[must_use]
    pub const unsafe fn new(window: *mut u32, phys: u32, count: u32) -> Self {
        Self { window, phys, count, fresh: 0, free_list: 0, used: 0 }
    }

    /// Number of free frames.
    #[must_use]
    pub const fn free_frames(&self) -> u32 {
        self.count - self.used
    }

    /// Physical address of `frame`.
    #[must_use]
    pub const fn phys(&self, frame: Frame) -> u32 {
        self.phys + frame.0 * FRAME_BYTES
    }

    /// The frame at physical address `phys`, if that is kernel memory.
    #[must_use]
    pub const fn at_phys(&self, phys: u32) -> Option<Frame> {
        let index = phys.wrapping_sub(self.phys) / FRAME_BYTES;
        if index < self.count { Some(Frame(index)) } else { None }
    }

    fn pointer(&self, frame: Frame, index: u32) -> *mut u32 {
        assert!(frame.0 < self.count && index < FRAME_WORDS, "frame {} word {index}", frame.0);
        // SAFETY: inside the window, just checked.
        unsafe { self.window.add((frame.0 * FRAME_WORDS + index) as usize) }
    }

    /// Reads a word.
    #[must_use]
    pub fn get(&self, frame: Frame, index: u32) -> u32 {
        // SAFETY: `pointer` checked the bounds; the window is mapped for the kernel's lifetime.
        unsafe { self.pointer(frame, index).read_volatile() }
    }

    /// Writes a word.
    pub fn set(&mut self, frame: Frame, index: u32, value: u32) {
        // SAFETY: as in `get`.
        unsafe { self.pointer(frame, index).write_volatile(value) }
    }

    /// Takes a zeroed frame.
    pub fn alloc(&mut self) -> Option<Frame> {
        let frame = match Frame::from_word(self.free_list) {
            Some(frame) => {
                self.free_list = self.get(frame, 0);
                frame
            }
            None if self.fresh < self.count => {
                self.fresh += 1;
                Frame(self.fresh - 1)
            }
            None => return None,
        };
        self.used += 1;
        (0..FRAME_WORDS).for_each(|i| self.set(frame, i, 0));
        Some(frame)
    }

    /// Gives a frame back.
    pub fn free(&mut self, frame: Frame) {
        self.set(frame, 0, self.free_list);
        self.free_list = frame.word();
        self.used -= 1;
    }

    /// Takes `frames` contiguous frames for good, for kernel objects.
    pub fn alloc_for_ever(&mut self, frames: u32) -> Option<NonNull<u8>> {
        if self.count - self.fresh < frames {
            return None;
        }
        let first = self.pointer(Frame(self.fresh), 0);
        self.fresh += frames;
        self.used += frames;
        NonNull::new(first.cast())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Kernel memory on the host.
    pub fn frames(count: u32) -> Frames {
        let memory = vec![0xdead_beef_u32; (count * FRAME_WORDS) as usize].leak();
        // SAFETY: leaked, so it stays; nobody else has it.
        unsafe { Frames::new(memory.as_mut_ptr(), 0x4ea0_0000, count) }
    }

    #[test]
    fn frames_come_zeroed_and_go_back() {
        let mut f = frames(2);
        let (a, b) = (f.alloc().unwrap(), f.alloc().unwrap());
        assert_eq!((f.get(a, 5), f.free_frames(), f.alloc()), (0, 0, None));
        f.set(a, 5, 7);
        f.free(a);
        assert_eq!(f.alloc(), Some(a));
        assert_eq!(f.get(a, 5), 0);
        assert_eq!(f.at_phys(f.phys(b)), Some(b));
        assert_eq!(f.at_phys(0x4000_0000), None);
    }

    #[test]
    #[should_panic = "word 1024"]
    fn words_are_bounded() {
        let mut f = frames(1);
        let frame = f.alloc().unwrap();
        let _ = f.get(frame, FRAME_WORDS);
    }
}
