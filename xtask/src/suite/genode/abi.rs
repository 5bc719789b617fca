//! Each function that one part calls in the other has the parameters, and each structure the fields, that the other
//! believes: what Rust says is put to the C++ compiler as assertions about the header.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use super::{
    PROGRAMS, Program, compile, files_of, includes_of,
    shape::{Function, Passed, Shared},
};
use crate::{
    failure::{Failure, Kind, Result, read, write},
    suite::{Context, ensure},
};

/// Takes functions and pointers apart.
const TOOLS: &str = r#"
template <typename T> struct Kind           { enum { VALUE = sizeof(T) == 4 ? 'w' : sizeof(T) == 8 ? 'l' : '?' }; };
template <>           struct Kind<void>     { enum { VALUE = 'v' }; };
template <typename T> struct Kind<T *>       { enum { VALUE = 'p' }; using To = T; };
template <typename T> struct Kind<T const *> { enum { VALUE = 'c' }; using To = T; };

template <typename RESULT, typename... ARGS>
constexpr bool is(RESULT (*)(ARGS...), char const *shape)
{
	char const own[] { char(Kind<RESULT>::VALUE), char(Kind<ARGS>::VALUE)..., 0 };
	for (unsigned i = 0; i < sizeof(own); i++)
		if (own[i] != shape[i]) return false;
	return true;
}

template <unsigned N, typename FIRST, typename... MORE> struct Nth : Nth<N - 1, MORE...> { };
template <typename FIRST, typename... MORE> struct Nth<0, FIRST, MORE...> { using Type = FIRST; };

template <unsigned N, typename RESULT, typename... ARGS>
typename Kind<typename Nth<N, ARGS...>::Type>::To pointee(RESULT (*)(ARGS...));

"#;

/// Checks every program.
pub(super) fn check(context: &Context) -> Result<()> {
    PROGRAMS.iter().try_for_each(|program| check_program(program, &context.out))
}

fn check_program(program: &Program, out: &Path) -> Result<()> {
    let mut shared = Shared::default();
    for source in files_of(program.rust, "rs")? {
        shared.add(&String::from_utf8_lossy(&read(&source)?))?;
    }
    let text = assertions(program.header, &shared)?;
    let unit = out.join("abi.cc");
    write(&unit, &text)?;
    let includes = includes_of(program.includes);
    compile(&unit, &includes, &out.join("abi.o"))?;
    // The control: a field one word further must be seen.
    let (before, after) = text.rsplit_once("== 4, ").ok_or_else(|| nothing(program))?;
    write(&unit, format!("{before}== 8, {after}"))?;
    ensure(compile(&unit, &includes, &out.join("abi.o")).is_err(), || {
        format!("{}: a field at the wrong place is not seen", program.header)
    })
}

/// A unit that holds if the header is what Rust believes.
fn assertions(header: &str, shared: &Shared) -> Result<String> {
    let mut text = format!("#include <{header}>\n{TOOLS}");
    let mut done = BTreeSet::new();
    for function in &shared.functions {
        let name = &function.name;
        let _ = writeln!(text, "static_assert(is(&{name}, \"{}\"), \"{name} in Rust\");", letters(function));
        for (i, parameter) in function.parameters.iter().enumerate() {
            let Passed::Pointer { to: Some(structure), .. } = parameter else { continue };
            if done.insert(structure) {
                let type_ = format!("decltype(pointee<{i}>(&{name}))");
                add_structure(&mut text, structure, &type_, shared)?;
            }
        }
    }
    Ok(text)
}

fn add_structure(text: &mut String, name: &str, type_: &str, shared: &Shared) -> Result<()> {
    let layout = shared.layout(name)?;
    let _ = writeln!(text, "static_assert(sizeof({type_}) == {}, \"size of {name} in Rust\");", layout.size);
    for field in &layout.fields {
        let (field, offset) = (&field.name, field.offset);
        let _ = writeln!(
            text,
            "static_assert(__builtin_offsetof({type_}, {field}) == {offset}, \"{name}::{field} in Rust\");"
        );
    }
    Ok(())
}

/// One letter for the result and each parameter, as `Kind` in [`TOOLS`].
fn letters(function: &Function) -> String {
    let letter = |passed: &Passed| match passed {
        Passed::Nothing => 'v',
        Passed::Number(8) => 'l',
        Passed::Number(_) => 'w',
        Passed::Pointer { writeable: true, .. } => 'p',
        Passed::Pointer { .. } => 'c',
    };
    [&function.result].into_iter().chain(&function.parameters).map(letter).collect()
}

fn nothing(program: &Program) -> Failure {
    Failure::new(Kind::Check, format!("{}: Rust shares no structure with C++", program.header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_what_rust_says_as_assertions() {
        let mut shared = Shared::default();
        shared
            .add("#[repr(C)] struct S { a: u32, b: u32 } extern \"C\" fn thaw_f(n: u64, s: &S) {}")
            .unwrap();
        let text = assertions("x.h", &shared).unwrap();
        assert!(text.contains("static_assert(is(&thaw_f, \"vlc\")"), "{text}");
        assert!(text.contains("static_assert(sizeof(decltype(pointee<1>(&thaw_f))) == 8,"), "{text}");
        assert!(text.contains("(&thaw_f)), b) == 4,"), "{text}");
    }
}
