//! The module of wrong images for a checkpointer in `mode=forged`: **for tests only**.
//!
//! They are one image, in a fresh store, with other records: the pages are the same. So an image is the label of the
//! disk and what stands behind the pages, the record table. The first sector of the module holds three words: how many
//! there are, the sector of the disk at which the tables stand, and the bytes of each table, whole sectors. The images
//! follow, each its label and its table.

/// Name of the module.
pub const FORGED_MODULE: &str = "forged";
/// Bytes before the first image.
pub const HEADER_BYTES: usize = 512;
/// Bytes of a label.
pub const LABEL_BYTES: usize = 4096;
