//! Every package shares the workspace's lint table, so no crate can quietly be laxer.

use super::{Breach, files::Source};

/// Checks all manifests.
pub fn check(sources: &[Source]) -> Vec<Breach> {
    let manifests = sources.iter().filter(|s| s.path.ends_with("Cargo.toml"));
    let packages = manifests.filter(|s| s.lines().any(|(_, l)| l.trim() == "[package]"));
    packages.filter(|s| !shares_lints(&s.text)).map(|s| Breach::new(&s.path, 0, MESSAGE)).collect()
}

const MESSAGE: &str = "no `[lints]` with `workspace = true`";

fn shares_lints(text: &str) -> bool {
    let mut in_lints = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_lints = line == "[lints]";
        } else if in_lints && line.replace(' ', "") == "workspace=true" {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::source;

    #[test]
    fn sees_a_package_without_the_table() {
        let good = source("a/Cargo.toml", "[package]\nname = \"a\"\n[lints]\nworkspace = true\n");
        let other = source("b/Cargo.toml", "[package]\n[lints.rust]\nworkspace = true\n");
        let workspace = source("Cargo.toml", "[workspace]\n");
        assert_eq!(check(&[good, workspace]), []);
        assert_eq!(check(&[other]), [Breach::new("b/Cargo.toml", 0, MESSAGE)]);
    }
}
