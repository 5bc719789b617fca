//! Sample images and a disk that loses power, shared by the tests.

use thaw_image::*;

/// An image in memory that grows.
#[derive(Default)]
pub struct Body(pub Vec<u8>);

impl Sink for Body {
    type Error = core::convert::Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

pub fn name(text: &str) -> Name {
    Name::new(text).expect("a sample's name fits")
}

pub fn identity() -> Identity {
    Identity {
        architecture: Architecture::Arm32,
        abi: Abi::G,
        board_id: 1,
        board: name("virt"),
        target: name("sheep"),
        kernel: KernelName::new("Fiasco.OC (sample)").expect("fits"),
        generation: 3,
        parent: Digest::NONE,
        clock_us: 12_345_678,
        flags: Flags::default(),
    }
}
