//! The target's end: one request at a time, said again until it is answered.

use crate::frame::{DATA_MAX, Frame, Kind, SECTOR_BYTES, Status};
use crate::line::{Found, Line, Scanner};

/// Milliseconds of quiet between two greetings that nobody answers.
const GREETING_PAUSE_MS: u32 = 100;

/// The line as the target sees it.
pub trait Port {
    /// Sends bytes.
    fn send(&mut self, bytes: &[u8]);
    /// The next byte, if one comes until the clock shows `until_ms`.
    fn receive(&mut self, until_ms: u64) -> Option<u8>;
    /// A clock that never runs backwards, in milliseconds.
    fn now_ms(&mut self) -> u64;
    /// Lets others run.
    fn pause_ms(&mut self, ms: u32);
}

/// How long a request waits, by the line's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// Milliseconds after which it is said again.
    pub answer_ms: u32,
    /// Milliseconds after which it is given up.
    pub patience_ms: u32,
}

/// Why a request was not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientError {
    /// Nobody answers.
    Silent,
    /// The host refuses.
    Refused(Status),
    /// An answer makes no sense.
    Answer,
}

/// The store at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Store {
    /// Its number.
    pub id: u32,
    /// Sectors.
    pub sectors: u32,
    /// It can only be read.
    pub read_only: bool,
}

/// The target's end of a store.
pub struct Client<P> {
    port: P,
    scanner: Scanner,
    number: u16,
    times: Times,
    store: Option<Store>,
}

impl<P: Port> Client<P> {
    /// Knows no store yet.
    pub const fn new(port: P, times: Times) -> Self {
        Self { port, scanner: Scanner::new(), number: 0, times, store: None }
    }

    /// The line.
    pub const fn port(&mut self) -> &mut P {
        &mut self.port
    }

    /// The store; asks for it if none is known.
    pub fn store(&mut self) -> Result<Store, ClientError> {
        if let Some(store) = self.store {
            return Ok(store);
        }
        let start = self.port.now_ms() as u32;
        let mut facts = [0; 8];
        let hello = Frame {
            kind: Kind::Hello,
            is_answer: false,
            number: 0,
            store: 0,
            first: 0,
            value: start,
            data: &[],
        };
        let (id, len) = self.ask(hello, &mut facts)?;
        if len != facts.len() {
            return Err(ClientError::Answer);
        }
        let [a, b, c, d, flags, ..] = facts;
        let store = Store { id, sectors: u32::from_le_bytes([a, b, c, d]), read_only: flags & 1 != 0 };
        self.store = Some(store);
        Ok(store)
    }

    /// Fills `bytes`, whole sectors, from sector `first` on.
    pub fn read(&mut self, first: u32, bytes: &mut [u8]) -> Result<(), ClientError> {
        let mut first = first;
        for piece in bytes.chunks_mut(DATA_MAX) {
            let sectors = (piece.len() / SECTOR_BYTES) as u32;
            let request = self.request(Kind::Read, first, sectors, &[])?;
            let (_, len) = self.ask(request, piece)?;
            if len != piece.len() {
                return Err(ClientError::Answer);
            }
            first += sectors;
        }
        Ok(())
    }

    /// Writes `bytes`, whole sectors, from sector `first` on.
    pub fn write(&mut self, first: u32, bytes: &[u8]) -> Result<(), ClientError> {
        let mut first = first;
        for piece in bytes.chunks(DATA_MAX) {
            let request = self.request(Kind::Write, first, 0, piece)?;
            self.ask(request, &mut [])?;
            first += (piece.len() / SECTOR_BYTES) as u32;
        }
        Ok(())
    }

    /// Returns when everything written is kept, and checked if it makes a new image.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        let request = self.request(Kind::Flush, 0, 0, &[])?;
        self.ask(request, &mut []).map(|_| ())
    }

    fn request<'a>(
        &mut self,
        kind: Kind,
        first: u32,
        value: u32,
        data: &'a [u8],
    ) -> Result<Frame<'a>, ClientError> {
        let store = self.store()?.id;
        Ok(Frame { kind, is_answer: false, number: 0, store, first, value, data })
    }

    /// Asks until there is an answer; its store, and how much of its data was put into `data`.
    fn ask(&mut self, request: Frame<'_>, data: &mut [u8]) -> Result<(u32, usize), ClientError> {
        self.number = self.number.wrapping_add(1);
        let request = Frame { number: self.number, ..request };
        let line = Line::new(&request);
        let end = self.port.now_ms() + u64::from(self.times.patience_ms);
        loop {
            let now = self.port.now_ms();
            if now >= end {
                // Whoever answers next may be another store.
                self.store = None;
                return Err(ClientError::Silent);
            }
            self.port.send(line.as_bytes());
            if let Some(answer) = self.answer(&request, now + u64::from(self.times.answer_ms), data) {
                return answer;
            }
            if request.kind == Kind::Hello {
                self.port.pause_ms(GREETING_PAUSE_MS);
            }
        }
    }

    /// Waits for the answer; nothing if it did not come, so that the request has to be said again.
    fn answer(
        &mut self,
        request: &Frame<'_>,
        until_ms: u64,
        data: &mut [u8],
    ) -> Option<Result<(u32, usize), ClientError>> {
        loop {
            let byte = self.port.receive(until_ms)?;
            match self.scanner.push(byte, |_| ()) {
                None => continue,
                Some(Found::Damaged) => return None,
                Some(Found::Frame) => {}
            }
            let Some(frame) = self.scanner.frame().filter(|f| f.is_answer) else { continue };
            if frame.kind == Kind::Damaged {
                return None;
            }
            if (frame.kind, frame.number) != (request.kind, request.number) {
                // The answer to something that was asked twice.
                continue;
            }
            return Some(match Status::from_number(frame.value) {
                Status::Done => {
                    let len = frame.data.len().min(data.len());
                    data[..len].copy_from_slice(&frame.data[..len]);
                    Ok((frame.store, frame.data.len()))
                }
                status => {
                    self.store = None;
                    Err(ClientError::Refused(status))
                }
            });
        }
    }
}
