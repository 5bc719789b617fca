//! `thaw from-log`: an image that a component of Genode printed, for machines without a disk.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;
use crate::whole::{apart, whole};

/// What stands before each part.
const MARK: &str = "thaw: image ";

/// Writes the last complete image in the log at `path` to `out`.
pub fn from_log(path: &Path, out: &Path) -> Result<(), Failure> {
    apart(out, &[path])?;
    let bytes = std::fs::read(path).map_err(|error| Failure::Input(path.into(), error))?;
    // A console may have bytes that are no text; they are not in these lines.
    let image = last_image(&String::from_utf8_lossy(&bytes)).ok_or(Failure::NoImage(path.into()))?;
    whole(out, |part| std::fs::write(part, &image).map_err(|error| Failure::Output(part.into(), error)))
}

/// The last image of which every line is there.
fn last_image(log: &str) -> Option<Vec<u8>> {
    let (mut whole, mut growing) = (None, None);
    for line in log.lines() {
        let Some((_, rest)) = line.split_once(MARK) else { continue };
        let mut words = rest.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)));
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        match first {
            "begin" => growing = Some(Vec::new()),
            "end" => {
                let length: usize = second.parse().ok()?;
                whole = growing.take().filter(|bytes: &Vec<u8>| bytes.len() == length).or(whole);
            }
            // Genode's console ends a line with a colour, which is no part of it.
            offset => {
                let at = usize::from_str_radix(offset, 16).ok();
                let part = STANDARD.decode(second).ok();
                growing = match (growing, at, part) {
                    (Some(mut bytes), Some(at), Some(part)) if at == bytes.len() => {
                        bytes.extend(part);
                        Some(bytes)
                    }
                    _ => None,
                };
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[init -> thaw] thaw: image begin 5\n\
        [init -> thaw -> sheep] 4 sheeps.\n\
        [init -> thaw] thaw: image 0 AQID\u{1b}[0m\n\
        [init -> thaw] thaw: image 3 BAU=\u{1b}[0m\n\
        [init -> thaw] thaw: image end 5\u{1b}[0m\n";

    #[test]
    fn lines_of_others_may_stand_between() {
        assert_eq!(last_image(LOG), Some(vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn an_image_with_a_missing_line_is_none() {
        for missing in 0..5 {
            let mut lines: Vec<_> = LOG.lines().collect();
            lines.remove(missing);
            assert_eq!(last_image(&lines.join("\n")).is_some(), missing == 1, "line {missing}");
        }
        // The older whole one stays.
        let cut = format!("{LOG}{}", &LOG[..LOG.len() / 2]);
        assert_eq!(last_image(&cut), Some(vec![1, 2, 3, 4, 5]));
    }
}
