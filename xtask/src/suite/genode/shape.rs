//! Functions and structures that Rust shares with C++, read from its sources.

use std::collections::BTreeMap;

use syn::{Abi, Expr, Fields, ForeignItem, Item, Lit, Pat, ReturnType, Signature, Type};

use crate::failure::{Failure, Kind, Result};

/// What a parameter or a result is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Passed {
    Nothing,
    /// A number of 4 or 8 bytes.
    Number(u32),
    /// A pointer, to a structure if it is one of ours.
    Pointer {
        writeable: bool,
        to: Option<String>,
    },
}

/// A function, on whichever side it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Function {
    pub name: String,
    pub parameters: Vec<Passed>,
    pub result: Passed,
}

/// A field with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Field {
    pub name: String,
    pub offset: u32,
}

/// A structure in C's layout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    pub fields: Vec<Field>,
    pub size: u32,
    align: u32,
}

/// All that a package's sources share with C++.
#[derive(Default)]
pub(super) struct Shared {
    pub functions: Vec<Function>,
    structures: BTreeMap<String, syn::ItemStruct>,
    constants: BTreeMap<String, u32>,
}

impl Shared {
    /// Reads one source more.
    pub fn add(&mut self, text: &str) -> Result<()> {
        let file = syn::parse_file(text).map_err(|e| unreadable(&e.to_string()))?;
        file.items.into_iter().try_for_each(|item| self.add_item(item))
    }

