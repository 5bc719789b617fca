//! Running the tool, and images to run it on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What a run of the tool gave.
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// Runs the tool where the golden images are, so that messages name them without a directory.
pub fn thaw(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thaw"));
    command.args(arguments).current_dir(golden_directory());
    command.output().expect("the tool starts").into()
}

/// Runs the tool, which has to succeed.
pub fn done(arguments: &[&str]) -> String {
    let ran = thaw(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
    assert_eq!(ran.err, "", "{arguments:?}");
    ran.out
}

/// Runs the tool with `--json`.
pub fn json(arguments: &[&str]) -> Value {
    let all = [arguments, &["--json"]].concat();
    serde_json::from_str(&done(&all)).expect("JSON")
}

/// Where the images of the format's own golden tests are.
pub fn golden_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

/// The bytes of a golden image.
pub fn golden(name: &str) -> Vec<u8> {
    std::fs::read(golden_directory().join(name)).expect("checked in")
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A word of an image.
pub fn word(image: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(image[at..at + 8].try_into().expect("inside"))
}

/// Makes the hashes of table and header right again after an edit, as only a writer could.
pub fn reseal(image: &mut [u8]) {
    let (start, length) = (word(image, 184) as usize, word(image, 192) as usize);
    let table = thaw_image::Digest::of(&image[start..start + length]);
    image[240..272].copy_from_slice(&table.0);
    let header = thaw_image::Digest::of(&image[..448]);
    image[448..480].copy_from_slice(&header.0);
}
