//! An image as lines of a log, for machines without a disk: `thaw-image` lines, which the host puts together.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::world::{Span, World};

/// Bytes of a line; with its frame it stays below what a LOG session takes at once.
const LINE: usize = 132;

/// Prints the image in `image`.
pub fn print_image<W: World>(world: &W, image: Span) {
    world.say(format_args!("image begin {}", image.bytes));
    let (mut bytes, mut text) = ([0; LINE], [0; LINE.div_ceil(3) * 4]);
    let mut done = 0;
    while let Some(part) = image.part(done, (image.bytes - done).min(LINE as u32)).filter(|p| p.bytes > 0) {
        let piece = &mut bytes[..part.bytes as usize];
        world.read(part, piece);
        // The text is as long as a whole line needs.
        let length = STANDARD.encode_slice(piece, &mut text).unwrap_or(0);
        let line = core::str::from_utf8(&text[..length]).unwrap_or("");
        world.say(format_args!("image {done:x} {line}"));
        done += part.bytes;
    }
    world.say(format_args!("image end {}", image.bytes));
}
