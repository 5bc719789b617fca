//! Kernel objects by typed, generational index.
//!
//! An [`Id`] outlives its object harmlessly: looked up later it finds nothing. So objects may name
//! each other freely, without reference cycles and without raw pointers.
// UNSAFETY: objects are placed in memory of `Frames`.
#![expect(unsafe_code)]

use core::{
    fmt,
    marker::PhantomData,
    ops::{Index, IndexMut},
    ptr::NonNull,
};

use super::frames::{FRAME_BYTES, Frames};

const CHUNKS: usize = 1024;
const INDEX_BITS: u32 = 20;

/// Names a `T` of an [`Arena`].
pub struct Id<T> {
    raw: u32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The id as a word for a table.
    #[must_use]
    pub const fn word(self) -> u32 {
        self.raw
    }

    /// The id stored in a table; any word will do, a wrong one names nothing.
    #[must_use]
    pub const fn from_word(raw: u32) -> Self {
        Self { raw, kind: PhantomData }
    }

    /// Index without generation: unique among living objects.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.raw & ((1 << INDEX_BITS) - 1)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}
impl<T> Eq for Id<T> {}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.index(), self.raw >> INDEX_BITS)
    }
}

struct Slot<T> {
    generation: u32,
    next_free: u32,
    value: Option<T>,
}

/// Growing store of `T`.
pub struct Arena<T> {
    chunks: [Option<NonNull<Slot<T>>>; CHUNKS],
    capacity: u32,
    free: u32,
    live: u32,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Arena<T> {
    const CHUNK_FRAMES: u32 = if size_of::<Slot<T>>() > 512 { 8 } else { 4 };
    /// A power of two, so that finding a slot takes no division.
    const PER_CHUNK: u32 = 1 << (Self::CHUNK_FRAMES * FRAME_BYTES / size_of::<Slot<T>>() as u32).ilog2();
    const NONE: u32 = !0;

    /// An empty arena.
    #[must_use]
    pub const fn new() -> Self {
        assert!(align_of::<Slot<T>>() <= FRAME_BYTES as usize);
        Self { chunks: [None; CHUNKS], capacity: 0, free: Self::NONE, live: 0 }
    }

    /// Number of living objects.
    #[must_use]
    pub const fn live(&self) -> u32 {
        self.live
    }

    /// Bytes of the free slots: they can hold objects, so they count as free kernel memory.
    #[must_use]
    pub const fn free_bytes(&self) -> u32 {
        (self.capacity - self.live) * size_of::<Slot<T>>() as u32
    }

    fn slot(&self, index: u32) -> Option<NonNull<Slot<T>>> {
        if index >= self.capacity {
            return None;
        }
        let chunk = self.chunks[(index / Self::PER_CHUNK) as usize]?;
        // SAFETY: `grow` initialised PER_CHUNK slots in this chunk.
        Some(unsafe { chunk.add((index % Self::PER_CHUNK) as usize) })
    }

    fn grow(&mut self, frames: &mut Frames) -> Option<()> {
        let chunk = self.chunks.get_mut((self.capacity / Self::PER_CHUNK) as usize)?;
        let memory = frames.alloc_for_ever(Self::CHUNK_FRAMES)?.cast::<Slot<T>>();
        for i in (0..Self::PER_CHUNK).rev() {
            let slot = Slot { generation: 1, next_free: self.free, value: None };
            // SAFETY: the memory is ours for good, page-aligned and large enough for PER_CHUNK
            // slots; nothing is there yet.
            unsafe { memory.add(i as usize).write(slot) };
            self.free = self.capacity + i;
        }
        *chunk = Some(memory);
        self.capacity += Self::PER_CHUNK;
        Some(())
    }

    /// Stores `value`; `None` when kernel memory is used up.
    pub fn insert(&mut self, frames: &mut Frames, value: T) -> Option<Id<T>> {
        if self.free == Self::NONE {
            self.grow(frames)?;
        }
        let index = self.free;
        // SAFETY: initialised by `grow`; `&mut self` makes the reference unique.
        let slot = unsafe { self.slot(index)?.as_mut() };
        self.free = slot.next_free;
        slot.value = Some(value);
        self.live += 1;
        Some(Id::from_word(index | slot.generation << INDEX_BITS))
    }

    /// Removes an object; its ids name nothing from now on.
    pub fn remove(&mut self, id: Id<T>) -> Option<T> {
        // SAFETY: as in `insert`.
        let slot = unsafe { self.slot(id.index())?.as_mut() };
        if slot.generation != id.raw >> INDEX_BITS {
            return None;
        }
        let value = slot.value.take()?;
        // Never 0: an id is never the word 0, which means "nothing" in tables.
        slot.generation = ((slot.generation + 1) & (!0 >> INDEX_BITS)).max(1);
        slot.next_free = self.free;
        self.free = id.index();
        self.live -= 1;
        Some(value)
    }

    /// The object, if it still lives.
    #[must_use]
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        // SAFETY: initialised by `grow`; the reference is bound to `&self`.
        let slot = unsafe { self.slot(id.index())?.as_ref() };
        if slot.generation == id.raw >> INDEX_BITS { slot.value.as_ref() } else { None }
    }

    /// The object, if it still lives.
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        // SAFETY: as in `insert`.
        let slot = unsafe { self.slot(id.index())?.as_mut() };
        if slot.generation == id.raw >> INDEX_BITS { slot.value.as_mut() } else { None }
    }

    /// The id of the living object with this index, as stored where the generation is not.
    #[must_use]
    pub fn id_of(&self, index: u32) -> Option<Id<T>> {
        // SAFETY: as in `get`.
        let slot = unsafe { self.slot(index)?.as_ref() };
        slot.value.as_ref().map(|_| Id::from_word(index | slot.generation << INDEX_BITS))
    }
}

impl<T> Index<Id<T>> for Arena<T> {
    type Output = T;
    fn index(&self, id: Id<T>) -> &T {
        self.get(id).expect("dead kernel object")
    }
}

impl<T> IndexMut<Id<T>> for Arena<T> {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        self.get_mut(id).expect("dead kernel object")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::frames::tests::frames;

    #[test]
    fn an_id_dies_with_its_object() {
        let mut f = frames(16);
        let mut arena = Arena::new();
        let a = arena.insert(&mut f, "a").unwrap();
        assert_eq!(arena.remove(a), Some("a"));
        let b = arena.insert(&mut f, "b").unwrap();
        assert_eq!((a.index(), arena.get(a)), (b.index(), None), "same place, another object");
        assert_eq!((arena[b], arena.live(), arena.id_of(b.index())), ("b", 1, Some(b)));
    }

    #[test]
    fn grows_until_memory_is_used_up() {
        let mut f = frames(8);
        let mut arena = Arena::new();
        let n = (0..).take_while(|&i| arena.insert(&mut f, [i as u32; 16]).is_some()).count();
        assert_eq!(n as u32, arena.live());
        assert!(n > 100 && f.free_frames() == 0 && arena.free_bytes() == 0);
    }

    #[test]
    fn words_that_are_no_ids_name_nothing() {
        let mut f = frames(4);
        let mut arena = Arena::new();
        arena.insert(&mut f, 1u8).unwrap();
        for word in [0, 1, !0, 1 << 20 | 0xf_ffff] {
            assert_eq!(arena.get(Id::from_word(word)), None);
        }
    }
}
