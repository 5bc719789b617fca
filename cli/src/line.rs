//! Lines to a target: a serial device, a pseudo terminal, or a socket of an emulator.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long a look at the line lasts at most.
const LOOK: Duration = Duration::from_millis(100);

/// Both directions of a line.
pub trait Line: Read + Write {}

impl<T: Read + Write + ?Sized> Line for T {}

/// Opens a line: the path of a device or of a Unix socket, or `HOST:PORT`.
pub fn open(name: &str, baud: u32) -> io::Result<Box<dyn Line>> {
    let found = std::fs::metadata(name);
    if found.as_ref().is_ok_and(|m| m.file_type().is_socket()) {
        let socket = UnixStream::connect(Path::new(name))?;
        socket.set_read_timeout(Some(LOOK))?;
        return Ok(Box::new(socket));
    }
    if found.is_err() && name.contains(':') {
        let socket = TcpStream::connect(name)?;
        socket.set_read_timeout(Some(LOOK))?;
        socket.set_nodelay(true)?;
        return Ok(Box::new(socket));
    }
    found?;
    Ok(Box::new(serialport::new(name, baud).timeout(LOOK).open()?))
}

/// Reads what is there: nothing for a while is no error.
pub fn look(line: &mut dyn Line, bytes: &mut [u8]) -> io::Result<Option<usize>> {
    match line.read(bytes) {
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}