    fn add_item(&mut self, item: Item) -> Result<()> {
        match item {
            Item::ForeignMod(block) if is_c(Some(&block.abi)) => {
                for item in block.items {
                    if let ForeignItem::Fn(f) = item {
                        self.functions.push(function(&f.sig)?);
                    }
                }
            }
            Item::Fn(f) if is_c(f.sig.abi.as_ref()) => self.functions.push(function(&f.sig)?),
            Item::Struct(s) if is_repr_c(&s) => drop(self.structures.insert(s.ident.to_string(), s)),
            Item::Const(c) => {
                if let Some(value) = number(&c.expr) {
                    self.constants.insert(c.ident.to_string(), value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Layout of a structure by its name.
    pub fn layout(&self, name: &str) -> Result<Layout> {
        let structure =
            self.structures.get(name).ok_or_else(|| unreadable(&format!("no `#[repr(C)] struct {name}`")))?;
        let Fields::Named(named) = &structure.fields else {
            return Err(unreadable(&format!("fields of {name} have no names")));
        };
        let mut layout = Layout { fields: Vec::new(), size: 0, align: 1 };
        for field in &named.named {
            let (size, align) = self.size_of(&field.ty)?;
            let offset = layout.size.next_multiple_of(align);
            let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            layout.fields.push(Field { name, offset });
            layout.size = offset + size;
            layout.align = layout.align.max(align);
        }
        layout.size = layout.size.next_multiple_of(layout.align);
        Ok(layout)
    }

    fn size_of(&self, ty: &Type) -> Result<(u32, u32)> {
        match ty {
            Type::Array(array) => {
                let (size, align) = self.size_of(&array.elem)?;
                Ok((size * self.length(&array.len)?, align))
            }
            Type::Path(_) => match last_name(ty).as_str() {
                "u8" | "i8" => Ok((1, 1)),
                "u16" | "i16" => Ok((2, 2)),
                "u32" | "i32" => Ok((4, 4)),
                "u64" | "i64" => Ok((8, 8)),
                name => self.layout(name).map(|l| (l.size, l.align)),
            },
            _ => Err(unreadable("a field that is neither number, array nor structure")),
        }
    }

    fn length(&self, expression: &Expr) -> Result<u32> {
        let named = || match expression {
            Expr::Path(p) => self.constants.get(&p.path.segments.last()?.ident.to_string()).copied(),
            _ => None,
        };
        number(expression).or_else(named).ok_or_else(|| unreadable("length of an array"))
    }
}

fn function(signature: &Signature) -> Result<Function> {
    let name = signature.ident.to_string();
    let parameters = signature.inputs.iter().map(|input| match input {
        syn::FnArg::Typed(typed) if matches!(*typed.pat, Pat::Ident(_) | Pat::Wild(_)) => passed(&typed.ty),
        _ => Err(unreadable("a parameter")),
    });
    let parameters = parameters.collect::<Result<_>>().map_err(|f| unreadable(&format!("{name}: {f}")))?;
    let result = match &signature.output {
        ReturnType::Default => Passed::Nothing,
        ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => Passed::Nothing,
        ReturnType::Type(_, ty) => passed(ty).map_err(|f| unreadable(&format!("{name}: {f}")))?,
    };
    Ok(Function { name, parameters, result })
}

fn passed(ty: &Type) -> Result<Passed> {
    let pointer = |to: &Type, writeable: bool| {
        let name = last_name(to);
        let plain = ["", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"].contains(&name.as_str());
        Passed::Pointer { writeable, to: (!plain).then_some(name) }
    };
    match ty {
        Type::Reference(r) => Ok(pointer(&r.elem, r.mutability.is_some())),
        Type::Ptr(p) => {
            Ok(pointer(&p.elem, quote::ToTokens::to_token_stream(p).to_string().starts_with("* mut")))
        }
        _ => match last_name(ty).as_str() {
            "u32" | "i32" => Ok(Passed::Number(4)),
            "u64" | "i64" => Ok(Passed::Number(8)),
            name => Err(unreadable(&format!("`{name}` is neither a word nor a pointer"))),
        },
    }
}

/// Last name of a path; empty for what is no path.
fn last_name(ty: &Type) -> String {
    match ty {
        Type::Path(p) => p.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn is_c(abi: Option<&Abi>) -> bool {
    abi.and_then(|a| a.name.as_ref()).is_some_and(|name| name.value() == "C")
}

fn is_repr_c(structure: &syn::ItemStruct) -> bool {
    let is_c = |a: &syn::Attribute| {
        a.path().is_ident("repr") && a.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "C")
    };
    structure.attrs.iter().any(is_c)
}

fn number(expression: &Expr) -> Option<u32> {
    match expression {
        Expr::Lit(l) => match &l.lit {
            Lit::Int(i) => i.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn unreadable(what: &str) -> Failure {
    Failure::new(Kind::Check, format!("interface to C++: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
        pub const N: usize = 3;
        #[repr(C)] #[derive(Default)] pub struct Inner { a: u8, b: u64 }
        #[repr(C)] pub struct Outer { x: u32, inner: Inner, rest: [u32; N] }
        struct NotShared { y: u32 }
        unsafe extern \"C\" { pub safe fn thaw_ask(n: u32, out: &mut Outer) -> u64; }
        #[unsafe(no_mangle)] extern \"C\" fn thaw_tell(text: *const u8, to: *mut u8) -> ! { loop {} }
        fn own(_: u32) {}";

    #[test]
    fn reads_functions() {
        let mut shared = Shared::default();
        shared.add(SOURCE).unwrap();
        let outer = Passed::Pointer { writeable: true, to: Some("Outer".into()) };
        let bytes = |writeable| Passed::Pointer { writeable, to: None };
        let ask = Function {
            name: "thaw_ask".into(),
            parameters: vec![Passed::Number(4), outer],
            result: Passed::Number(8),
        };
        let tell = Function {
            name: "thaw_tell".into(),
            parameters: vec![bytes(false), bytes(true)],
            result: Passed::Nothing,
        };
        assert_eq!(shared.functions, [ask, tell]);
    }

    #[test]
    fn lays_structures_out_as_c_does() {
        let mut shared = Shared::default();
        shared.add(SOURCE).unwrap();
        let outer = shared.layout("Outer").unwrap();
        let offsets: Vec<_> = outer.fields.iter().map(|f| (f.name.as_str(), f.offset)).collect();
        assert_eq!(offsets, [("x", 0), ("inner", 8), ("rest", 24)]);
        assert_eq!((outer.size, outer.align), (40, 8));
        assert!(shared.layout("NotShared").is_err());
    }
}
