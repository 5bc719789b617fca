//! Exit codes: one per reason, the same as on the machine that restores.

/// Exit codes of the tool itself.
pub mod own {
    /// Two images differ.
    pub const DIFFER: u8 = 1;
    /// The input cannot be opened or read.
    pub const INPUT: u8 = 3;
    /// The output cannot be written.
    pub const OUTPUT: u8 = 4;
    /// An image where a disk is wanted.
    pub const NOT_A_DISK: u8 = 5;
    /// A ROM module file of another content than at the checkpoint.
    pub const OTHER_MODULE: u8 = 6;
    /// A ROM module that the image does not know.
    pub const NO_SUCH_MODULE: u8 = 7;
    /// A protection domain that the image does not have.
    pub const NO_SUCH_PD: u8 = 8;
    /// Several protection domains, and none was named.
    pub const MANY_PDS: u8 = 9;
    /// A log without a trace.
    pub const NO_TRACE: u8 = 70;
    /// A log without the result of a check.
    pub const NO_CHECK: u8 = 71;
    /// The target that was checked cannot be saved.
    pub const NOT_SAVEABLE: u8 = 72;
    /// The machine that was to check did not run to its end.
    pub const NOT_BOOTED: u8 = 73;
    /// The line to a target cannot be opened or used.
    pub const LINE: u8 = 74;
    /// The line was closed before an image was complete.
    pub const UNFINISHED: u8 = 75;
    /// A log without a whole image.
    pub const NO_IMAGE: u8 = 76;
}

/// Every exit code and what it means; docs/errors.md has the same table.
pub const TABLE: &[(u8, &str)] = &[
    (0, "done"),
    (own::DIFFER, "the images compared differ"),
    (2, "wrong arguments"),
    (own::INPUT, "input cannot be opened or read"),
    (own::OUTPUT, "output cannot be written"),
    (own::NOT_A_DISK, "an image where a disk is wanted"),
    (own::OTHER_MODULE, "a file that is not the ROM module of the image"),
    (own::NO_SUCH_MODULE, "no such ROM module in the image"),
    (own::NO_SUCH_PD, "no such protection domain in the image"),
    (own::MANY_PDS, "several protection domains, none named"),
    (10, "neither an image nor a disk"),
    (11, "image format of another version"),
    (12, "image of another architecture"),
    (13, "image of another kernel ABI revision"),
    (14, "image of another board"),
    (15, "image with another parent"),
    (16, "header damaged or impossible"),
    (17, "image cut off"),
    (18, "bytes behind the end of the image"),
    (19, "record table damaged"),
    (20, "memory damaged"),
    (21, "padding is not zero"),
    (22, "record of unknown kind or version"),
    (23, "record malformed"),
    (24, "record there twice"),
    (25, "record missing or out of order"),
    (26, "records contradict each other"),
    (27, "more than a limit admits"),
    (28, "pages missing, too many or out of place"),
    (29, "unknown page encoding"),
    (30, "disk without a checkpoint"),
    (31, "both disk headers damaged"),
    (32, "disk too small"),
    (33, "disk full"),
    (34, "disk layout of another version"),
    (35, "another checkpoint than the one wanted"),
    (own::NO_TRACE, "a log without a trace"),
    (own::NO_CHECK, "a log without the result of a check"),
    (own::NOT_SAVEABLE, "the checked target cannot be saved"),
    (own::NOT_BOOTED, "the machine that was to check did not run to its end"),
    (own::LINE, "line to a target cannot be opened or used"),
    (own::UNFINISHED, "line closed before an image was complete"),
    (own::NO_IMAGE, "a log without a whole image"),
];

/// Returns the table as part of the help.
pub fn help() -> String {
    let lines = TABLE.iter().map(|(code, meaning)| format!("\n  {code:2}  {meaning}"));
    format!("Exit codes:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_same_table() {
        let document = include_str!("../../docs/errors.md");
        for (code, meaning) in TABLE {
            let row = format!("| {code} | {meaning} |");
            assert!(document.contains(&row), "docs/errors.md lacks the row `{row}`");
        }
    }

    #[test]
    fn codes_are_unique_and_ascend() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
