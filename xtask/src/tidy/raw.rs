//! `l4-sys` describes values that the kernel and other tasks write. Such a value may hold any bits, so no
//! type for it may be a Rust enum or contain `bool`, `char` or a reference, and its layout is fixed.

use quote::ToTokens;
use syn::{Fields, Item, Type, Visibility, visit::Visit};

use super::{Breach, files::Source};

/// Public types that are not for values from outside, each with the reason.
const OWN_TYPES: [(&str, &str); 3] = [
    ("Revision", "chosen by us from a number that was checked"),
    ("Utcb", "a window that copies single words, not a value"),
    ("Answer", "made by our own stub of two such values"),
];

/// Checks every file of the crate.
pub fn check(sources: &[Source]) -> Vec<Breach> {
    let files = sources.iter().filter(|s| s.path.starts_with("l4-sys/src/") && s.is(&["rs"]));
    files.flat_map(check_file).collect()
}

fn check_file(source: &Source) -> Vec<Breach> {
    match syn::parse_file(&source.text) {
        Ok(file) => file.items.iter().flat_map(|item| check_item(&source.path, item)).collect(),
        Err(e) => {
            vec![Breach::new(&source.path, e.span().start().line, format!("cannot be read as Rust: {e}"))]
        }
    }
}

fn check_item(path: &str, item: &Item) -> Vec<Breach> {
    let is_public = |v: &Visibility| matches!(v, Visibility::Public(_));
    let breach = |name: &syn::Ident, message: String| {
        vec![Breach::new(path, name.span().start().line, format!("`{name}` {message}"))]
    };
    match item {
        Item::Enum(e) if is_public(&e.vis) && !is_own(&e.ident) => {
            breach(&e.ident, "is an enum: use a newtype with constants".into())
        }
        Item::Struct(s) if is_public(&s.vis) && !is_own(&s.ident) => {
            let mut breaches = Vec::new();
            if !s.attrs.iter().any(|a| a.path().is_ident("repr")) {
                breaches.extend(breach(&s.ident, "has no `repr`: its layout is not fixed".into()));
            }
            let types = fields(&s.fields).filter_map(narrow);
            breaches.extend(
                types.flat_map(|t| breach(&s.ident, format!("contains {t}, which not all bits are"))),
            );
            breaches
        }
        Item::Type(t) if is_public(&t.vis) => narrow(&t.ty)
            .map_or_else(Vec::new, |found| breach(&t.ident, format!("is {found}, which not all bits are"))),
        Item::Union(u) if is_public(&u.vis) => breach(&u.ident, "is a union: use words".into()),
        Item::Mod(m) => {
            let items = m.content.iter().flat_map(|(_, items)| items);
            items.flat_map(|i| check_item(path, i)).collect()
        }
        _ => Vec::new(),
    }
}

fn is_own(name: &syn::Ident) -> bool {
    OWN_TYPES.iter().any(|(own, _)| name == own)
}

fn fields(fields: &Fields) -> impl Iterator<Item = &Type> {
    fields.iter().map(|f| &f.ty)
}

/// The first part of a type that not every bit pattern is a value of.
fn narrow(ty: &Type) -> Option<String> {
    let mut search = Narrow(None);
    search.visit_type(ty);
    search.0
}

struct Narrow(Option<String>);

impl<'ast> Visit<'ast> for Narrow {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(_) => self.note("a reference"),
            Type::FnPtr(_) => self.note("a function pointer"),
            _ => syn::visit::visit_type(self, ty),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let last = path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        let is_narrow =
            matches!(last.as_str(), "bool" | "char" | "Option" | "Box") || last.starts_with("NonZero");
        if is_narrow || last == "NonNull" || OWN_TYPES.iter().any(|(own, _)| *own == last) {
            self.note(&format!("`{}`", path.to_token_stream()));
        }
        syn::visit::visit_path(self, path);
    }
}

impl Narrow {
    fn note(&mut self, what: &str) {
        self.0.get_or_insert_with(|| what.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::source;

    fn messages(text: &str) -> Vec<String> {
        check(&[source("l4-sys/src/x.rs", text)]).into_iter().map(|b| b.message).collect()
    }

    #[test]
    fn accepts_plain_words() {
        let good = "#[repr(transparent)] pub struct Tag(pub u32);\n#[repr(C)] pub struct Frame { a: [u32; 22] }\n\
                    pub enum Revision { G }\npub type Image = [u32; 128];\nenum Private { A }\n\
                    impl Tag { pub fn error(self) -> bool { true } }";
        assert_eq!(messages(good), [""; 0]);
        assert!(check(&[source("l4/src/x.rs", "pub enum E { A }")]).is_empty(), "other crates may");
    }

    #[test]
    fn refuses_each_kind() {
        for (text, part) in [
            ("pub enum Error { A = 1 }", "is an enum"),
            ("pub struct Tag(pub u32);", "no `repr`"),
            ("#[repr(C)] pub struct T { on: bool }", "`bool`"),
            ("#[repr(C)] pub struct T { a: [char; 2] }", "`char`"),
            ("#[repr(C)] pub struct T { a: &'static u32 }", "a reference"),
            ("#[repr(C)] pub struct T { a: core::num::NonZeroU32 }", "NonZeroU32"),
            ("#[repr(C)] pub struct T { a: Revision }", "`Revision`"),
            ("pub type Flag = bool;", "`bool`"),
            ("#[repr(C)] pub union U { a: u32 }", "union"),
            ("pub mod inner { pub enum E { A } }", "is an enum"),
        ] {
            let found = messages(text);
            assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}");
        }
    }
}
