//! What the tool prints, compared with files in `tests/golden`. `UPDATE_EXPECT=1` writes them anew.

use expect_test::expect_file;

use crate::common::done;

#[test]
fn help() {
    expect_file!["../../../tests/golden/help.txt"].assert_eq(&done(&["--help"]));
}

#[test]
fn show_as_text() {
    expect_file!["../../../tests/golden/sheep.show.txt"].assert_eq(&done(&["show", "sheep.thaw"]));
}

#[test]
fn show_as_text_with_utcbs() {
    expect_file!["../../../tests/golden/tiny.show.txt"].assert_eq(&done(&["show", "--utcb", "tiny.thaw"]));
}

#[test]
fn show_as_json() {
    let shown = done(&["show", "--json", "sheep.thaw"]);
    expect_file!["../../../tests/golden/sheep.show.json"].assert_eq(&shown);
}

#[test]
fn show_of_a_disk() {
    expect_file!["../../../tests/golden/disk.show.txt"].assert_eq(&done(&["show", "disk.img"]));
}

#[test]
fn verify() {
    let all = ["tiny.thaw", "sheep.thaw", "disk.img"];
    let text: String = all.iter().map(|image| done(&["verify", image])).collect();
    let json: String = all.iter().map(|image| done(&["verify", "--json", image])).collect();
    expect_file!["../../../tests/golden/verify.txt"].assert_eq(&(text + &json));
}
