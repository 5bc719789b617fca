//! The host's end of a machine's serial store, in the runner itself.

use thaw_serial::Disk;
use thaw_serial_host::{Counts, Session, faults::Faults};

/// One in about so many bytes of the frames begins a fault, where faults are asked for.
const FAULT_EVERY: u32 = 5000;
const MARK: u8 = b'~';

/// Who is at the other end of a console.
pub struct Peer<'d> {
    session: Session,
    disk: &'d mut dyn Disk,
    faults: Option<[Faults; 2]>,
    inside: Inside,
}

/// Whether a byte belongs to a frame: only those are tampered with.
#[derive(Default)]
struct Inside {
    marks: u32,
}

impl Inside {
    fn is_after(&mut self, byte: u8) -> bool {
        let was_inside = self.marks >= 2;
        self.marks = match byte {
            b'\n' => 0,
            MARK => self.marks + 1,
            _ if was_inside => self.marks,
            _ => 0,
        };
        was_inside
    }
}

impl<'d> Peer<'d> {
    /// Serves requests from `disk`; with a seed over a line that has faults.
    pub fn new(disk: &'d mut dyn Disk, fault_seed: Option<u64>) -> Self {
        let faults = fault_seed.map(|seed| [seed, seed + 1].map(|seed| Faults::new(seed, FAULT_EVERY)));
        Self { session: Session::default(), disk, faults, inside: Inside::default() }
    }

    /// Takes what the machine said; returns the text in it and what is to be said to the machine.
    pub fn exchange(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut text = Vec::new();
        let Some([there, back]) = &mut self.faults else {
            let answers = self.session.push(bytes, self.disk, &mut text);
            return (text, answers);
        };
        let mut arrived = Vec::new();
        for byte in bytes {
            if self.inside.is_after(*byte) {
                arrived.extend(there.carry(&[*byte]));
            } else {
                arrived.push(*byte);
            }
        }
        let answers = self.session.push(&arrived, self.disk, &mut text);
        (text, back.carry(&answers))
    }

    /// What went over the line.
    pub fn counts(&self) -> Counts {
        self.session.counts()
    }

    /// Faults in both directions.
    pub fn faults(&self) -> u64 {
        self.faults.iter().flatten().map(Faults::count).sum()
    }
}
